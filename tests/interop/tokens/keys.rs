//! The keys that sign.

use crate::{AUDIENCE, ISSUER, LEEWAY, LIFETIME, NOW, SECRET};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    hmac,
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, prelude::*};
use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, KeyRing, Rules, SigningKey},
};
use serde_json::{Value, json};
use std::time::Duration;

pub enum Pair {
    Secret,
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

pub struct Key {
    pub algorithm: &'static str,
    pair: Pair,
    pub kid: String,
    pub jwk: Value,
    pub verifier: AccessTokens,
}

impl Key {
    pub fn new(algorithm: &'static str, pair: Pair) -> Self {
        let text = match &pair {
            Pair::Secret => String::from_utf8(SECRET.to_vec()).expect("text"),
            Pair::Ed25519(pair) => pem(pair.to_pkcs8v1().expect("DER").as_ref()),
            Pair::P256(pair) => pem(pair.to_pkcs8v1().expect("DER").as_ref()),
            Pair::Rsa(pair) => pem(AsDer::<Pkcs8V1Der>::as_der(pair).expect("DER").as_ref()),
        };
        let key = SigningKey::parse(text.as_bytes()).expect("a good key");
        let kid = key.kid().to_owned();
        let rules = Rules {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            leeway: Duration::from_secs(LEEWAY),
            max_lifetime: Duration::from_secs(LIFETIME),
        };
        let ring = KeyRing::new(key, UnixTime(0));
        let published: Value = serde_json::from_str(&ring.jwks(UnixTime(NOW))).expect("JSON");
        let jwk = match &pair {
            Pair::Secret => json!({ "kty": "oct", "alg": "HS256", "kid": kid, "k": b64(SECRET) }),
            _ => published["keys"][0].clone(),
        };
        Self { algorithm, pair, kid, jwk, verifier: AccessTokens::new(ring, rules) }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Secret => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message).as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signed");
                signature
            }
        }
    }
}

pub fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

//! Clients' key pairs, the examples of the RFCs, used apart from the code under test.

use crate::keys::{b64, der, ec, okp, public, rsa, rsa_der, set, unb64, with};
use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use countersign::jwt::KeySet;
use serde_json::{Value, json};

pub struct Signer {
    pub alg: &'static str,
    /// The public half, by its name.
    pub jwk: Value,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    unb64(jwk[name].as_str().expect("a member"))
}

impl Signer {
    fn new(alg: &'static str, jwk: &Value, pair: Pair) -> Self {
        Self { alg, jwk: with(&public(jwk), "kid", format!("the {alg} key")), pair }
    }

    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(&okp(), "d"), &bytes(&okp(), "x"));
        Self::new("EdDSA", &okp(), Pair::Ed25519(pair.expect("a key")))
    }

    pub fn p256() -> Self {
        let point = [vec![4], bytes(&ec(), "x"), bytes(&ec(), "y")].concat();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &bytes(&ec(), "d"), &point);
        Self::new("ES256", &ec(), Pair::P256(pair.expect("a key")))
    }

    pub fn rsa() -> Self {
        Self::new("RS256", &rsa(), Pair::Rsa(RsaKeyPair::from_der(&rsa_der()).expect("a key")))
    }

    pub fn all() -> [Self; 3] {
        [Self::ed25519(), Self::p256(), Self::rsa()]
    }

    /// What a client registers that has this key alone.
    pub fn keys(&self) -> KeySet {
        KeySet::registered(&set(std::slice::from_ref(&self.jwk))).expect("a key")
    }

    /// A good header.
    pub fn header(&self) -> Value {
        json!({ "alg": self.alg, "kid": self.jwk["kid"], "typ": "client-authentication+jwt" })
    }

    /// Signs any header and payload.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", b64(header), b64(payload));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&random, message.as_bytes()).expect("signed").as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).expect("signed");
                signature
            }
        };
        format!("{message}.{}", b64(signature))
    }

    /// The public half in every form in which somebody might have it.
    pub fn public_forms(&self) -> Vec<Vec<u8>> {
        let (spki, ssh, mut forms) = match &self.pair {
            Pair::Ed25519(pair) => {
                let x = pair.public_key().as_ref().to_vec();
                (spki(pair.public_key()), ssh("ssh-ed25519", &[&x]), vec![x])
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                let compressed = [&[2 + (y[31] & 1)], x].concat();
                let ssh = ssh("ecdsa-sha2-nistp256", &[b"nistp256", point]);
                let raw = vec![point.to_vec(), compressed, point[1..].to_vec(), x.to_vec(), y.to_vec()];
                (spki(pair.public_key()), ssh, raw)
            }
            Pair::Rsa(pair) => {
                let (n, e) = (bytes(&self.jwk, "n"), bytes(&self.jwk, "e"));
                let hex: String = n.iter().map(|byte| format!("{byte:02x}")).collect();
                let ssh = ssh("ssh-rsa", &[&e, &[&[0], &n[..]].concat()]);
                let pkcs1 = pair.public_key().as_ref().to_vec();
                let mut raw = texts("RSA PUBLIC KEY", &pkcs1);
                raw.extend([n, hex.into(), pkcs1]);
                (spki(pair.public_key()), ssh, raw)
            }
        };
        forms.extend(texts("PUBLIC KEY", &spki));
        forms.extend([
            spki,
            self.jwk.to_string().into(),
            format!("{}\n", self.jwk).into(),
            set(std::slice::from_ref(&self.jwk)).into(),
            ssh.clone().into(),
            format!("{ssh} ada@example\n").into(),
        ]);
        let bases = forms.iter().flat_map(|form| [b64(form).into(), BASE64_STANDARD.encode(form).into()]);
        let bases: Vec<Vec<u8>> = bases.collect();
        [forms, bases].concat()
    }
}

fn spki<'a>(key: &impl AsDer<PublicKeyX509Der<'a>>) -> Vec<u8> {
    key.as_der().expect("DER").as_ref().to_vec()
}

fn texts(label: &str, der: &[u8]) -> Vec<Vec<u8>> {
    let text = der::pem(label, der);
    let spellings = [text.replace('\n', "\r\n"), text.replace('\n', ""), text.trim_end().into(), text];
    spellings.map(String::into_bytes).into()
}

/// RFC 4253 §6.6: each part behind its length.
fn ssh(name: &str, parts: &[&[u8]]) -> String {
    let parts = std::iter::once(name.as_bytes()).chain(parts.iter().copied());
    let length = |part: &[u8]| u32::try_from(part.len()).expect("short").to_be_bytes();
    let wire: Vec<u8> = parts.flat_map(|part| [&length(part)[..], part].concat()).collect();
    format!("{name} {}", BASE64_STANDARD.encode(wire))
}

//! A signer that signs whatever it is told.

use crate::{clock::UnixTime, jwt::SigningKey};
use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Map, Value};

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

pub(super) fn unb64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// A token taken apart, to be changed and put together again.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

impl Token {
    /// `None` if it is not of the form of a compact JWS with JSON objects in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let object = |part| serde_json::from_slice(&unb64(part)?).ok();
        let token = Self { header: object(header)?, claims: object(claims)? };
        (parts.next().is_none() && unb64(signature).is_some()).then_some(token)
    }

    pub(super) fn header(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut token = self.clone();
        token.header.insert(name.into(), value.into());
        token
    }

    pub(super) fn without_header(&self, name: &str) -> Self {
        let mut token = self.clone();
        token.header.remove(name);
        token
    }

    pub(super) fn claim(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut token = self.clone();
        token.claims.insert(name.into(), value.into());
        token
    }

    pub(super) fn without_claim(&self, name: &str) -> Self {
        let mut token = self.clone();
        token.claims.remove(name);
        token
    }

    pub(super) fn header_text(&self) -> String {
        Value::from(self.header.clone()).to_string()
    }

    pub(super) fn claims_text(&self) -> String {
        Value::from(self.claims.clone()).to_string()
    }

    /// What is signed (RFC 7515 §5.1).
    pub(super) fn message(&self) -> String {
        message(self.header_text(), self.claims_text())
    }

    /// With no signature at all.
    pub(super) fn unsigned(&self) -> String {
        format!("{}.", self.message())
    }

    /// As HS256 under any bytes, whatever its header says.
    pub(super) fn hs256(&self, secret: &[u8]) -> String {
        let message = self.message();
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", b64(signature))
    }
}

pub(super) fn message(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", b64(header), b64(payload))
}

/// The text of an object with one member, given as text that need not be JSON, in front of the
/// others.
pub(super) fn with_member(object: &Map<String, Value>, name: &str, json: &str) -> String {
    let mut rest = object.clone();
    rest.remove(name);
    beside(&rest, name, json)
}

/// The same beside a member of that name, if there is one.
pub(super) fn beside(object: &Map<String, Value>, name: &str, json: &str) -> String {
    let rest = Value::from(object.clone()).to_string();
    let comma = if object.is_empty() { "" } else { "," };
    format!("{{\"{name}\":{json}{comma}{}", &rest[1..])
}

/// A key that nobody has published: whoever made it signs as they like, and is nobody.
pub(super) struct Stranger(Ed25519KeyPair);

impl Stranger {
    pub(super) fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[42; 32]).expect("32 bytes are a seed"))
    }

    pub(super) fn public(&self) -> String {
        b64(self.0.public_key())
    }

    pub(super) fn sign(&self, token: &Token) -> String {
        let message = token.message();
        format!("{message}.{}", b64(self.0.sign(message.as_bytes())))
    }
}

/// What the bad tokens are made from.
pub(super) struct Forge<'k> {
    /// The good token, as it was given.
    pub(super) text: &'k str,
    pub(super) good: &'k Token,
    pub(super) now: UnixTime,
    /// The keys that the issuer has published, as JWKs.
    pub(super) published: &'k [Value],
    pub(super) roles: &'k [String],
    pub(super) scopes: &'k [String],
}

/// The same with the key that signed the good token.
pub(super) struct Signer<'k> {
    pub(super) forge: &'k Forge<'k>,
    pub(super) key: &'k SigningKey,
    /// The ring's other keys that verify.
    pub(super) others: &'k [SigningKey],
}

impl Forge<'_> {
    /// The good token's three parts.
    pub(super) fn parts(&self) -> [&str; 3] {
        let mut parts = self.text.split('.');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }
}

impl Signer<'_> {
    pub(super) fn sign(&self, token: &Token) -> String {
        self.sign_message(&token.message())
    }

    pub(super) fn sign_text(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_message(&message(header, payload))
    }

    pub(super) fn sign_message(&self, message: &str) -> String {
        sign(self.key, message)
    }

    /// With one header member given as text.
    pub(super) fn raw_header(&self, name: &str, json: &str) -> String {
        let good = self.forge.good;
        self.sign_text(with_member(&good.header, name, json), good.claims_text())
    }

    /// With one claim given as text.
    pub(super) fn raw_claim(&self, name: &str, json: &str) -> String {
        let good = self.forge.good;
        self.sign_text(good.header_text(), with_member(&good.claims, name, json))
    }
}

/// These two parts with the key's signature, by its own algorithm.
pub(super) fn sign(key: &SigningKey, message: &str) -> String {
    let signature = key.signature(message.as_bytes()).expect("a key of a ring signs");
    format!("{message}.{signature}")
}

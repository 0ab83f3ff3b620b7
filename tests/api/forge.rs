//! A signer of its own, written apart from the code under test: it signs whatever it is told.

use crate::{key::Key, server::Server};
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Map, Value};

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

pub fn unb64(text: &str) -> Vec<u8> {
    BASE64.decode(text).unwrap()
}

pub fn hs256(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

/// A good token taken apart, to be changed and signed again with the server's own key.
#[derive(Clone)]
pub struct Token {
    pub key: &'static Key,
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl Token {
    /// A fresh token of `ada` from a server with the usual key; see [`Key::token`] for others.
    pub fn of(server: &Server) -> Self {
        Self::parse(&server.login("ada"))
    }

    pub fn parse(token: &str) -> Self {
        let parts: Vec<_> = token.split('.').collect();
        let part = |n: usize| serde_json::from_slice(&unb64(parts[n])).unwrap();
        Self { key: Key::hs256(), header: part(0), claims: part(1) }
    }

    /// The same with one header member set (`null` stays `null`; see [`Token::without_header`]).
    pub fn header(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut token = self.clone();
        token.header.insert(name.into(), value.into());
        token
    }

    pub fn without_header(&self, name: &str) -> Self {
        let mut token = self.clone();
        token.header.remove(name).expect("the member was there");
        token
    }

    pub fn claim(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut token = self.clone();
        token.claims.insert(name.into(), value.into());
        token
    }

    pub fn without_claim(&self, name: &str) -> Self {
        let mut token = self.clone();
        token.claims.remove(name).expect("the claim was there");
        token
    }

    /// Signed with the server's key by its own algorithm, whatever the header says.
    pub fn sign(&self) -> String {
        self.key.jws(self.header_text(), self.claims_text())
    }

    pub fn header_text(&self) -> String {
        serde_json::to_string(&self.header).unwrap()
    }

    pub fn claims_text(&self) -> String {
        serde_json::to_string(&self.claims).unwrap()
    }

    /// Signed with one header member given as text, which need not be JSON.
    pub fn raw_header(&self, name: &str, json: &str) -> String {
        self.key.jws(members(&[(name, json)], &self.header), self.claims_text())
    }

    /// Signed with one claim given as text, which need not be JSON.
    pub fn raw_claim(&self, name: &str, json: &str) -> String {
        self.key.jws(self.header_text(), members(&[(name, json)], &self.claims))
    }

    pub fn now(&self) -> u64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }
}

/// The text of an object with these members, given as text, in front of the others of `rest`.
pub fn members(first: &[(&str, &str)], rest: &Map<String, Value>) -> String {
    let mut rest = rest.clone();
    rest.retain(|name, _| first.iter().all(|(other, _)| other != name));
    let first = first.iter().map(|(name, json)| format!("\"{name}\":{json}"));
    let rest = rest.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    format!("{{{}}}", first.chain(rest).collect::<Vec<_>>().join(","))
}

/// The object with `name` twice: another value before the right one, after it, and the same.
pub fn twice(object: &Map<String, Value>, name: &str, other: &str) -> [String; 3] {
    let right = object.get(name).map_or_else(|| "1".into(), Value::to_string);
    [(other, &*right), (&right, other), (&right, &right)]
        .map(|(a, b)| members(&[(name, a), (name, b)], object))
}

/// Signs any header and payload bytes with the usual key.
pub fn sign_text(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    Key::hs256().jws(header, payload)
}

/// The same as HS256 with any bytes as the key.
pub fn sign_with(key: &[u8], header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    sign_message(key, format!("{}.{}", b64(header), b64(payload)))
}

/// Signs a token's first two parts as they stand.
pub fn sign_message(key: &[u8], message: String) -> String {
    let signature = b64(hs256(key, &message));
    format!("{message}.{signature}")
}

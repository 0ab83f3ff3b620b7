//! Client assertions (RFC 7523): what a client may sign to be taken for itself, and what it may not.

mod arbitrary;
mod claims;
mod header;
mod keys;
mod signer;
mod time;

use crate::keys::{with, without};
use countersign::{
    client::ClientId,
    clock::UnixTime,
    jwt::{Assertion, AssertionRules, JwtError, KeySet},
};
use serde_json::{Value, json};
use signer::Signer;
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 5;
const CLIENT: &str = "reports-worker";
const ISSUER: &str = "https://login.example";
const ENDPOINT: &str = "https://login.example/token";

/// What a good assertion says.
fn claims() -> Value {
    json!({ "iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "jti": "j", "iat": NOW, "exp": NOW + 60 })
}

/// The text of these claims with one of them as this text, which need not be JSON.
fn raw(name: &str, text: &str) -> String {
    let rest = without(&claims(), &[name]).to_string();
    format!("{{\"{name}\":{text},{}", &rest[1..])
}

fn verify(token: impl AsRef<[u8]>, keys: &KeySet, leeway: u64, now: u64) -> Result<Assertion, JwtError> {
    let client: ClientId = CLIENT.parse().expect("an id");
    let audiences = [ISSUER.to_owned(), ENDPOINT.to_owned()];
    let leeway = Duration::from_secs(leeway);
    let rules = AssertionRules { client: &client, audiences: &audiences, leeway };
    Assertion::verify(token.as_ref(), keys, &rules, UnixTime(now))
}

/// What becomes of these claims, well signed.
fn said(claims: impl AsRef<[u8]>) -> Result<Assertion, JwtError> {
    let signer = Signer::ed25519();
    verify(signer.sign(signer.header().to_string(), claims), &signer.keys(), LEEWAY, NOW)
}

/// The same with one claim set.
fn saying(name: &str, value: impl Into<Value>) -> Result<Assertion, JwtError> {
    said(with(&claims(), name, value).to_string())
}

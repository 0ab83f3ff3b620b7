//! The forms in which everybody has a public key: none of them is a secret.

use super::super::forge::unb64;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// RFC 8410 §4.
const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
/// RFC 5480 §2.1.1: id-ecPublicKey on secp256r1.
const P256: &[u8] =
    &[0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// RFC 3279 §2.3.1: rsaEncryption.
const RSA: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// Each by its name; only the JSON for a key that is not known.
pub(super) fn forms(jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("a JWK", jwk.to_string().into_bytes())];
    let member = |name: &str| unb64(jwk.get(name)?.as_str()?);
    let (raw, algorithm) = match jwk.get("kty").and_then(Value::as_str) {
        Some("OKP") => (member("x"), ED25519),
        Some("EC") => (member("x").zip(member("y")).map(|(x, y)| [&[4], &*x, &y].concat()), P256),
        Some("RSA") => (member("n").zip(member("e")).map(|(n, e)| pkcs1(&n, &e)), RSA),
        _ => return forms,
    };
    let Some(raw) = raw else { return forms };
    // Of an Ed25519 key, x is all there is.
    let number = if algorithm == ED25519 { None } else { member("n").or_else(|| member("x")) };
    forms.extend(number.map(|bytes| ("its raw number", bytes)));
    let info = spki(algorithm, &raw);
    for (form, newline, end) in
        [("PEM", "\n", "\n"), ("PEM with CRLF", "\r\n", "\r\n"), ("PEM, no newline behind", "\n", "")]
    {
        forms.push((form, pem(&info, newline, end).into_bytes()));
    }
    forms.extend([("DER", info), ("its raw bytes", raw)]);
    forms
}

/// RFC 5280 §4.1, SubjectPublicKeyInfo.
fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der(0x30, &[algorithm, &der(3, &[&[0], key].concat())].concat())
}

/// RFC 8017 §A.1.1.
fn pkcs1(n: &[u8], e: &[u8]) -> Vec<u8> {
    // A zero in front keeps a number from being negative.
    let number = |bytes: &[u8]| {
        der(2, &[if bytes.first().is_some_and(|b| *b >= 128) { &[0][..] } else { &[] }, bytes].concat())
    };
    der(0x30, &[number(n), number(e)].concat())
}

/// X.690 §8.1, with a definite length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut bytes = vec![tag];
    if content.len() >= 128 {
        bytes.push(0x80 | length.len() as u8);
    }
    [&bytes, length, content].concat()
}

/// RFC 7468 §2.
fn pem(der: &[u8], newline: &str, end: &str) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let body = lines.join(newline);
    format!("-----BEGIN PUBLIC KEY-----{newline}{body}{newline}-----END PUBLIC KEY-----{end}")
}

//! Texts as refresh tokens, against a reading written apart: one spelling is taken and no other, and
//! what is printed from it is the same text. And tokens that are sealed: they open, and with one bit,
//! the salt, the session, the generation or the key another they do not.
#![no_main]

use countersign::{
    clock::UnixTime,
    jwt::{HmacSecret, KeyRing, SigningKey},
    refresh_token::{RefreshKeys, RefreshToken, Salt},
    session::SessionId,
};
use countersign_fuzz::{NOW, SECRET, base64url, from_base64url};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

struct Keys {
    /// Seals by the new key and takes the seal of the old one too.
    both: RefreshKeys,
    old: RefreshKeys,
    stranger: RefreshKeys,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let key = |bytes: &[u8]| SigningKey::hs256(&HmacSecret::parse(bytes).expect("a good secret"));
    let (new, old) = (key(SECRET), key(b"w8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"));
    let alone = |key: SigningKey| RefreshKeys::derive(&KeyRing::new(key, UnixTime(0)), NOW);
    let ring = KeyRing::fixed(new, std::slice::from_ref(&old)).expect("two keys");
    Keys {
        both: RefreshKeys::derive(&ring, NOW),
        old: alone(old),
        stranger: alone(key(b"r8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1")),
    }
});

const SALT: Salt = Salt::from_bytes(*b"sixteen bytes :)");

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        as_text(text);
    }
    let mut bytes = [0; 44];
    let length = data.len().min(44);
    bytes[..length].copy_from_slice(&data[..length]);
    sealed(&bytes);
});

fn as_text(text: &str) {
    let expected = text.strip_prefix("csr_").and_then(|text| from_base64url(text.as_bytes()));
    let expected = expected.filter(|bytes| bytes.len() == 16 + 8 + 32);
    let token = text.parse::<RefreshToken>().ok();
    assert_eq!(token.is_some(), expected.is_some());
    let (Some(token), Some(bytes)) = (token, expected) else { return };
    assert_eq!(token.session().as_bytes()[..], bytes[..16]);
    assert_eq!(token.generation().to_be_bytes()[..], bytes[16..24]);
    // Printed again it is the same, so a seal is good if and only if it is the seal of one of the keys.
    assert_eq!(format!("csr_{}", base64url(&bytes)), text);
    let seal = |keys: &RefreshKeys| keys.seal(token.session(), token.generation(), &SALT);
    let is_ours = *seal(&KEYS.both) == text || *seal(&KEYS.old) == text;
    assert_eq!(KEYS.both.sealed(&token, &SALT), is_ours);
}

fn sealed(bytes: &[u8; 44]) {
    let (session, rest) = bytes.split_first_chunk::<16>().expect("44 bytes");
    let (generation, rest) = rest.split_first_chunk::<8>().expect("28 bytes");
    let (salt, rest) = rest.split_first_chunk::<16>().expect("20 bytes");
    let (session, generation) = (SessionId::from_bytes(*session), u64::from_be_bytes(*generation));
    let salt = Salt::from_bytes(*salt);
    let by = if rest[0] & 1 == 0 { &KEYS.both } else { &KEYS.old };
    let text = by.seal(session, generation, &salt);
    let token: RefreshToken = text.parse().expect("what was sealed can be read");
    assert!(token.session() == session && token.generation() == generation);
    assert!(KEYS.both.sealed(&token, &salt), "what was sealed opens");
    assert!(!KEYS.stranger.sealed(&token, &salt), "but not by another's key");

    // One thing is another: a bit of the salt, or of what was sealed or of the seal.
    let mut other = *salt.as_bytes();
    other[usize::from(rest[1]) % 16] ^= 1 << (rest[2] % 8);
    assert!(!KEYS.both.sealed(&token, &Salt::from_bytes(other)));
    let mut forged = from_base64url(&text.as_bytes()[4..]).expect("base64url");
    forged[usize::from(rest[3]) % 56] ^= 1 << (rest[1] % 8);
    let forged = format!("csr_{}", base64url(&forged)).parse().expect("a token's form");
    assert!(!KEYS.both.sealed(&forged, &salt));
}

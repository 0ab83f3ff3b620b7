//! HMAC secrets that are worth the name.

use super::Material;
use aws_lc_rs::{constant_time, digest};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use pkcs8::der::{Decode, Tag, Tagged, asn1::AnyRef};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// A secret for HS256: at least 32 bytes (RFC 7518 §3.2) that do not look like a placeholder.
///
/// It is wiped when dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct HmacSecret(Zeroizing<Vec<u8>>);

/// Why a secret is refused. Never says what it was.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WeakSecret {
    /// Under 32 bytes.
    #[error("is shorter than 32 bytes")]
    Short,
    /// The same few bytes again and again, or a run such as `0123456789`.
    #[error("repeats itself or counts up, so it can be guessed")]
    Repeated,
    /// A text that stands in tutorials, or that asks to be replaced.
    #[error("is a placeholder or stands in a published example")]
    Published,
    /// A key of another kind, and often a public one, as PEM, DER or OpenSSH has it.
    #[error("is a key of another kind (PEM, DER or OpenSSH), not a secret")]
    Key,
}

/// Words that stand in placeholders and in no random secret; letters only, lower case.
/// Each has at least six letters, so random base64 holds one less than once in 10⁶ secrets.
const PLACEHOLDER_WORDS: [&str; 14] = [
    "secret",
    "changeme",
    "changeit",
    "replace",
    "password",
    "passw0rd",
    "yourkey",
    "example",
    "placeholder",
    "supersecure",
    "insecure",
    "default",
    "testkey",
    "qwerty",
];

/// The first 8 bytes of the SHA-256 of secrets that were leaked or stand in tutorials, sorted;
/// made by `.ci/published-secrets`.
static PUBLISHED: &[u8] = include_bytes!("published-secrets.bin");

impl HmacSecret {
    /// Checks the secret's bytes.
    ///
    /// ```
    /// use countersign::jwt::{HmacSecret, WeakSecret};
    ///
    /// assert_eq!(HmacSecret::parse(b"secret").unwrap_err(), WeakSecret::Short);
    /// assert!(HmacSecret::parse(b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1").is_ok());
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, WeakSecret> {
        if bytes.len() < 32 {
            return Err(WeakSecret::Short);
        }
        if is_key(bytes) || decoded(bytes).is_some_and(|decoded| is_key(&decoded)) {
            return Err(WeakSecret::Key);
        }
        if repeats_itself(bytes) {
            return Err(WeakSecret::Repeated);
        }
        let letters: String = bytes
            .iter()
            .filter(|b| b.is_ascii_alphanumeric())
            .map(|b| char::from(b.to_ascii_lowercase()))
            .collect();
        let placeholder = PLACEHOLDER_WORDS.iter().any(|word| letters.contains(word));
        if placeholder || is_published(bytes) {
            return Err(WeakSecret::Published);
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// Whether these bytes are the secret, in a time that does not depend on how much of them is.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, bytes).is_ok()
    }

    /// What it is made of.
    pub(crate) fn material(&self) -> Material {
        Material::of_secret(&self.0)
    }

    /// The bytes to compute with.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether the bytes are a key of another kind, or what is left of one: PEM (RFC 7468), OpenSSH's
/// (RFC 4253 §6.6), or in DER a SEQUENCE that begins with a number or a SEQUENCE.
fn is_key(bytes: &[u8]) -> bool {
    let begins = |text: &str| bytes.starts_with(text.as_bytes());
    let is_der = !bytes.is_ascii()
        && AnyRef::from_der(bytes)
            .is_ok_and(|any| any.tag() == Tag::Sequence && matches!(any.value().first(), Some(0x02 | 0x30)));
    is_der || begins("ssh-") || begins("ecdsa-sha2-") || bytes.windows(5).any(|window| window == b"-----")
}

/// What the bytes are the base64 of (RFC 4648 §4 and §5), if they are.
fn decoded(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text: Zeroizing<Vec<u8>> =
        bytes.iter().filter(|byte| !b"\r\n=".contains(byte)).copied().collect::<Vec<_>>().into();
    let decoded = BASE64_STANDARD_NO_PAD.decode(&*text).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(&*text));
    decoded.map(Zeroizing::new).ok()
}

fn is_published(bytes: &[u8]) -> bool {
    let digest = digest::digest(&digest::SHA256, bytes);
    PUBLISHED.as_chunks::<8>().0.binary_search_by(|known| known[..].cmp(&digest.as_ref()[..8])).is_ok()
}

/// Whether the bytes are a short text repeated, of few different values, or a sequence.
fn repeats_itself(bytes: &[u8]) -> bool {
    let periodic =
        (1..=bytes.len() / 2).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b));
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    // 32 random hexadecimal digits have fewer than 8 different ones once in 10⁵ secrets.
    let few = seen.iter().filter(|seen| **seen).count() < 8;
    let steps = bytes.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == 1).count();
    periodic || few || steps * 2 > bytes.len()
}

impl fmt::Debug for HmacSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSecret")
    }
}

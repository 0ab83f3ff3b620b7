//! PBKDF2 (RFC 8018 §5.2) with HMAC, as passlib, Django and Werkzeug store it.

use super::text::{ab64, base64, decimal, hex, salt};
use aws_lc_rs::pbkdf2::{self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use std::num::NonZeroU32;

/// Django 6 has 1,200,000; more than this takes about a second.
const MAX_ITERATIONS: u32 = 2_000_000;

/// With the length of its digest in bytes. All three store all of it, and no more.
type Hmac = (Algorithm, usize);

const SHA1: Hmac = (PBKDF2_HMAC_SHA1, 20);
const SHA256: Hmac = (PBKDF2_HMAC_SHA256, 32);
const SHA512: Hmac = (PBKDF2_HMAC_SHA512, 64);

pub(in crate::password) struct Pbkdf2 {
    algorithm: Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub(super) fn parse(text: &str) -> Option<Pbkdf2> {
    passlib(text).or_else(|| django(text)).or_else(|| werkzeug(text))
}

/// `$pbkdf2-sha256$29000$salt$output`; `$pbkdf2$` is of SHA-1.
fn passlib(text: &str) -> Option<Pbkdf2> {
    let rest = text.strip_prefix("$pbkdf2")?;
    let [name, iterations, salt, output] = fields(rest)?;
    let hmac = match name {
        "" => SHA1,
        "-sha256" => SHA256,
        "-sha512" => SHA512,
        _ => return None,
    };
    Pbkdf2::new(hmac, iterations, ab64(salt)?, ab64(output)?)
}

/// `pbkdf2_sha256$1000000$salt$output`; the salt is the text as it stands there.
fn django(text: &str) -> Option<Pbkdf2> {
    let [name, iterations, text, output] = fields(text)?;
    let hmac = match name {
        "pbkdf2_sha1" => SHA1,
        "pbkdf2_sha256" => SHA256,
        _ => return None,
    };
    Pbkdf2::new(hmac, iterations, salt(text)?, base64(output)?)
}

/// `pbkdf2:sha256:1000000$salt$output`, in hexadecimal; the salt is the text as it stands there.
fn werkzeug(text: &str) -> Option<Pbkdf2> {
    let [method, text, output] = fields(text)?;
    let (name, iterations) = method.strip_prefix("pbkdf2:")?.split_once(':')?;
    let hmac = match name {
        "sha1" => SHA1,
        "sha256" => SHA256,
        "sha512" => SHA512,
        _ => return None,
    };
    Pbkdf2::new(hmac, iterations, salt(text)?, hex(output)?)
}

fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

impl Pbkdf2 {
    fn new(hmac: Hmac, iterations: &str, salt: Vec<u8>, output: Vec<u8>) -> Option<Self> {
        let (algorithm, length) = hmac;
        let iterations = NonZeroU32::new(decimal(iterations)?).filter(|it| it.get() <= MAX_ITERATIONS)?;
        (output.len() == length).then_some(Self { algorithm, iterations, salt, output })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        pbkdf2::verify(self.algorithm, self.iterations, &self.salt, password, &self.output).is_ok()
    }

    pub(super) fn iterations(&self) -> u32 {
        self.iterations.get()
    }
}

//! The refresh token: a counter under a seal, not a secret that a store keeps.
//!
//! Wire form: `csr_` and the base64url of session id (16 bytes), generation (8) and
//! HMAC-SHA256(key, session id ‖ generation ‖ salt) (32). The prefix lets secret scanners find
//! leaked ones. The salt lies in the store and the key does not, so forging takes both, and a
//! copy of the store holds nothing to log in with.

use crate::{clock::UnixTime, jwt::KeyRing, session::SessionId};
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{fmt, str::FromStr};
use thiserror::Error;
use zeroize::Zeroizing;

const PREFIX: &str = "csr_";
const LENGTH: usize = 16 + 8 + 32;

/// A refresh token as somebody presented it: well formed, and not yet checked.
#[derive(Clone)]
pub struct RefreshToken {
    session: SessionId,
    generation: u64,
    tag: [u8; 32],
}

/// The text is not of a refresh token's form.
#[derive(Debug, Error)]
#[error("not a refresh token")]
pub struct RefreshTokenError;

impl RefreshToken {
    /// The session that it says it belongs to.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Which of the session's tokens it says it is.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

impl FromStr for RefreshToken {
    type Err = RefreshTokenError;

    /// Takes one spelling only: base64url without padding or stray bits (RFC 4648 §3.5).
    fn from_str(text: &str) -> Result<Self, RefreshTokenError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(RefreshTokenError)?;
        let mut bytes = [0; LENGTH + 2];
        // A longer text does not fit into the buffer and is an error like any other.
        let length =
            BASE64_URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes).map_err(|_| RefreshTokenError)?;
        let (session, rest) = bytes[..length].split_first_chunk().ok_or(RefreshTokenError)?;
        let (generation, tag) = rest.split_first_chunk().ok_or(RefreshTokenError)?;
        Ok(Self {
            session: SessionId::from_bytes(*session),
            generation: u64::from_be_bytes(*generation),
            tag: tag.try_into().map_err(|_| RefreshTokenError)?,
        })
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({})", self.session)
    }
}

/// A session's random salt, kept in its record and told to nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 16]);

impl Salt {
    /// A new salt from the operating system's randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The salt of these bytes, as a store kept them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

/// Seals refresh tokens with the first of its keys; takes the seal of any.
#[derive(Clone)]
pub struct RefreshKeys {
    current: hmac::Key,
    previous: Vec<hmac::Key>,
}

impl RefreshKeys {
    /// Keys derived from the ring's at `now`, and telling nothing about them.
    pub fn derive(ring: &KeyRing, now: UnixTime) -> Self {
        let mut keys = ring.seals(now).into_iter().map(|key| {
            let parent = hmac::Key::new(hmac::HMAC_SHA256, &key.secret());
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&parent, b"countersign: refresh tokens").as_ref())
        });
        let current = keys.next().expect("a ring has a signing key");
        Self { current, previous: keys.collect() }
    }

    /// The text of a session's token of this generation; the same each time it is asked for.
    pub fn seal(&self, session: SessionId, generation: u64, salt: &Salt) -> Zeroizing<String> {
        let tag = tag(&self.current, session, generation, salt);
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
        bytes.extend_from_slice(session.as_bytes());
        bytes.extend_from_slice(&generation.to_be_bytes());
        bytes.extend_from_slice(tag.as_ref());
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + LENGTH.div_ceil(3) * 4));
        text.push_str(PREFIX);
        BASE64_URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
        text
    }

    /// Whether one of the keys sealed this token for a session with this salt. Tags are
    /// compared in constant time.
    pub fn sealed(&self, token: &RefreshToken, salt: &Salt) -> bool {
        let mut good = false;
        for key in std::iter::once(&self.current).chain(&self.previous) {
            let expected = tag(key, token.session, token.generation, salt);
            good |= aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), &token.tag).is_ok();
        }
        good
    }
}

impl fmt::Debug for RefreshKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKeys")
    }
}

fn tag(key: &hmac::Key, session: SessionId, generation: u64, salt: &Salt) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(session.as_bytes());
    context.update(&generation.to_be_bytes());
    context.update(&salt.0);
    context.sign()
}

//! The noun: a session's id. The record that a store keeps is in `store`.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// Identifies one login and everything that was refreshed from it (a token family): 128 random
/// bits. It is the `sid` of access tokens and no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// A new id from the operating system's randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The id of these bits.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bits.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The text is not a session id.
#[derive(Debug, Error)]
#[error("not a session id")]
pub struct SessionIdError;

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| SessionIdError)?;
        bytes.try_into().map(Self).map_err(|_| SessionIdError)
    }
}

//! Pseudonyms: the same for the same thing, and no way back.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::fmt;

/// Makes pseudonyms: 72 bits of an HMAC-SHA256 over what it is and which, behind a letter for the kind.
pub struct Pseudonyms(hmac::Key);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// Those that this key makes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Of a user, by their id.
    pub fn user(&self, id: impl fmt::Display) -> String {
        self.of('u', id)
    }

    /// Of a name that nobody has.
    pub fn name(&self, name: impl fmt::Display) -> String {
        self.of('n', name)
    }

    /// Of a session, by its id.
    pub fn session(&self, id: impl fmt::Display) -> String {
        self.of('s', id)
    }

    /// Of an address.
    pub fn address(&self, address: impl fmt::Display) -> String {
        self.of('a', address)
    }

    fn of(&self, kind: char, what: impl fmt::Display) -> String {
        let tag = hmac::sign(&self.0, format!("{kind}:{what}").as_bytes());
        format!("{kind}_{}", BASE64_URL_SAFE_NO_PAD.encode(&tag.as_ref()[..9]))
    }
}

//! Hashes made by others: verified, never made. A login replaces them.
//!
//! Each file reads the stored forms of one scheme strictly, one spelling for each hash, and says what
//! is too dear: nothing is computed that takes more than about a second or 256 MiB.

mod argon2;
mod bcrypt;
mod firebase;
mod pbkdf2;
mod scrypt;
mod text;

use super::{Cost, FirebaseKey, PasswordHash};

/// No stored hash is longer; what is, is not even read.
const MAX_BYTES: usize = 512;

/// A stored hash that can be verified.
pub(super) enum Legacy {
    Argon2(argon2::Argon2),
    Bcrypt(bcrypt::Bcrypt),
    Firebase(firebase::Firebase),
    Pbkdf2(pbkdf2::Pbkdf2),
    Scrypt(scrypt::Scrypt),
}

impl Legacy {
    /// `None` for what is of no scheme known here, or too dear.
    pub(super) fn parse(hash: &PasswordHash) -> Option<Self> {
        let text = Some(&*hash.0).filter(|text| text.len() <= MAX_BYTES)?;
        bcrypt::parse(text)
            .map(Self::Bcrypt)
            .or_else(|| pbkdf2::parse(text).map(Self::Pbkdf2))
            .or_else(|| scrypt::parse(text).map(Self::Scrypt))
            .or_else(|| firebase::parse(text).map(Self::Firebase))
            .or_else(|| argon2::parse(text).map(Self::Argon2))
    }

    /// What Firebase made needs its project's key; `None` without it.
    pub(super) fn with(self, key: Option<&FirebaseKey>) -> Option<Self> {
        match self {
            Self::Firebase(hash) => hash.with(key).map(Self::Firebase),
            other => Some(other),
        }
    }

    /// Whether the password has this hash; compared in constant time.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(hash) => hash.matches(password),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Firebase(hash) => hash.matches(password),
            Self::Pbkdf2(hash) => hash.matches(password),
            Self::Scrypt(hash) => hash.matches(password),
        }
    }

    /// What it takes to say so.
    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::Argon2(hash) => hash.cost(),
            Self::Bcrypt(hash) => Cost::Bcrypt(hash.cost()),
            Self::Firebase(hash) => hash.cost(),
            Self::Pbkdf2(hash) => Cost::Pbkdf2 { iterations: hash.iterations() },
            Self::Scrypt(hash) => hash.cost(),
        }
    }
}

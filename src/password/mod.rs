//! Passwords: what may be one, how it is kept, and hashing that cannot take the server down.
//!
//! [`Password`] is parsed input, [`PasswordHash`] what a store keeps, [`Hasher`] makes the one
//! from the other. Who the password belongs to is not known here.

mod argon2id;
mod common;
mod engine;
mod hasher;
mod legacy;
mod policy;
mod pool;
mod requester;

pub use argon2id::{Argon2Params, Argon2ParamsError};
pub use engine::{Engine, Memory};
pub use hasher::{Hasher, HasherError, Hashing, Verdict};
pub use policy::Policy;
pub use requester::Requester;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use legacy::Legacy;
use precis_profiles::{OpaqueString, precis_core::profile::PrecisFastInvocation};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// A password that somebody typed, normalised by the `OpaqueString` profile of PRECIS
/// (RFC 8265 §4.2: Unicode NFC, every kind of space a plain one, no control characters).
///
/// It is wiped when dropped, and `Debug` does not show it.
///
/// ```
/// use countersign::password::Password;
///
/// let composed = Password::parse("cr\u{e8}me br\u{fb}l\u{e9}e")?;
/// let decomposed = Password::parse("cre\u{300}me bru\u{302}le\u{301}e")?;
/// assert_eq!(composed, decomposed);
/// assert_eq!(format!("{composed:?}"), "Password");
/// # Ok::<(), countersign::password::PasswordError>(())
/// ```
#[derive(Clone)]
pub struct Password {
    normal: Zeroizing<String>,
    /// As it was typed, if that is another text: hashes that others made may be of it.
    typed: Option<Zeroizing<String>>,
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for Password {}

impl Password {
    /// The shortest password that can be chosen, in bytes of UTF-8.
    pub const MIN_BYTES: usize = 8;
    /// The longest password, in bytes of UTF-8 after normalisation. Longer ones are refused
    /// before anything is hashed.
    pub const MAX_BYTES: usize = 256;

    /// A password to compare with a hash. One that an account is to have from now on comes from
    /// [`Policy::accept`].
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        // Normalisation may shorten a text but not to a third, so this loses nobody and keeps
        // a megabyte from being normalised.
        if text.len() > 4 * Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        let normal = OpaqueString::enforce(text).map_err(|_| PasswordError::NotAllowed)?;
        let normal = Zeroizing::new(normal.into_owned());
        if normal.len() > Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        let typed = (*normal != text).then(|| Zeroizing::new(text.to_owned()));
        Ok(Self { normal, typed })
    }

    /// A password that somebody logs in with. What could not be chosen here may have been elsewhere, and
    /// have a hash that came along; then it stands as it was typed.
    ///
    /// # Errors
    /// When it is empty or too long to be hashed.
    pub fn presented(text: &str) -> Result<Self, PasswordError> {
        match Self::parse(text) {
            Err(PasswordError::NotAllowed) if text.len() > Self::MAX_BYTES => Err(PasswordError::TooLong),
            Err(PasswordError::NotAllowed) if !text.is_empty() => {
                Ok(Self { normal: Zeroizing::new(text.to_owned()), typed: None })
            }
            parsed => parsed,
        }
    }

    /// A password of 120 random bits, easy to copy: 24 letters and digits in groups of six.
    pub fn random() -> Result<Self, getrandom::Error> {
        // 32 characters, so that every byte's low five bits choose one without bias.
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut bytes = Zeroizing::new([0; 24]);
        getrandom::fill(&mut *bytes)?;
        let mut text = Zeroizing::new(String::with_capacity(27));
        for (at, byte) in bytes.iter().enumerate() {
            if at > 0 && at % 6 == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(byte & 31)]));
        }
        Ok(Self { normal: text, typed: None })
    }

    /// The normalised text, to be shown once to the person it was made for.
    pub fn reveal(&self) -> &str {
        &self.normal
    }

    fn as_bytes(&self) -> &[u8] {
        self.normal.as_bytes()
    }

    /// The same, and then as it was typed.
    fn spellings(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.as_bytes()).chain(self.typed.iter().map(|typed| typed.as_bytes()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Why a text is not a password.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Shorter than [`Password::MIN_BYTES`].
    #[error("a password has at least {} bytes", Password::MIN_BYTES)]
    TooShort,
    /// Longer than [`Password::MAX_BYTES`].
    #[error("a password has at most {} bytes", Password::MAX_BYTES)]
    TooLong,
    /// Empty, or with control characters or unassigned code points in it.
    #[error(
        "a password may not be empty, or have control characters, invisible or unassigned ones in it (RFC 8265)"
    )]
    NotAllowed,
    /// Among the 100,000 most common.
    #[error("this is one of the 100,000 most common passwords, which are tried first; choose another")]
    Common,
    /// The user's name is inside.
    #[error("a password may not have the user name in it")]
    HasUsername,
    /// A name of the site is inside.
    #[error("a password may not have the name of the site in it")]
    HasSiteName,
}

/// A password as a store keeps it: a PHC string (`$argon2id$…`), or what other software made.
///
/// It may hold any text, since a store may have been damaged or filled by others; whatever is
/// not a hash that [`Hasher`] knows logs nobody in. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it stands in a store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text for a store.
    pub fn as_stored(&self) -> &str {
        &self.0
    }
}

/// The signer key of a Firebase project, without which its users' hashes cannot be verified. A secret:
/// wiped when dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct FirebaseKey(Zeroizing<[u8; Self::BYTES]>);

impl FirebaseKey {
    /// Its length in bytes.
    pub const BYTES: usize = 64;

    /// From Base64, as Firebase's console shows `base64_signer_key`; `None` if it is not 64 bytes of it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        let length = BASE64_STANDARD.decode_slice(text, &mut *bytes).ok()?;
        (length == Self::BYTES).then_some(Self(bytes))
    }

    /// The bytes to compute with.
    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }
}

impl fmt::Debug for FirebaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirebaseKey")
    }
}

/// What it takes to compare a password with a stored hash, within the bounds of what is computed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cost {
    /// Argon2id: no more than the upper bounds of [`Argon2Params`], but it may be weaker than a new one.
    Argon2id(Argon2Params),
    /// Bcrypt, with the binary logarithm of its rounds: 4 to 14.
    Bcrypt(u32),
    /// PBKDF2, of at most 2,000,000 iterations.
    Pbkdf2 {
        /// How often it hashes.
        iterations: u32,
    },
    /// Scrypt, of at most 256 MiB (128 × N × r bytes) and with N × r × p at most 4,194,304.
    Scrypt {
        /// The binary logarithm of N.
        log_n: u32,
        /// The size of a block.
        r: u32,
        /// How often it is done.
        p: u32,
    },
    /// Argon2 of another kind or version than is made here, of at most 256 MiB, and 2 GiB to go
    /// through in all passes.
    OtherArgon2 {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes.
        lanes: u32,
    },
}

impl PasswordHash {
    /// What it takes to compare a password with it; `None` if it is no hash that [`Hasher`] knows, or
    /// costs more than is computed here. Computes nothing.
    ///
    /// ```
    /// use countersign::password::{Argon2Params, Cost, PasswordHash};
    ///
    /// let cost = |hash: &str| PasswordHash::from_stored(hash.to_owned()).cost();
    /// let params = Argon2Params::new(19_456, 2, 1)?;
    /// let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng";
    /// assert_eq!(cost(hash), Some(Cost::Argon2id(params)));
    /// assert_eq!(cost(&hash.replace("19456", "1048576")), None, "a gibibyte");
    /// # Ok::<(), countersign::password::Argon2ParamsError>(())
    /// ```
    pub fn cost(&self) -> Option<Cost> {
        let ours = argon2id::Parsed::new(self).map(|parsed| Cost::Argon2id(parsed.params));
        ours.or_else(|| Legacy::parse(self).map(|legacy| legacy.cost()))
    }

    /// Whether it is one of Firebase's, which can be verified only with its project's [`FirebaseKey`].
    pub fn needs_firebase_key(&self) -> bool {
        matches!(Legacy::parse(self), Some(Legacy::Firebase(_)))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

//! The nouns: a user's id, their name, a role's name. The record that a store keeps is
//! [`store::User`](crate::store::User).

use precis_profiles::{
    UsernameCaseMapped,
    precis_core::profile::{PrecisFastInvocation, Rules, stabilize},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};
use thiserror::Error;
use uuid::Uuid;

/// Identifies a user for ever: 122 random bits, never given to anybody else, saying nothing
/// about the person. It is the `sub` of their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Uuid);

impl UserId {
    /// A new id from the operating system's randomness.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id of these bits.
    #[cfg(any(feature = "sqlite", feature = "redis"))]
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its bits.
    #[cfg(any(feature = "sqlite", feature = "redis"))]
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not a user id as [`UserId`] writes it.
#[derive(Debug, Error)]
#[error("not a user id")]
pub struct UserIdError;

impl FromStr for UserId {
    type Err = UserIdError;

    /// Takes only the form that `Display` writes, so that an id has one spelling.
    fn from_str(text: &str) -> Result<Self, UserIdError> {
        let id = Uuid::try_parse(text).map_err(|_| UserIdError)?;
        let written = id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
        if written { Ok(Self(id)) } else { Err(UserIdError) }
    }
}

/// A name to log in with, in its one canonical spelling: the `UsernameCaseMapped` profile of
/// PRECIS (RFC 8265 §3.3), so case, width and composition do not make a second account.
///
/// ```
/// use countersign::user::Username;
///
/// let name: Username = "Ada".parse()?;
/// assert_eq!(name, "ADA".parse()?);
/// assert_eq!(name.as_str(), "ada");
/// assert!("two words".parse::<Username>().is_err());
/// # Ok::<(), countersign::user::UsernameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// The longest name, in bytes of UTF-8, before and after it is made canonical.
    pub const MAX_BYTES: usize = 128;

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a user name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UsernameError {
    /// Longer than [`Username::MAX_BYTES`].
    #[error("a user name has at most {} bytes", Username::MAX_BYTES)]
    TooLong,
    /// Empty, or with characters that RFC 8265 does not allow (spaces, controls, symbols).
    #[error("a user name is made of letters, digits and punctuation, without spaces (RFC 8265)")]
    NotAllowed,
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        if text.len() > Self::MAX_BYTES {
            return Err(UsernameError::TooLong);
        }
        // RFC 8264 §7: the rules are applied again until nothing changes, three times at most.
        let mut name = text.to_owned();
        for _ in 0..4 {
            let next = UsernameCaseMapped::enforce(name.as_str()).map_err(|_| UsernameError::NotAllowed)?;
            if next == name {
                return if name.len() > Self::MAX_BYTES {
                    Err(UsernameError::TooLong)
                } else {
                    Ok(Self(name))
                };
            }
            name = next.into_owned();
        }
        Err(UsernameError::NotAllowed)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is to stand somewhere in a user name, folded as names are, so that whoever looks for `ADA` finds
/// `lovelace-ada`. Which characters a name can have is not asked: a part with others is in none.
///
/// ```
/// use countersign::user::NamePart;
///
/// let part: NamePart = "LACE".parse()?;
/// assert!(part.is_in(&"lovelace".parse()?));
/// assert!(!part.is_in(&"ada".parse()?));
/// # Ok::<(), countersign::user::UsernameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePart(String);

impl NamePart {
    /// As it stands in canonical names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands in this name.
    pub fn is_in(&self, name: &Username) -> bool {
        name.0.contains(&self.0)
    }
}

impl FromStr for NamePart {
    type Err = UsernameError;

    /// Takes what has at most [`Username::MAX_BYTES`] and no control characters.
    fn from_str(text: &str) -> Result<Self, UsernameError> {
        if text.len() > Username::MAX_BYTES {
            return Err(UsernameError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(UsernameError::NotAllowed);
        }
        let rules = UsernameCaseMapped::new();
        let fold = |text: &str| {
            let wide = rules.width_mapping_rule(text)?;
            let lower = rules.case_mapping_rule(wide)?;
            rules.normalization_rule(lower).map(Cow::into_owned)
        };
        let folded = stabilize(text, |text| fold(text).map(Cow::Owned));
        folded.map(|part| Self(part.into_owned())).map_err(|_| UsernameError::NotAllowed)
    }
}

/// The name of a role: 1 to 64 of `a-z 0-9 . _ : -`, beginning with a letter. Names are
/// compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoleName(String);

impl RoleName {
    /// The role that the admin API requires of a user.
    pub const ADMIN: &str = "admin";

    /// The name as it stands in a token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is a role's name; `const`, so that [`roles!`](crate::roles) can ask at
    /// compile time.
    pub const fn is_valid(text: &str) -> bool {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > 64 || !bytes[0].is_ascii_lowercase() {
            return false;
        }
        let mut at = 1;
        while at < bytes.len() {
            match bytes[at] {
                b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b':' | b'-' => at += 1,
                _ => return false,
            }
        }
        true
    }
}

/// The text is not a role's name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a role's name is 1 to 64 of a-z, 0-9, '.', '_', ':' and '-', beginning with a letter")]
pub struct RoleNameError;

impl FromStr for RoleName {
    type Err = RoleNameError;

    fn from_str(text: &str) -> Result<Self, RoleNameError> {
        if Self::is_valid(text) { Ok(Self(text.to_owned())) } else { Err(RoleNameError) }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

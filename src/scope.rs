//! Scopes (RFC 6749 §3.3): what a token may be used for.
//!
//! Scopes that begin with `countersign:` are the server's own. No setting lists them; only clients
//! that are registered for one can be granted it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{collections::BTreeSet, fmt, str::FromStr};
use thiserror::Error;

/// The token may act on its user's own account: their sessions and their password.
pub const ACCOUNT: &str = "countersign:account";
/// The token may use the admin API: a service's by this alone, a user's with the role `admin` too.
pub const ADMIN: &str = "countersign:admin";
/// The token carries its user's roles.
pub const ROLES: &str = "countersign:roles";

/// What the server's own scopes begin with.
const RESERVED: &str = "countersign:";

/// A set of scope tokens, written with single spaces between them.
///
/// ```
/// use countersign::scope::Scope;
///
/// let asked: Scope = "reports:read items".parse()?;
/// let allowed: Scope = "items users".parse()?;
/// assert_eq!(asked.intersection(&allowed).to_string(), "items");
/// assert!("two  spaces".parse::<Scope>().is_err());
/// # Ok::<(), countersign::scope::ScopeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this very token is in it.
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// All of the server's own scopes.
    pub fn reserved() -> Self {
        Self([ACCOUNT, ADMIN, ROLES].map(str::to_owned).into())
    }

    /// Whether a token in it begins with `countersign:`, be it known or not.
    pub fn has_reserved(&self) -> bool {
        self.0.iter().any(|token| token.starts_with(RESERVED))
    }

    /// The same and this token too.
    pub fn with(&self, token: &str) -> Self {
        let mut tokens = self.0.clone();
        tokens.insert(token.to_owned());
        Self(tokens)
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The tokens one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// A scope as its `Display` writes it, so nothing is the empty one; in a request that would be
    /// an error.
    pub(crate) fn from_display(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() { Ok(Self::default()) } else { text.parse() }
    }

    /// Whether a text is one scope token; `const`, so that [`scopes!`](crate::scopes) can ask at
    /// compile time.
    pub const fn is_token(text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                0x21 | 0x23..=0x5B | 0x5D..=0x7E => at += 1,
                _ => return false,
            }
        }
        !bytes.is_empty()
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
}

/// The text is not a scope.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "a scope is made of tokens of printable ASCII, without quotes or backslashes, with single spaces between"
)]
pub struct ScopeError;

impl FromStr for Scope {
    type Err = ScopeError;

    /// RFC 6749 §3.3: `scope-token *( SP scope-token )`, of `%x21 / %x23-5B / %x5D-7E`.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text.split(' ').all(Self::is_token) {
            Ok(Self(text.split(' ').map(str::to_owned).collect()))
        } else {
            Err(ScopeError)
        }
    }
}

/// As its `Display` writes it.
impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_display(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, token) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { " " })?;
            f.write_str(token)?;
        }
        Ok(())
    }
}

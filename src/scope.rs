//! Scopes (RFC 6749 §3.3): what a token may be used for.

use std::{collections::BTreeSet, fmt, str::FromStr};
use thiserror::Error;

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

    /// The same and this token too.
    pub fn with(&self, token: &str) -> Self {
        let mut tokens = self.0.clone();
        tokens.insert(token.to_owned());
        Self(tokens)
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
        let is_token = |token: &str| {
            !token.is_empty() && token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
        };
        if text.split(' ').all(is_token) {
            Ok(Self(text.split(' ').map(str::to_owned).collect()))
        } else {
            Err(ScopeError)
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, token) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{token}")?;
        }
        Ok(())
    }
}

//! The nouns: a client's id, its secret, what it may ask for. A client is an application (RFC 6749
//! §1.1): a front end through which people log in, or a service that calls in its own name. The
//! record that a store keeps is [`store::Client`](crate::store::Client).

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Borrow, fmt, str::FromStr};
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The built-in public client: the app's own front end. It needs no naming and has no secret.
pub const FIRST_PARTY: &str = "first-party";

/// Names a client: 1 to 64 of `A-Z a-z 0-9 . _ -`, beginning with a letter or a digit. Compared
/// byte for byte; no two registered clients' ids differ only by case.
///
/// It is the `client_id` of access tokens, and the `sub` of those that a client gets for itself. A
/// user's id is a UUID. A reader of `sub` must not take a service for a user (RFC 9068 §5), so no
/// spelling of a UUID is a client's id: upper or lower case, with or without hyphens.
///
/// ```
/// use countersign::client::ClientId;
///
/// assert_eq!("reports-worker".parse::<ClientId>()?.as_str(), "reports-worker");
/// assert!("two words".parse::<ClientId>().is_err());
/// assert!("e58ed763-928c-4155-bee9-fdbaaadc15f3".parse::<ClientId>().is_err());
/// assert!("E58ED763928C4155BEE9FDBAAADC15F3".parse::<ClientId>().is_err());
/// # Ok::<(), countersign::client::ClientIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// [`FIRST_PARTY`].
    pub fn first_party() -> Self {
        Self(FIRST_PARTY.into())
    }

    /// Whether it is [`FIRST_PARTY`].
    pub fn is_first_party(&self) -> bool {
        self.0 == FIRST_PARTY
    }

    /// Whether the two are the same, or differ only by upper and lower case.
    pub fn is_same_but_for_case(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// The id as it stands in a token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a client's id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "a client's id is 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or a digit, and not a UUID"
)]
pub struct ClientIdError;

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let fits = begins_well && text.len() <= 64 && text.bytes().all(known);
        if fits && Uuid::try_parse(text).is_err() { Ok(Self(text.to_owned())) } else { Err(ClientIdError) }
    }
}

/// So that a map by ids can be asked for a text.
impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(Error::custom)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a client may get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// `password`: people log in through it (RFC 6749 §4.3).
    Password,
    /// `refresh_token`: they stay logged in (RFC 6749 §6).
    RefreshToken,
    /// `client_credentials`: it calls in its own name (RFC 6749 §4.4).
    ClientCredentials,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Password, Self::RefreshToken, Self::ClientCredentials];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// The text is not a grant type that is known here.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a grant type is password, refresh_token or client_credentials")]
pub struct GrantTypeError;

impl FromStr for GrantType {
    type Err = GrantTypeError;

    fn from_str(text: &str) -> Result<Self, GrantTypeError> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text).ok_or(GrantTypeError)
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A client's secret, to be shown once: `csc_` and the base64url of 256 random bits. The prefix lets
/// secret scanners find leaked ones. It is wiped when dropped, and `Debug` does not show it.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    const PREFIX: &str = "csc_";

    /// A new secret from the operating system's randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes)?;
        let mut text = Zeroizing::new(String::with_capacity(Self::PREFIX.len() + 43));
        text.push_str(Self::PREFIX);
        BASE64_URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        Ok(Self(text))
    }

    /// The text, for whoever set the client up.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a store keeps of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// A client's secret as a store keeps it: its SHA-256. Nobody chose the secret, so there is nothing
/// to guess, and a slow hash would only slow the client down. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    fn of(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    /// Whether this text is the secret. Compared in constant time.
    pub fn matches(&self, text: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &Self::of(text).0).is_ok()
    }
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(String::deserialize(deserializer)?);
        let bytes = bytes.map_err(|_| Error::custom("not a hash"))?;
        bytes.try_into().map(Self).map_err(|_| Error::custom("not a hash"))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

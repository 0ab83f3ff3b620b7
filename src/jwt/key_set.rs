//! The keys that verify, each with one algorithm and, where there are several, a name.

use super::{KeyError, SigningKey, jwk::Jwk, verifying_key::VerifyingKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::HashSet, fmt};
use thiserror::Error;

/// The keys that a token may be signed with. Never empty.
#[derive(Clone)]
pub struct KeySet(Vec<VerifyingKey>);

/// Why a set of keys is refused. Never shows key material.
#[derive(Debug, Error)]
pub enum KeySetError {
    /// The text is not a JWK Set (RFC 7517 §5).
    #[error("not a JWK Set: it must be a JSON object with an array \"keys\"")]
    NotAJwkSet,
    /// There is no key of a kind that can be used.
    #[error("no usable key in the set")]
    Empty,
    /// Two keys have the same name, or several have none.
    #[error("each key of a set needs a \"kid\" of its own")]
    AmbiguousKid,
    /// One of the keys is refused.
    #[error("the key at {index} {source}")]
    Key {
        /// The key's place in the array, from 0.
        index: usize,
        /// What is wrong with it.
        source: KeyError,
    },
}

#[derive(Deserialize)]
struct JwkSet<Key> {
    keys: Vec<Key>,
}

impl KeySet {
    /// The verifying halves of these keys.
    ///
    /// # Errors
    /// [`KeySetError::Empty`] without a key, [`KeySetError::AmbiguousKid`] for the same key twice.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Result<Self, KeySetError> {
        Self::checked(keys.into_iter().map(|key| key.verifying.clone()).collect())
    }

    /// Reads a JWK Set (RFC 7517 §5). Keys of types not known here are passed over, as §5 asks;
    /// a known one that is weak, or whose members disagree, is an error.
    pub fn from_jwks(json: &str) -> Result<Self, KeySetError> {
        let mut keys = Vec::new();
        let set: JwkSet<Jwk> = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
        for (index, jwk) in set.keys.iter().enumerate() {
            match VerifyingKey::from_jwk(jwk) {
                Ok(key) => keys.push(key),
                Err(KeyError::Unknown) => {}
                Err(source) => return Err(KeySetError::Key { index, source }),
            }
        }
        Self::checked(keys)
    }

    /// Reads what an issuer has published for everybody. Such a set may hold keys for other
    /// purposes, so those that cannot be used are passed over and reported beside the set.
    /// One that is there with its secret is never used: everybody has it.
    ///
    /// # Errors
    /// When the text is no set, or no key of it can be used.
    pub fn published(json: &str) -> Result<(Self, Vec<KeySetError>), KeySetError> {
        let set: JwkSet<&RawValue> = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
        let (mut keys, mut refused) = (Vec::<(usize, VerifyingKey)>::new(), Vec::new());
        for (index, text) in set.keys.into_iter().enumerate() {
            match published(text.get()) {
                Ok(key) if keys.iter().all(|(_, other)| other.kid != key.kid) => keys.push((index, key)),
                Ok(key) => {
                    let source =
                        if key.kid.is_some() { KeyError::Duplicate } else { KeyError::Member("kid") };
                    refused.push(KeySetError::Key { index, source });
                }
                Err(source) => refused.push(KeySetError::Key { index, source }),
            }
        }
        // Beside others, a key without a name is never meant.
        if let Some(at) = keys.iter().position(|(_, key)| key.kid.is_none() && keys.len() > 1) {
            let (index, _) = keys.remove(at);
            refused.push(KeySetError::Key { index, source: KeyError::Member("kid") });
        }
        Ok((Self::checked(keys.into_iter().map(|(_, key)| key).collect())?, refused))
    }

    pub(super) fn checked(keys: Vec<VerifyingKey>) -> Result<Self, KeySetError> {
        let names: HashSet<_> = keys.iter().map(|key| key.kid.as_deref()).collect();
        if keys.is_empty() {
            Err(KeySetError::Empty)
        } else if names.len() < keys.len() || (keys.len() > 1 && names.contains(&None)) {
            Err(KeySetError::AmbiguousKid)
        } else {
            Ok(Self(keys))
        }
    }

    /// The one key that a header with this `kid` means. A key that is alone needs no naming;
    /// with two or more, a token must say (RFC 8725 §3.1: never try them all).
    pub(super) fn choose(&self, kid: Option<&str>) -> Option<&VerifyingKey> {
        match (&self.0[..], kid) {
            ([only], None) => Some(only),
            ([only], Some(_)) if only.kid.is_none() => Some(only),
            (keys, Some(kid)) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
            (_, None) => None,
        }
    }
}

fn published(json: &str) -> Result<VerifyingKey, KeyError> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyError::Unknown)?;
    match jwk.private() {
        Some(member) => Err(KeyError::Published(member)),
        None => VerifyingKey::from_jwk(&jwk),
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

//! The keys that verify, each with one algorithm and, where there are several, a name.

use super::{KeyError, Material, SigningKey, json, jwk::Jwk, verifying_key::VerifyingKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::HashSet, fmt};
use thiserror::Error;

/// The keys that a token may be signed with. Never empty.
#[derive(Clone)]
pub struct KeySet(Vec<VerifyingKey>);

/// How many keys a client can be registered with: one, some that follow each other, one on each host.
const MAX_REGISTERED: usize = 10;
/// How much text they can be; ten of RSA's largest have room.
const MAX_REGISTERED_BYTES: usize = 16 * 1024;

/// Why a set of keys is refused. Never shows key material.
#[derive(Debug, Error)]
pub enum KeySetError {
    /// The text is not a JWK Set (RFC 7517 §5).
    #[error("not a JWK Set: it must be a JSON object with an array \"keys\"")]
    NotAJwkSet,
    /// More text than a client's keys may have.
    #[error("longer than {} KiB", MAX_REGISTERED_BYTES / 1024)]
    TooLong,
    /// More keys than a client may have.
    #[error("more than {MAX_REGISTERED} keys; take out those that are no longer used")]
    TooMany,
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
    /// [`KeySetError::Empty`] without a key, [`KeySetError::AmbiguousKid`] for the same key twice, and
    /// [`KeyError::Shared`] for two keys that share material.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Result<Self, KeySetError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let set = Self::checked(keys.iter().map(|key| key.verifying.clone()).collect())?;
        apart(keys.iter().map(|key| key.material()))?;
        Ok(set)
    }

    /// Reads a JWK Set (RFC 7517 §5). Keys of types not known here are passed over, as §5 asks;
    /// a known one that is weak, whose members disagree, that has no `alg` or shares material with
    /// another is an error.
    pub fn from_jwks(json: &str) -> Result<Self, KeySetError> {
        let mut keys = Vec::new();
        let set: JwkSet<Jwk> = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
        for (index, jwk) in set.keys.iter().enumerate() {
            let refused = |source| KeySetError::Key { index, source };
            match VerifyingKey::from_jwk(jwk) {
                Ok(key) if jwk.alg.is_none() => return Err(refused(KeyError::Unstated(key.algorithm))),
                Ok(key) => keys.push(key),
                Err(KeyError::Unknown) => {}
                Err(source) => return Err(refused(source)),
            }
        }
        let keys = Self::checked(keys)?;
        apart(set.keys.iter().map(Material::of))?;
        Ok(keys)
    }

    /// Reads what an issuer has published for everybody. Such a set may hold keys for other
    /// purposes, so those that cannot be used are passed over and reported beside the set.
    /// A key that is published with its secret is never used, nor is another that shares material with
    /// it. Without an `alg` a key has the one that its type and curve are for.
    ///
    /// # Errors
    /// When the text is no set, or no key of it can be used.
    pub fn published(json: &str) -> Result<(Self, Vec<KeySetError>), KeySetError> {
        let set: JwkSet<&RawValue> = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
        let (mut keys, mut refused) = (Vec::<(usize, VerifyingKey)>::new(), Vec::new());
        let exposed = exposed(&set.keys);
        for (index, text) in set.keys.into_iter().enumerate() {
            match published(text.get(), &exposed) {
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

    /// Reads the JWK Set that a client is registered with (RFC 7591 §2, `jwks`), by which its
    /// [`Assertion`](super::Assertion)s are verified: 1 to 10 keys in at most 16 KiB of text. Whoever
    /// registers them can mend them, so nothing is passed over: each must be a public one of a type
    /// known here, differ from the others, and, where there are several, have a `kid` of its own. Without
    /// an `alg` a key has the one that its type and curve are for.
    ///
    /// ```
    /// use countersign::jwt::{KeyError, KeySet, KeySetError};
    ///
    /// // RFC 8037, appendix A.1.
    /// let public = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// KeySet::registered(&format!(r#"{{"keys":[{public}]}}"#))?;
    ///
    /// let both = public.replace('}', r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#);
    /// let refused = KeySet::registered(&format!(r#"{{"keys":[{both}]}}"#)).unwrap_err();
    /// assert!(matches!(refused, KeySetError::Key { index: 0, source: KeyError::Private("d") }));
    /// # Ok::<(), KeySetError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong, and with which key.
    pub fn registered(json: &str) -> Result<Self, KeySetError> {
        if json.len() > MAX_REGISTERED_BYTES {
            return Err(KeySetError::TooLong);
        }
        if !json::is_object(json) {
            return Err(KeySetError::NotAJwkSet);
        }
        let set: JwkSet<&RawValue> = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
        let count = set.keys.len();
        if count > MAX_REGISTERED {
            return Err(KeySetError::TooMany);
        }
        let mut keys = Vec::<VerifyingKey>::with_capacity(count);
        let mut materials = Vec::with_capacity(count);
        for (index, text) in set.keys.into_iter().enumerate() {
            let refused = |source| KeySetError::Key { index, source };
            let (key, material) = registered(text.get()).map_err(refused)?;
            // RFC 7515 §4.1.4: beside others, a key is meant by its name.
            if count > 1 && key.kid.is_none() {
                return Err(refused(KeyError::Member("kid")));
            }
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(refused(KeyError::Duplicate));
            }
            keys.push(key);
            materials.push(material);
        }
        apart(materials.into_iter())?;
        Self::checked(keys)
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

/// An error if two of these share material; it has the place of the second.
pub(super) fn apart(all: impl Iterator<Item = Material>) -> Result<(), KeySetError> {
    let mut seen = Vec::<Material>::new();
    for (index, material) in all.enumerate() {
        if seen.iter().any(|other| other.shares(&material)) {
            return Err(KeySetError::Key { index, source: KeyError::Shared });
        }
        seen.push(material);
    }
    Ok(())
}

/// The material of those key pairs of a published set that are there with their private half. A secret
/// tells nothing of other keys, even if it is the public number of one.
fn exposed(keys: &[&RawValue]) -> Vec<Material> {
    let jwks = keys.iter().filter_map(|text| serde_json::from_str::<Jwk>(text.get()).ok());
    let is_exposed = |jwk: &Jwk| jwk.private().is_some() && jwk.kty.as_deref() != Some("oct");
    jwks.filter(is_exposed).map(|jwk| Material::of(&jwk)).collect()
}

fn published(json: &str, exposed: &[Material]) -> Result<VerifyingKey, KeyError> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyError::Unknown)?;
    if let Some(member) = jwk.private() {
        return Err(KeyError::Published(member));
    }
    let key = VerifyingKey::from_jwk(&jwk)?;
    let material = || Material::of(&jwk);
    if !exposed.is_empty() && exposed.iter().any(|other| other.shares(&material())) {
        return Err(KeyError::Shared);
    }
    Ok(key)
}

fn registered(json: &str) -> Result<(VerifyingKey, Material), KeyError> {
    if !json::is_object(json) {
        return Err(KeyError::Malformed);
    }
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyError::Malformed)?;
    // OpenID Connect Core §9: `private_key_jwt`; nobody but the client has what signs.
    if jwk.algorithm().is_ok_and(|algorithm| !algorithm.is_asymmetric()) {
        return Err(KeyError::Symmetric);
    }
    match jwk.private() {
        Some(member) => Err(KeyError::Private(member)),
        None => Ok((VerifyingKey::from_jwk(&jwk)?, Material::of(&jwk))),
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

//! Keys: each with one algorithm and, where there are several, a name.

use super::{HmacSecret, WeakSecret};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Deserialize;
use std::{collections::HashSet, fmt};
use thiserror::Error;
use zeroize::Zeroizing;

/// A signature algorithm that keys can be pinned to (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// EdDSA with Ed25519 (RFC 8037 §3.1).
    EdDsa,
}

impl Algorithm {
    /// The value of `alg`, compared byte for byte.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn backend(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// The key that new tokens are signed with.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKey {
    /// A key for HS256. Its `kid` is 96 bits of an HMAC under the key itself: the same at every
    /// start, and telling no more about the key than a token does.
    pub fn hs256(secret: &HmacSecret) -> Self {
        let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.bytes());
        let name = aws_lc_rs::hmac::sign(&hmac, b"countersign: the kid of this key");
        Self {
            kid: BASE64_URL_SAFE_NO_PAD.encode(&name.as_ref()[..12]),
            algorithm: Algorithm::Hs256,
            encoding: EncodingKey::from_secret(secret.bytes()),
            decoding: DecodingKey::from_secret(secret.bytes()),
        }
    }

    /// The key's name, which stands in the header of every token that it signs.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(super) struct VerifyingKey {
    kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The keys that a token may be signed with. Never empty.
#[derive(Clone)]
pub struct KeySet(Vec<VerifyingKey>);

/// Why keys are refused. Never shows key material.
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
    /// A key says of itself that it is not for verifying signatures, or with another algorithm.
    #[error("the key at {index} does not fit: {member}")]
    Mismatch {
        /// The key's place in the array, from 0.
        index: usize,
        /// The member that disagrees.
        member: &'static str,
    },
    /// A symmetric key that could be guessed.
    #[error("the key at {index} {source}")]
    Weak {
        /// The key's place in the array, from 0.
        index: usize,
        /// What is weak about it.
        source: WeakSecret,
    },
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    k: Option<Zeroizing<String>>,
    crv: Option<String>,
    x: Option<String>,
}

impl KeySet {
    /// The verifying halves of these keys.
    ///
    /// # Errors
    /// [`KeySetError::Empty`] without a key, [`KeySetError::AmbiguousKid`] for the same key twice.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Result<Self, KeySetError> {
        let verifying = |key: &SigningKey| VerifyingKey {
            kid: Some(key.kid.clone()),
            algorithm: key.algorithm,
            decoding: key.decoding.clone(),
        };
        Self::checked(keys.into_iter().map(verifying).collect())
    }

    /// Reads a JWK Set (RFC 7517 §5). Keys of kinds not known here are passed over, as §5 asks;
    /// a known one that is weak, or whose members disagree, is an error.
    pub fn from_jwks(json: &str) -> Result<Self, KeySetError> {
        let set: JwkSet = serde_json::from_str(json).map_err(|_| KeySetError::NotAJwkSet)?;
        let mut keys = Vec::new();
        for (index, jwk) in set.keys.into_iter().enumerate() {
            if jwk.kty.as_deref() == Some("oct") {
                keys.push(jwk.hmac(index)?);
            } else if jwk.kty.as_deref() == Some("OKP") {
                keys.push(jwk.ed25519(index)?);
            }
        }
        Self::checked(keys)
    }

    fn checked(keys: Vec<VerifyingKey>) -> Result<Self, KeySetError> {
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

impl Jwk {
    fn ed25519(self, index: usize) -> Result<VerifyingKey, KeySetError> {
        let mismatch = |member| KeySetError::Mismatch { index, member };
        if self.alg.is_some_and(|alg| alg != Algorithm::EdDsa.name()) {
            return Err(mismatch("alg"));
        }
        if self.usage.is_some_and(|usage| usage != "sig") {
            return Err(mismatch("use"));
        }
        if self.crv.as_deref() != Some("Ed25519") {
            return Err(mismatch("crv"));
        }
        let x = self.x.and_then(|x| BASE64_URL_SAFE_NO_PAD.decode(x).ok()).filter(|x| x.len() == 32);
        let decoding = DecodingKey::from_ed_der(&x.ok_or(mismatch("x"))?);
        Ok(VerifyingKey { kid: self.kid, algorithm: Algorithm::EdDsa, decoding })
    }

    fn hmac(self, index: usize) -> Result<VerifyingKey, KeySetError> {
        let mismatch = |member| KeySetError::Mismatch { index, member };
        if self.alg.is_some_and(|alg| alg != Algorithm::Hs256.name()) {
            return Err(mismatch("alg"));
        }
        if self.usage.is_some_and(|usage| usage != "sig") {
            return Err(mismatch("use"));
        }
        if self.key_ops.is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
            return Err(mismatch("key_ops"));
        }
        let encoded = self.k.ok_or(mismatch("k"))?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&*encoded).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| mismatch("k"))?;
        let secret = HmacSecret::parse(&bytes).map_err(|source| KeySetError::Weak { index, source })?;
        let decoding = DecodingKey::from_secret(secret.bytes());
        Ok(VerifyingKey { kid: self.kid, algorithm: Algorithm::Hs256, decoding })
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

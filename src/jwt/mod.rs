//! JSON Web Tokens: keys, signing, the one verification seam and the claims check above it.
//!
//! [`verify_jws`] checks a compact JWS against a [`KeySet`] and knows nothing of claims. On top of
//! it, [`AccessTokens`] issues and verifies Countersign's access tokens, and [`Assertion`] verifies
//! what a client signs to say who it is. Signatures are `jsonwebtoken`'s; everything that it leaves
//! unchecked is checked here. Nothing here does I/O or reads the clock.

mod access;
mod algorithm;
mod assertion;
mod claims;
mod json;
mod jwk;
mod jws;
mod key_error;
mod key_set;
mod life;
mod material;
mod pem;
mod profile;
mod ring;
mod secret;
mod signing_key;
mod verified;
mod verifying_key;

pub use access::{AccessTokens, Issuance, IssueError};
pub use algorithm::{Algorithm, AlgorithmError};
pub use assertion::{Assertion, AssertionRules, MAX_ASSERTION_LIFE};
pub use claims::{Claims, Rules};
pub(crate) use jwk::tag;
pub use jws::{MAX_TOKEN_BYTES, VerifiedJws, verify_jws};
pub use key_error::KeyError;
pub use key_set::{KeySet, KeySetError};
pub use life::{Life, Lives, Stage};
pub(crate) use material::Material;
pub use profile::Profile;
#[cfg(feature = "verifier")]
pub(crate) use profile::{Expected, ROLES_AT};
pub use ring::{KeyRing, RingError, RingKey};
pub use secret::{HmacSecret, WeakSecret};
pub use signing_key::SigningKey;

#[cfg(feature = "verifier")]
pub(crate) use verified::KnownKeys;

use std::time::Duration;
use thiserror::Error;

/// The longest life that an access token can be given.
pub const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
/// The furthest that clocks can be allowed to differ.
pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

/// Why a token is refused. For logs and tests: whoever sent it is told one constant sentence.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum JwtError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts, or the header is not one JSON object with each member once.
    #[error("the token is malformed")]
    Malformed,
    /// A header member that would change what the token means, or where its key comes from.
    #[error("the header member {0} is not accepted")]
    HeaderMember(&'static str),
    /// No key of the set is meant by the header's `kid`, or it has none and there are several.
    #[error("no such key")]
    UnknownKey,
    /// The header's `alg` is not the one that the key is pinned to.
    #[error("the algorithm is not the key's")]
    Algorithm,
    /// The signature is not the key's over these bytes.
    #[error("the signature is wrong")]
    Signature,
    /// Well signed, but made for something else, or around another token (RFC 8725 §3.11).
    #[error("the token is of another type")]
    Type,
    /// A claim that is missing, there twice, of the wrong type or of the wrong value.
    #[error("the claim {0} is missing or wrong")]
    Claim(&'static str),
    /// On or after `exp` (RFC 7519 §4.1.4).
    #[error("the token has expired")]
    Expired,
    /// Before `nbf` or `iat`.
    #[error("the token is not valid yet")]
    NotYetValid,
}

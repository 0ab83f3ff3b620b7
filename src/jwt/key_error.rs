//! What can be wrong with a key.

use super::{Algorithm, WeakSecret};
use thiserror::Error;

/// Why a key is refused. Never shows key material.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Its type is not known here; in a set it is passed over (RFC 7517 §5).
    #[error("is of a type that is not known here")]
    Unknown,
    /// A member that is missing or malformed, or by which the key is not for these signatures.
    #[error("has a member \"{0}\" that is missing or does not fit")]
    Member(&'static str),
    /// Another key of the set has this name.
    #[error("has the \"kid\" of another key")]
    Duplicate,
    /// It is made of the same numbers or bytes as another key of the set.
    #[error("shares material with another key; each key needs random bytes of its own")]
    Shared,
    /// A key of ours that leaves open what it is for.
    #[error("has no member \"alg\", and one key has one algorithm; add \"alg\": \"{0}\"")]
    Unstated(Algorithm),
    /// A member that has more or fewer bytes than the key's type has.
    #[error("has a member \"{0}\" of the wrong length")]
    Length(&'static str),
    /// A symmetric key that could be guessed.
    #[error(transparent)]
    Weak(#[from] WeakSecret),
    /// An RSA modulus that can be factored, or is too large to be checked in reasonable time.
    #[error("is an RSA key of {0} bits; it must have 2048 to 8192")]
    RsaSize(usize),
    /// An RSA exponent of 1, an even one, or one of more than 32 bits.
    #[error("has an RSA exponent that is not an odd number from 3 to 4294967295")]
    RsaExponent,
    /// Not on P-256.
    #[error("is a key on a curve other than P-256 and Ed25519")]
    Curve,
    /// A point beside its curve.
    #[error("is a point that is not on its curve")]
    NotOnCurve,
    /// An Ed25519 point of small order.
    #[error("is a point of small order, for which anybody can sign")]
    SmallOrder,
    /// The private half is of another key than the public one.
    #[error("has halves that do not belong together")]
    Inconsistent,
    /// A member that is secret, in a set that is public.
    #[error("has a member \"{0}\" that is secret, and everybody can read it")]
    Published(&'static str),
    /// A secret where a public key is expected.
    #[error("is a secret; register the public half of a key pair (EdDSA, ES256 or RS256)")]
    Symmetric,
    /// A member that is secret, where a public key is expected.
    #[error("has a member \"{0}\" that is secret; register the public half alone")]
    Private(&'static str),
    /// Not what a JWK is (RFC 7517 §4).
    #[error("is not a JWK: it must be a JSON object with each member once and of its type")]
    Malformed,
    /// It only verifies.
    #[error("is a public key; a private one is needed to sign")]
    Public,
    /// PEM that is encrypted.
    #[error("is an encrypted key; give it decrypted")]
    Encrypted,
    /// PEM or DER that cannot be read.
    #[error("is PEM text without a private key (PKCS #8, PKCS #1 or SEC 1) that can be read")]
    Pem,
    /// PEM of more than one key: which was meant?
    #[error("is PEM text with more than one key; leave only the private key that signs")]
    Several,
    /// JSON where a secret or PEM is expected.
    #[error("is JSON; keep a JWK Set in a file and name it in KEYS__STORE")]
    Json,
    /// The backend could not do what it had to.
    #[error("could not be made")]
    Making,
}

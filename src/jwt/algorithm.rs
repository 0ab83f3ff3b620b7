//! The signature algorithms that keys can be pinned to.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1). Each key has exactly one.
///
/// All signatures are AWS-LC's, through `jsonwebtoken`. Its other backend is RustCrypto, whose RSA
/// has an advisory without a remedy (RUSTSEC-2023-0071). Both measured by `benches/backends` on
/// two busy cores, in µs for a message of 400 bytes, RSA of 2048 bits:
///
/// | | verify, AWS-LC | verify, RustCrypto | sign, AWS-LC | sign, RustCrypto |
/// | --- | --- | --- | --- | --- |
/// | HS256 | 1.3 | 1.2 | 1.3 | 1.0 |
/// | EdDSA | 75 | 70 | 35 | 74 |
/// | ES256 | 109 | 430 | 54 | 761 |
/// | RS256 | 36 | 371 | 1290 | 3840 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519: small, fast to sign, nothing to choose. What new keys are made for.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// HMAC with SHA-256: whoever can verify can sign.
    Hs256,
}

/// The text names no algorithm that keys can have here.
#[derive(Debug, Error)]
#[error("must be EdDSA, ES256, RS256 or HS256")]
pub struct AlgorithmError;

impl Algorithm {
    /// Those whose keys have a public half.
    pub const ASYMMETRIC: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];
    const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    /// The value of `alg`, compared byte for byte.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }

    /// Whether a key has a public half, which others can verify with.
    pub const fn is_asymmetric(self) -> bool {
        !matches!(self, Self::Hs256)
    }

    pub(super) const fn backend(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
        }
    }
}

impl FromStr for Algorithm {
    type Err = AlgorithmError;

    fn from_str(name: &str) -> Result<Self, AlgorithmError> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(AlgorithmError)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

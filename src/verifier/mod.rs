//! Recognising another issuer's access tokens by the keys that it publishes (RFC 7517), for an
//! app that issues none itself.
//!
//! A [`Verifier`] keeps the last good key set of one issuer. [`Verifier::follow`] refreshes it in
//! the background, so a token costs no round trip; only one that names an unknown key makes it
//! ask the issuer, and at most once in each cool-down, whatever arrives. While the issuer is
//! down the last good set is kept. Nothing here knows a web framework:
//! [`Verifier::stage`] puts a verifier into a Rocket.

mod builder;
mod keys;
mod published;
mod source;

pub use builder::{BuildError, Builder};

use crate::{
    clock::Clock,
    jwt::{Claims, Expected, JwtError},
};
use keys::Keys;
use std::{convert::Infallible, fmt, sync::Arc};
use thiserror::Error;

/// Recognises the access tokens of one issuer. Clones share their keys.
///
/// ```
/// use countersign::Verifier;
///
/// let verifier = Verifier::builder("https://login.example/.well-known/jwks.json")
///     .issuer("https://login.example")
///     .audience("https://api.example")
///     .build()?;
/// # Ok::<(), countersign::verifier::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Shared>);

struct Shared {
    expected: Expected,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

/// Why a token was not recognised.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// The token is not good.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// It may well be good: the issuer's keys have not been had yet, or the token names a new one
    /// and the issuer cannot be asked about it.
    #[error("the issuer's keys are not known")]
    NoKeys,
}

impl Verifier {
    /// A verifier with the keys behind this URL (`jwks_uri`). The issuer and the audience have to
    /// be said too.
    pub fn builder(jwks_url: &str) -> Builder {
        Builder::new(jwks_url)
    }

    /// Verifies the signature, the type and every claim. No I/O, unless the token names a key that
    /// is not known: then the issuer is asked, or was within the cool-down.
    pub async fn verify(&self, token: &[u8]) -> Result<Claims, VerifyError> {
        let Shared { expected, keys, clock } = &*self.0;
        let known = keys.known().ok_or(VerifyError::NoKeys)?;
        let now = clock.now();
        match expected.verify(token, &known, now) {
            Err(JwtError::UnknownKey) => {
                let newest = keys.ask().await.ok_or(VerifyError::NoKeys)?;
                Ok(expected.verify(token, &newest, now)?)
            }
            verdict => Ok(verdict?),
        }
    }

    /// Fetches the keys again and again, for ever; without it there are none. Failures are logged
    /// and tried again. A second call waits until the first is dropped.
    pub async fn follow(&self) -> Infallible {
        self.0.keys.follow().await
    }

    /// Whether there are keys to verify with, so that tokens can be taken at all.
    pub fn has_keys(&self) -> bool {
        self.0.keys.known().is_some()
    }

    /// Waits for the end of the first fetch, however it ends, but no longer than one may take.
    /// [`follow`](Self::follow) has to run.
    pub async fn first_fetch(&self) {
        self.0.keys.first_fetch().await;
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("expected", &self.0.expected).finish_non_exhaustive()
    }
}

//! Recognising another issuer's access tokens by the keys that it publishes (RFC 7517), for an
//! app that issues none itself.
//!
//! A [`Verifier`] keeps the last good key set of one issuer. [`Verifier::follow`] refreshes it in
//! the background, so a token costs no round trip; only one that names an unknown key makes it
//! ask the issuer, and at most once in each cool-down, whatever arrives. While the issuer is
//! down the last good set is kept. Nothing here knows a web framework:
//! [`Verifier::stage`] puts a verifier into a Rocket.

mod builder;
mod feed;
mod keys;
mod source;

pub use builder::{BuildError, Builder};

use crate::{
    clock::Clock,
    jwt::{Claims, Expected, JwtError, KnownKeys},
    revocation::Lag,
};
use feed::Feed;
use keys::Keys;
use std::{convert::Infallible, fmt, sync::Arc};
use thiserror::Error;
use tokio::join;

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
    feed: Option<Feed>,
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
    /// The token was good until it was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// It may have been revoked: there has been no word from the issuer for too long.
    #[error("the issuer does not say what was revoked")]
    NoWord,
}

impl Verifier {
    /// A verifier with the keys behind this URL (`jwks_uri`). The issuer and the audience have to
    /// be said too.
    pub fn builder(jwks_url: &str) -> Builder {
        Builder::new(jwks_url)
    }

    /// Verifies the signature, the type and every claim, and that the token was not revoked if
    /// that is [followed](Builder::revocations). No I/O, unless the token names a key that is not
    /// known: then the issuer is asked, or was within the cool-down.
    pub async fn verify(&self, token: &[u8]) -> Result<Claims, VerifyError> {
        let claims = self.signed(token).await?;
        match &self.0.feed {
            Some(feed) if feed.denies(&claims) => Err(VerifyError::Revoked),
            Some(feed) if !self.is_informed_by(feed) => Err(VerifyError::NoWord),
            _ => Ok(claims),
        }
    }

    /// Whether there has been word of what was revoked, and of which keys there are.
    fn is_informed_by(&self, feed: &Feed) -> bool {
        feed.is_informed() && self.0.keys.staleness() <= feed.max_staleness()
    }

    async fn signed(&self, token: &[u8]) -> Result<Claims, VerifyError> {
        let Shared { expected, keys, clock, .. } = &*self.0;
        let known = keys.known().ok_or(VerifyError::NoKeys)?;
        let now = clock.now();
        match known.verify(token, expected, now) {
            Err(JwtError::UnknownKey) => {
                let newest = keys.ask().await.ok_or(VerifyError::NoKeys)?;
                Ok(newest.verify(token, expected, now)?)
            }
            verdict => Ok(verdict?),
        }
    }

    /// Fetches the keys again and again, for ever, and follows what is revoked; without it there
    /// are none. Failures are logged and tried again. A second call waits until the first is
    /// dropped.
    pub async fn follow(&self) -> Infallible {
        let Shared { expected, keys, feed, clock } = &*self.0;
        let forget = |known: &KnownKeys| known.forget(expected, clock.now());
        match feed {
            Some(feed) => {
                let (never, _) = join!(keys.follow(forget), feed.follow(|tag| keys.announce(tag)));
                never
            }
            None => keys.follow(forget).await,
        }
    }

    /// How long the last revocations took, from when they stood in the issuer's store to when it
    /// told them; `None` before the first.
    pub fn lag(&self) -> Option<Lag> {
        self.0.feed.as_ref().and_then(Feed::lag)
    }

    /// Whether tokens can be taken at all: there are keys to verify with, and, if it is followed,
    /// there is word of what was revoked.
    pub fn is_ready(&self) -> bool {
        self.0.keys.known().is_some() && self.0.feed.as_ref().is_none_or(|feed| self.is_informed_by(feed))
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

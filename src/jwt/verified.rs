//! Tokens that were verified before, so that what does not change about one is found out once and not
//! for every request (`cargo bench --bench tokens`).

use super::{Claims, JwtError, Rules};
#[cfg(feature = "verifier")]
use super::{KeySet, profile::Expected};
use crate::clock::UnixTime;
use aws_lc_rs::digest;
use quick_cache::{UnitWeighter, sync::Cache};
use std::{fmt, hash::RandomState, sync::Arc};

/// How many tokens are remembered; one takes about 600 bytes. As many again that were refused take
/// some 80 bytes each.
const CAPACITY: usize = 10_000;

/// What came of tokens, by the SHA-256 of each, with one set of keys: another set begins with an
/// empty memory. The map's own hash is keyed anew for each, so nobody can aim for a bucket, and how
/// long a look takes tells at most something of a digest, from which no token can be had.
///
/// That a token is among the good says that its signature and claims were so. Whether its key, its
/// time and its session still are is for whoever asks to check each time. Only what was verified is
/// put there. Tokens that were refused have a memory of their own, so whoever makes them up pushes
/// out nothing but the like.
pub(super) struct VerifiedTokens {
    good: Memory<Verified>,
    refused: Memory<JwtError>,
}

type Memory<T> = Cache<Digest, T, UnitWeighter, RandomState>;

/// The SHA-256 of a token.
pub(super) type Digest = [u8; 32];

/// What a token said, and which key it was signed with.
#[derive(Clone)]
pub(super) struct Verified {
    pub kid: Option<Arc<str>>,
    pub claims: Claims,
}

impl VerifiedTokens {
    pub fn new() -> Self {
        Self { good: memory(), refused: memory() }
    }

    /// What this very token said, or why it was refused; `None` if it is not remembered.
    pub fn find(&self, token: &Digest) -> Option<Result<Verified, JwtError>> {
        self.good.get(token).map(Ok).or_else(|| self.refused.get(token).map(Err))
    }

    /// Remembers a token whose signature and claims were found to be good just now.
    pub fn note(&self, token: Digest, verified: Verified) {
        self.good.insert(token, verified);
    }

    /// Remembers that a token was refused, for a reason that does not pass with the time: its
    /// signature, or what it says.
    pub fn note_refused(&self, token: Digest, reason: JwtError) {
        self.refused.insert(token, reason);
    }

    /// Drops those that have expired.
    pub fn forget(&self, rules: &Rules, now: UnixTime) {
        self.good.retain(|_, verified| verified.claims.timely(rules, now).is_ok());
    }
}

fn memory<T: Clone>() -> Memory<T> {
    Cache::with(CAPACITY, CAPACITY as u64, UnitWeighter, RandomState::new(), Default::default())
}

/// The keys that an issuer has published, and what they have verified.
#[cfg(feature = "verifier")]
#[derive(Debug)]
pub(crate) struct KnownKeys {
    keys: KeySet,
    verified: VerifiedTokens,
}

#[cfg(feature = "verifier")]
impl KnownKeys {
    pub(crate) fn new(keys: KeySet) -> Self {
        Self { keys, verified: VerifiedTokens::new() }
    }

    /// Verifies the signature, the type and every claim of a token.
    pub(crate) fn verify(
        &self,
        token: &[u8],
        expected: &Expected,
        now: UnixTime,
    ) -> Result<Claims, JwtError> {
        expected.verify(token, |kid| self.keys.choose(kid), &self.verified, now)
    }

    /// Forgets tokens that have expired.
    pub(crate) fn forget(&self, expected: &Expected, now: UnixTime) {
        self.verified.forget(&expected.rules, now);
    }
}

pub(super) fn digest(token: &[u8]) -> Option<Digest> {
    digest::digest(&digest::SHA256, token).as_ref().try_into().ok()
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, refused) = (self.good.len(), self.refused.len());
        f.debug_struct("VerifiedTokens").field("count", &count).field("refused", &refused).finish()
    }
}

//! Tokens that were verified before, so that what does not change about one is found out once and not
//! for every request (`cargo bench --bench tokens`).

use super::{Claims, JwtError, Rules};
#[cfg(feature = "verifier")]
use super::{KeySet, profile::Expected};
use crate::clock::UnixTime;
use aws_lc_rs::{constant_time, digest};
use quick_cache::{Equivalent, UnitWeighter, sync::Cache};
use std::{
    fmt,
    hash::{Hash, Hasher, RandomState},
    sync::Arc,
};

/// How many tokens are remembered; one takes about 600 bytes and its own length. As many again that were
/// refused take some 80 bytes each.
const CAPACITY: usize = 10_000;

/// What came of tokens with one set of keys: another set begins with an empty memory. The maps' own
/// hashes are keyed anew for each, so nobody can aim for a bucket.
///
/// That a token is among the good says that its signature and claims were so. Whether its key, its
/// time and its session still are is for whoever asks to check each time. Only what was verified is
/// put there. Tokens that were refused have a memory of their own, so whoever makes them up pushes
/// out nothing but the like.
pub(super) struct VerifiedTokens {
    good: Cache<Token, Verified, UnitWeighter, RandomState>,
    /// By their SHA-256: whoever makes them up may have them all end alike, and make them long.
    refused: Cache<Digest, JwtError, UnitWeighter, RandomState>,
}

/// The SHA-256 of a token.
type Digest = [u8; 32];

/// A good token, found by its end, which is its signature's: no two have the same.
#[derive(Eq)]
struct Token(Box<[u8]>);

/// One that may be any.
struct Presented<'t>(&'t [u8]);

/// Enough of a signature that nobody guesses it.
fn end(token: &[u8]) -> &[u8] {
    &token[token.len().saturating_sub(32)..]
}

/// How long it takes tells nothing of the end, and of the rest only whoever knows the end.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(end(one), end(other)).is_ok() && one == other
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Presented(&self.0).hash(state);
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl Hash for Presented<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        end(self.0).hash(state);
    }
}

impl Equivalent<Token> for Presented<'_> {
    fn equivalent(&self, known: &Token) -> bool {
        is_same(self.0, &known.0)
    }
}

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
    pub fn find(&self, token: &[u8]) -> Option<Result<Verified, JwtError>> {
        let refused = || self.refused.get(&digest(token)?).map(Err);
        self.good.get(&Presented(token)).map(Ok).or_else(refused)
    }

    /// Remembers a token whose signature and claims were found to be good just now.
    pub fn note(&self, token: &[u8], verified: Verified) {
        self.good.insert(Token(token.into()), verified);
    }

    /// Remembers that a token was refused, for a reason that does not pass with the time: its
    /// signature, or what it says.
    pub fn note_refused(&self, token: &[u8], reason: JwtError) {
        if let Some(digest) = digest(token) {
            self.refused.insert(digest, reason);
        }
    }

    /// Drops those that have expired.
    pub fn forget(&self, rules: &Rules, now: UnixTime) {
        self.good.retain(|_, verified| verified.claims.timely(rules, now).is_ok());
    }
}

fn memory<K: Eq + Hash, T: Clone>() -> Cache<K, T, UnitWeighter, RandomState> {
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

fn digest(token: &[u8]) -> Option<Digest> {
    digest::digest(&digest::SHA256, token).as_ref().try_into().ok()
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, refused) = (self.good.len(), self.refused.len());
        f.debug_struct("VerifiedTokens").field("count", &count).field("refused", &refused).finish()
    }
}

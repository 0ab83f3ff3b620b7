//! The key ring: keys, each with a life written beside it.
//!
//! A key is first *published*, so that whoever verifies has it before it is used; then it is the
//! one that is *signing*; once its successor signs it is *retired* and verifies still; then it
//! is *gone*. Which it is follows from the time alone, so every process that has the ring
//! changes over at the same moment. Nothing here keeps a ring; see [`keys`](crate::keys).

use super::{
    KeyError, KeySetError, Life, Lives, SigningKey, Stage, jwk::Jwk, key_set::apart,
    verifying_key::VerifyingKey,
};
use crate::clock::UnixTime;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt, time::Duration};
use thiserror::Error;
use zeroize::Zeroizing;

/// How long a revoked key is listed after nothing depends on it any more.
const REMEMBERED: Duration = super::MAX_LIFETIME;

/// The keys of one issuer. There is always one that signs.
#[derive(Clone)]
pub struct KeyRing(Vec<RingKey>);

/// One of the keys of a ring.
#[derive(Clone)]
pub struct RingKey {
    key: SigningKey,
    life: Life,
}

/// Why a ring is refused, or cannot be changed.
#[derive(Debug, Error)]
pub enum RingError {
    /// It is no set of keys that can sign.
    #[error(transparent)]
    Keys(#[from] KeySetError),
    /// It is no private JWK Set, or a member of a key or of its `life` is not known or of the wrong type.
    #[error("not a JWK Set of keys with their life: line {line}, column {column}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The times of a key contradict each other, or those of another key.
    #[error("the key at {index} has times that make no sense: {what}")]
    Life {
        /// The key's place in the array, from 0.
        index: usize,
        /// What is wrong with them.
        what: &'static str,
    },
    /// There is a successor already, and it has not signed yet.
    #[error("the key {0} is published and will sign next; there is no need for another")]
    Pending(String),
    /// No key of the ring has this name.
    #[error("there is no key {0}")]
    NoSuchKey(String),
    /// A key could not be made.
    #[error("a new key {0}")]
    Making(#[from] KeyError),
}

#[derive(Deserialize, Serialize)]
struct Kept {
    keys: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
struct Entry {
    #[serde(flatten)]
    jwk: Jwk,
    #[serde(default)]
    life: Life,
}

impl RingKey {
    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its times.
    pub fn life(&self) -> &Life {
        &self.life
    }
}

impl KeyRing {
    /// A ring that does not change: `signing` signs, the `previous` ones verify.
    ///
    /// # Errors
    /// When the same key is given twice, or two keys share material.
    pub fn fixed(signing: SigningKey, previous: &[SigningKey]) -> Result<Self, RingError> {
        let begin = UnixTime(previous.len() as u64);
        let mut keys = vec![RingKey { key: signing, life: Life { signs_from: begin, ..Life::default() } }];
        for (at, key) in previous.iter().enumerate() {
            let life = Life { signs_from: UnixTime(at as u64), ..Life::default() };
            keys.push(RingKey { key: key.clone(), life });
        }
        Self::checked(keys)
    }

    /// The same with keys that only verify, from before the ring was made.
    ///
    /// # Errors
    /// When two keys share material.
    pub fn with_previous(mut self, previous: &[SigningKey]) -> Result<Self, RingError> {
        let life = Life { retires_at: Some(UnixTime(0)), ..Life::default() };
        for key in previous {
            if self.0.iter().all(|other| other.key.kid() != key.kid()) {
                self.0.insert(0, RingKey { key: key.clone(), life });
            }
        }
        apart(self.0.iter().map(|key| key.key.material()))?;
        Ok(self)
    }

    /// A ring of one key, which signs from `now` on.
    pub fn new(key: SigningKey, now: UnixTime) -> Self {
        Self(vec![RingKey { key, life: Life { published_at: now, signs_from: now, ..Life::default() } }])
    }

    /// Reads a private JWK Set in which each key has a member `life` with its times. A key is
    /// known by its thumbprint (RFC 7638), whatever its `kid` says, and has to name its `alg`. No two
    /// may share material: a secret may not be the public number or the private half of another key,
    /// in any encoding.
    pub fn from_json(json: &str) -> Result<Self, RingError> {
        // What the parser says would show what it read.
        let malformed =
            |error: serde_json::Error| RingError::Malformed { line: error.line(), column: error.column() };
        let kept: Kept = serde_json::from_str(json).map_err(malformed)?;
        let mut keys = Vec::new();
        for (index, Entry { jwk, life }) in kept.keys.into_iter().enumerate() {
            let is_stated = jwk.alg.is_some();
            let refused = |source| KeySetError::Key { index, source };
            let key = SigningKey::from_jwk(jwk).map_err(refused)?;
            if !is_stated {
                return Err(refused(KeyError::Unstated(key.algorithm())).into());
            }
            if let Some(what) = life.contradiction() {
                return Err(RingError::Life { index, what });
            }
            keys.push(RingKey { key, life });
        }
        Self::checked(keys)
    }

    /// The text that [`from_json`](Self::from_json) reads. It holds the private keys.
    pub fn to_json(&self) -> Zeroizing<String> {
        let entry = |key: &RingKey| Entry { jwk: key.key.jwk().clone(), life: key.life };
        let kept = Kept { keys: self.0.iter().map(entry).collect() };
        let text = serde_json::to_string_pretty(&kept);
        Zeroizing::new(text.expect("texts and numbers are always JSON"))
    }

    /// In the order in which they sign.
    fn checked(mut keys: Vec<RingKey>) -> Result<Self, RingError> {
        let names: HashSet<_> = keys.iter().map(|key| key.key.kid()).collect();
        if names.len() < keys.len() {
            return Err(KeySetError::AmbiguousKid.into());
        }
        apart(keys.iter().map(|key| key.key.material()))?;
        let starts: HashSet<_> = Self::alive(&keys).map(|(_, key)| key.life.signs_from).collect();
        if starts.len() < Self::alive(&keys).count() {
            let index = keys.len() - 1;
            return Err(RingError::Life { index, what: "two keys begin to sign at the same time" });
        }
        let newest = Self::alive(&keys).max_by_key(|(_, key)| key.life.signs_from);
        match newest {
            None => return Err(KeySetError::Empty.into()),
            Some((index, key)) if key.life.retires_at.or(key.life.verifies_until).is_some() => {
                return Err(RingError::Life { index, what: "it is the last to sign and must not retire" });
            }
            Some(_) => {}
        }
        keys.sort_by_key(|key| key.life.signs_from);
        Ok(Self(keys))
    }

    fn alive(keys: &[RingKey]) -> impl DoubleEndedIterator<Item = (usize, &RingKey)> {
        keys.iter().enumerate().filter(|(_, key)| key.life.revoked_at.is_none())
    }

    /// All keys, in the order in which they sign.
    pub fn keys(&self) -> &[RingKey] {
        &self.0
    }

    /// The key that new tokens are signed with: of those that have begun the last; if a clock that
    /// is behind says that none has, the first. Never one that has retired, since what it signs
    /// may be refused.
    pub fn signing(&self, now: UnixTime) -> &SigningKey {
        let alive = || Self::alive(&self.0).map(|(_, key)| key).filter(|key| !key.life.is_retired(now));
        let begun = alive().rfind(|key| key.life.signs_from <= now);
        &begun.or_else(|| alive().next()).expect("the last key does not retire").key
    }

    /// What a key of this ring is.
    pub fn stage(&self, key: &RingKey, now: UnixTime) -> Stage {
        if key.life.revoked_at.is_some() {
            Stage::Revoked
        } else if key.key.kid() == self.signing(now).kid() {
            Stage::Signing
        } else if now < key.life.signs_from {
            Stage::Published
        } else if key.life.verifies(now) {
            Stage::Retired
        } else {
            Stage::Gone
        }
    }

    /// The key that a header with this `kid` means, if it verifies at `now`: from when it is
    /// published, since the clocks of those that sign may be ahead. Never without a `kid`, which
    /// all that is signed by a ring has.
    pub(super) fn choose(&self, kid: Option<&str>, now: UnixTime) -> Option<&VerifyingKey> {
        let named = |key: &&RingKey| Some(key.key.kid()) == kid && key.life.verifies(now);
        self.0.iter().find(named).map(|key| &key.key.verifying)
    }

    /// The JWK Set for everybody (RFC 7517 §5): the signing key first, and never a secret or a
    /// private member.
    pub fn jwks(&self, now: UnixTime) -> String {
        let signing = self.signing(now).kid();
        let mut published: Vec<_> = self.0.iter().filter(|key| key.life.verifies(now)).collect();
        published.sort_by_key(|key| (key.key.kid() != signing, std::cmp::Reverse(key.life.signs_from)));
        let keys: Vec<_> = published.iter().filter_map(|key| key.key.jwk().public()).collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// Whether there is anything in that set.
    pub fn publishes(&self, now: UnixTime) -> bool {
        self.0.iter().any(|key| key.life.verifies(now) && key.key.algorithm().is_asymmetric())
    }

    /// The keys whose seals are good on refresh tokens, the signing one first.
    pub fn seals(&self, now: UnixTime) -> Vec<&SigningKey> {
        let signing = self.signing(now);
        let others = self.0.iter().filter(|key| key.key.kid() != signing.kid() && key.life.seals(now));
        std::iter::once(signing).chain(others.map(|key| &key.key)).collect()
    }

    /// The ring with a successor, which is published now and signs from `signs_from` on, if that
    /// is not in the past nor in the second in which the one before it began.
    ///
    /// # Errors
    /// [`RingError::Pending`] if there is one already.
    pub fn rotate(
        &self,
        successor: SigningKey,
        now: UnixTime,
        signs_from: UnixTime,
        lives: Lives,
    ) -> Result<Self, RingError> {
        let mut ring = self.clone();
        let newest = ring.newest();
        if newest.life.signs_from > now {
            return Err(RingError::Pending(newest.key.kid().to_owned()));
        }
        // Keys are told apart by when they begin.
        let signs_from = signs_from.max(now).max(newest.life.signs_from.plus(Duration::from_secs(1)));
        newest.life.retire(signs_from, lives);
        ring.0.push(RingKey {
            key: successor,
            life: Life { published_at: now, signs_from, ..Life::default() },
        });
        Self::checked(ring.0)
    }

    /// Whether it is time for a successor, so that no key signs for longer than `period`, of
    /// which the successor is published for the last `announce`.
    pub fn is_due(&self, now: UnixTime, period: Duration, announce: Duration) -> bool {
        let newest = Self::alive(&self.0).last().map(|(_, key)| key.life.signs_from);
        newest.is_some_and(|from| from <= now && from.plus(period.saturating_sub(announce)) <= now)
    }

    /// The ring without the key of this name: what it signed is refused from now on. If it is
    /// the one that signs, its published successor signs from now on, or a `fresh` one. What it
    /// sealed stays good if `keep_sessions`.
    ///
    /// # Errors
    /// [`RingError::NoSuchKey`].
    pub fn revoke(
        &self,
        kid: &str,
        now: UnixTime,
        keep_sessions: bool,
        fresh: SigningKey,
        lives: Lives,
    ) -> Result<Self, RingError> {
        let signed = self.signing(now).kid() == kid;
        let mut ring = self.clone();
        let revoked = ring.0.iter_mut().find(|key| key.key.kid() == kid);
        let life = &mut revoked.ok_or_else(|| RingError::NoSuchKey(kid.to_owned()))?.life;
        life.revoked_at.get_or_insert(now);
        let seals_until = if keep_sessions { now.plus(lives.session) } else { now };
        life.seals_until = Some(life.seals_until.map_or(seals_until, |until| until.min(seals_until)));
        if signed {
            let waits = |key: &&mut RingKey| key.life.revoked_at.is_none() && key.life.signs_from > now;
            match ring.0.iter_mut().find(waits) {
                Some(next) => next.life.signs_from = now.max(next.life.published_at),
                None => ring.0.push(Self::new(fresh, now).0.remove(0)),
            }
        }
        // Whoever is the last now was to retire, perhaps, and stays.
        let life = &mut ring.newest().life;
        (life.retires_at, life.verifies_until, life.seals_until) = (None, None, None);
        Self::checked(ring.0)
    }

    /// The ring without keys that nothing depends on any more; `None` if there are none.
    pub fn pruned(&self, now: UnixTime) -> Option<Self> {
        let needed = |key: &RingKey| match key.life.revoked_at {
            Some(at) => now < at.plus(REMEMBERED) || key.life.seals(now),
            None => key.life.verifies(now) || key.life.seals(now),
        };
        let kept: Vec<_> = self.0.iter().filter(|key| needed(key)).cloned().collect();
        (kept.len() < self.0.len()).then_some(Self(kept))
    }

    fn newest(&mut self) -> &mut RingKey {
        self.0.iter_mut().rfind(|key| key.life.revoked_at.is_none()).expect("a key that is not revoked")
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingKey").field("kid", &self.key.kid()).field("life", &self.life).finish()
    }
}

//! Keys that change while the server runs.
//!
//! [`Keystore`] keeps a [`KeyRing`] in a file or in the database; [`Keys`] follows it, so that
//! this process signs and verifies with the ring as it is there, and adds successors in time.
//! What a ring is, and which of its keys does what at what moment, is said by [`jwt`](crate::jwt).

mod file;
mod keystore;
mod seal;

pub use file::KeyFile;
pub use keystore::{KeysError, Keystore};
pub use seal::SealError;

use crate::{
    audit::{Action, Actor, Event, Trail, Witness},
    clock::Clock,
    config::{KeyPlace, KeySettings, Settings},
    jwt::{AccessTokens, Algorithm, KeyRing, Lives, SigningKey},
    refresh_token::RefreshKeys,
    store::{MAX_DIFFERENCE, Stores, causes},
};
use keystore::made;
use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

/// How often the keystore is looked at: a revoked key is refused everywhere within a second.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it may be looked at besides, for the sake of unknown keys.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long to wait before a successor that could not be kept is made again.
const TEND_AGAIN: Duration = Duration::from_secs(60);

/// The keys of this process, as its keystore has them.
pub struct Keys {
    tokens: Arc<AccessTokens>,
    keystore: Option<Keystore>,
    previous: Vec<SigningKey>,
    settings: KeySettings,
    lives: Lives,
    stores: Stores,
    clock: Arc<dyn Clock>,
    heard: Mutex<Heard>,
    /// Held by whoever reads, so that nobody who has read earlier puts back what is older.
    reading: tokio::sync::Mutex<()>,
    /// When a look for an unknown key began.
    looked_at: tokio::sync::Mutex<Option<Instant>>,
    changes: watch::Sender<()>,
    witness: Witness,
}

/// What was last read.
struct Heard {
    version: Option<u64>,
    at: Instant,
    /// Whether a later look has failed.
    is_unread: bool,
}

impl Keys {
    /// Reads the keys, or, where the settings allow it, makes the first.
    ///
    /// # Errors
    /// When there are none, or they cannot be used.
    pub async fn open(
        settings: &Settings,
        stores: &Stores,
        clock: Arc<dyn Clock>,
        audit: &Trail,
    ) -> Result<Self, KeysError> {
        let witness = Witness::of(Actor::Server, audit);
        let keystore = Keystore::of(settings, stores)?;
        let previous: Vec<_> = settings.previous_signing_key.iter().cloned().collect();
        let (version, ring) = match (&keystore, &settings.keys.place) {
            (Some(keystore), place) => {
                let (version, ring) = first(keystore, place, &*clock, &witness).await?;
                (Some(version), ring.with_previous(&previous)?)
            }
            (None, KeyPlace::Given(key)) => (None, KeyRing::fixed(SigningKey::clone(key), &previous)?),
            (None, _) => (None, KeyRing::fixed(made(Algorithm::EdDsa).await?, &previous)?),
        };
        Ok(Self {
            tokens: Arc::new(AccessTokens::new(ring, settings.access.clone())),
            keystore,
            previous,
            settings: settings.keys.clone(),
            lives: settings.lives(),
            stores: stores.clone(),
            clock,
            heard: Mutex::new(Heard { version, at: Instant::now(), is_unread: false }),
            reading: tokio::sync::Mutex::default(),
            looked_at: tokio::sync::Mutex::default(),
            changes: watch::Sender::new(()),
            witness,
        })
    }

    /// What issues and verifies with these keys.
    pub fn tokens(&self) -> &Arc<AccessTokens> {
        &self.tokens
    }

    /// Forgets verified tokens that have expired.
    pub fn forget(&self) {
        self.tokens.forget(self.clock.now());
    }

    /// What seals refresh tokens now.
    pub fn refresh(&self) -> RefreshKeys {
        RefreshKeys::derive(&self.tokens.ring(), self.clock.now())
    }

    /// The JWK Set of what is published now.
    pub fn jwks(&self) -> String {
        self.tokens.ring().jwks(self.clock.now())
    }

    /// How long others may keep that set, in whole seconds.
    pub fn max_age(&self) -> Duration {
        self.settings.max_age
    }

    /// For how long a key signs before its successor does; `None`: until it is replaced by hand.
    pub fn period(&self) -> Option<Duration> {
        self.keystore.as_ref().and(self.settings.period)
    }

    /// Tells whenever other keys were read.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// How long there has been no word from a keystore that can be out of reach.
    pub fn staleness(&self) -> Duration {
        let remote = self.keystore.as_ref().is_some_and(|keystore| !keystore.is_local());
        if remote { self.heard().at.elapsed() } else { Duration::ZERO }
    }

    /// Whether the last look at the keystore failed, so that a key that is not known may yet be there.
    pub fn is_unread(&self) -> bool {
        self.heard().is_unread
    }

    /// Reads the keystore again; says whether there are other keys now. What cannot be used
    /// changes nothing: this process goes on with the keys that it has.
    pub async fn reload(&self) -> Result<bool, KeysError> {
        let Some(keystore) = &self.keystore else { return Ok(false) };
        let _reading = self.reading.lock().await;
        let read = self.read(keystore).await;
        self.heard().is_unread = read.is_err();
        read
    }

    async fn read(&self, keystore: &Keystore) -> Result<bool, KeysError> {
        let asked_at = Instant::now();
        let kept = keystore.kept().await?;
        let kept = kept.ok_or_else(|| KeysError::Missing(keystore.name().to_owned()))?;
        let is_known = self.heard().version == Some(kept.version);
        let ring =
            if is_known { None } else { Some(keystore.ring(kept.bytes)?.with_previous(&self.previous)?) };
        {
            // What cannot be read is no word, so not before it was.
            let mut heard = self.heard();
            heard.at = asked_at;
            heard.version = Some(kept.version);
        }
        let Some(ring) = ring else { return Ok(false) };
        self.tokens.replace(ring);
        self.changes.send_replace(());
        let kid = self.tokens.ring().signing(self.clock.now()).kid().to_owned();
        tracing::info!(kid, "the keys have changed");
        Ok(true)
    }

    /// Reads the keystore for a token with an unknown key: another process may have signed with one
    /// that is newer than the last read. Says whether the keys have changed since this was called.
    ///
    /// There is one read at a time, and at least 100 ms between two, however many unknown keys arrive.
    /// A call within that time waits for the next read, so no new key is refused.
    pub async fn look_again(&self) -> bool {
        if self.keystore.is_none() {
            return false;
        }
        let called_at = Instant::now();
        let mut looked_at = self.looked_at.lock().await;
        if let Some(at) = *looked_at {
            if at >= called_at {
                return true;
            }
            sleep_until(at + LOOK_AGAIN).await;
        }
        *looked_at = Some(Instant::now());
        let found = self.reload().await;
        if found.is_err() {
            // Those that wait must not each wait for a store that does not answer. Whoever
            // follows tells the log of it.
            *looked_at = Some(Instant::now());
        }
        found.unwrap_or(false)
    }

    /// Follows the keystore for ever. Failures are logged once, and tried again.
    pub async fn follow(&self) -> Infallible {
        let (mut unread, mut untended) = (false, false);
        let mut tend_at = Instant::now();
        loop {
            sleep(LOOK_EVERY).await;
            let read = self.reload().await.map(drop);
            tell(&mut unread, &read, "going on with the keys as they were", "the keys can be read again");
            if read.is_ok() && tend_at <= Instant::now() {
                let tended = self.tend().await;
                tell(&mut untended, &tended, "so the keys do not rotate", "the keys rotate again");
                // A new key may cost much to make, and there is no hurry.
                let pause = if tended.is_err() { TEND_AGAIN } else { Duration::ZERO };
                tend_at = Instant::now() + pause;
            }
        }
    }

    /// Publishes a successor if one is due, and drops keys that nothing depends on any more.
    /// [`follow`](Self::follow) does so all the time.
    ///
    /// # Errors
    /// When the keystore fails, or the clocks of this machine and of a store differ by more than
    /// [`MAX_DIFFERENCE`]; nothing has changed then.
    pub async fn tend(&self) -> Result<(), KeysError> {
        let Some(keystore) = &self.keystore else { return Ok(()) };
        let (now, announce) = (self.clock.now(), self.settings.announce);
        let is_due =
            |ring: &KeyRing| self.settings.period.is_some_and(|period| ring.is_due(now, period, announce));
        let ring = self.tokens.ring();
        if !is_due(&ring) && ring.pruned(now).is_none() {
            return Ok(());
        }
        // By a clock that is wrong, keys would be dropped too early and rotated without need.
        let apart = self.stores.clock_difference(&*self.clock).await.map_err(KeysError::Clock)?;
        if apart > MAX_DIFFERENCE {
            return Err(KeysError::ClocksDiffer(apart));
        }
        let successor = made(ring.signing(now).algorithm()).await?;
        keystore
            .change(|ring| {
                let pruned = ring.pruned(now);
                let ring = pruned.as_ref().unwrap_or(ring);
                if !is_due(ring) {
                    return Ok(pruned);
                }
                Ok(Some(ring.rotate(successor.clone(), now, now.plus(announce), self.lives)?))
            })
            .await?;
        self.reload().await?;
        // Another server may have been faster.
        if self.tokens.ring().keys().iter().any(|key| key.key().kid() == successor.kid()) {
            self.witness.tell(Event::new(Action::KeyRotate).detail(successor.kid()));
        }
        Ok(())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the log when something begins to fail, and when it is well again.
fn tell(failing: &mut bool, done: &Result<(), KeysError>, consequence: &str, relief: &str) {
    match done {
        Ok(()) if *failing => tracing::info!("{relief}"),
        Err(error) if !*failing => tracing::error!("{}; {consequence}", causes(error)),
        _ => {}
    }
    *failing = done.is_err();
}

async fn first(
    keystore: &Keystore,
    place: &KeyPlace,
    clock: &dyn Clock,
    witness: &Witness,
) -> Result<(u64, KeyRing), KeysError> {
    for finding in keystore.findings() {
        tracing::warn!("{finding}");
    }
    if let Some(found) = keystore.load().await? {
        return Ok(found);
    }
    let missing = || KeysError::Missing(keystore.name().to_owned());
    if !place.is_made() {
        return Err(missing());
    }
    match keystore.generate(Algorithm::EdDsa, clock.now()).await {
        Ok(ring) => {
            witness.tell(Event::new(Action::KeyGenerate).detail(ring.signing(clock.now()).kid()));
            keystore.load().await?.ok_or_else(missing)
        }
        // Another process has been faster.
        Err(KeysError::Exist(_)) => keystore.load().await?.ok_or_else(missing),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("ring", &self.tokens.ring()).finish_non_exhaustive()
    }
}

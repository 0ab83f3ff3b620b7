//! Hearing of what was revoked, by whomever, and noticing when the store has forgotten it.

use super::{KEPT_IN_STORE, Lag, MARGIN, Revocations};
use crate::store::{Revocation, RevocationList, RevokedSubject, StoreError};
use std::{
    convert::Infallible,
    error::Error,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// How many lines are read at a time.
const PAGE: u32 = 5_000;
/// How long a feed may be silent before the list is read all the same.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long to wait before a store that failed is asked again.
const RETRY: Duration = Duration::from_millis(250);

/// How far the store's list has been read.
#[derive(Debug, Default)]
pub(super) struct Heard {
    epoch: u64,
    /// The greatest epoch or revision that was ever heard of.
    greatest: u64,
    /// The last line: as long as it is there, the list is the one that was read.
    last: Option<Revocation>,
    /// Whether the list has been read to its end since the epoch began here.
    caught_up: bool,
}

/// How long there has been no word, as far as the log has told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    None,
    Short,
    Long,
}

/// What is to be done after some lines were read.
enum Next {
    /// Nothing: that was all.
    Done,
    /// Read on.
    Read,
    /// The store's memory is another one, so begin again.
    Recover,
}

impl Heard {
    fn position(&self) -> u64 {
        self.last.as_ref().map_or(0, |line| line.position)
    }

    /// Whether the list goes on from the last line. If that line is old it may have been purged,
    /// provided that there are later ones.
    fn continues_in(&self, list: &RevocationList, is_old: impl Fn(&Revocation) -> bool) -> bool {
        let Some(last) = &self.last else { return true };
        match list.lines.first() {
            Some(first) if first.position == last.position => first == last,
            Some(_) => is_old(last),
            None => false,
        }
    }
}

impl Revocations {
    /// Reads what has been added to the store's list. What was revoked before this was called is
    /// on the deny list when it answers.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        self.read_on(|_| {}).await
    }

    /// Follows the store's list for ever. Failures are logged, and tried again; that there has
    /// been no word for longer than `patience` is logged too, with what that means.
    pub async fn follow(&self, patience: Duration, consequence: &str) -> Infallible {
        let mut silence = Silence::None;
        loop {
            let Err(error) = self.listen(&mut silence).await;
            if silence == Silence::None {
                silence = Silence::Short;
                let error: &dyn Error = &error;
                tracing::error!(error, "revocations made elsewhere cannot be heard of; trying again");
            }
            if silence == Silence::Short && self.staleness() > patience {
                silence = Silence::Long;
                let seconds = patience.as_secs();
                tracing::error!("no word of revocations for {seconds} s: {consequence}");
            }
            sleep(RETRY).await;
            // A store may tell of no changes and still say what they are.
            if self.read_on(|lag| self.lags.note(lag)).await.is_ok() && silence == Silence::Long {
                silence = Silence::Short;
            }
        }
    }

    /// How long ago the store's list was last read to its end.
    pub fn staleness(&self) -> Duration {
        self.heard_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// How long the last revocations took to be heard of; `None` before the first.
    pub fn lag(&self) -> Option<Lag> {
        self.lags.summary()
    }

    async fn listen(&self, silence: &mut Silence) -> Result<Infallible, StoreError> {
        let mut feed = self.store.feed().await?;
        loop {
            // After the feed was opened, so that nothing falls between the two.
            self.read_on(|lag| self.lags.note(lag)).await?;
            if std::mem::replace(silence, Silence::None) != Silence::None {
                tracing::info!("revocations are heard of again");
            }
            if let Ok(changed) = timeout(HEARTBEAT, feed.changed()).await {
                changed?;
            }
        }
    }

    async fn read_on(&self, lag: impl Fn(Duration) + Sync) -> Result<(), StoreError> {
        loop {
            let asked_at = Instant::now();
            let from = self.heard().position();
            let list = self.store.revocations(from, PAGE).await?;
            match self.take(from, &list, &lag) {
                Next::Read => {}
                Next::Recover => self.recover().await?,
                Next::Done => {
                    let mut heard_at = self.heard_at.lock().unwrap_or_else(PoisonError::into_inner);
                    *heard_at = asked_at.max(*heard_at);
                    return Ok(());
                }
            }
        }
    }

    fn take(&self, from: u64, list: &RevocationList, lag: impl Fn(Duration)) -> Next {
        let now = self.clock.now();
        let mut heard = self.heard();
        if heard.position() != from {
            // Somebody else has read on meanwhile; what counts is the list from there.
            return Next::Read;
        }
        let is_old = |line: &Revocation| line.at.plus(KEPT_IN_STORE.saturating_sub(MARGIN)) <= now;
        if list.epoch == 0 || list.epoch != heard.epoch || !heard.continues_in(list, is_old) {
            return Next::Recover;
        }
        for line in list.lines.iter().filter(|line| line.position > from) {
            self.denied.note(line, self.keep);
            if let RevokedSubject::User(_, revision) = line.subject {
                heard.greatest = revision.max(heard.greatest);
            }
            // What was there before says nothing of how long it takes.
            if heard.caught_up {
                lag(Duration::from_millis(list.read_at.saturating_sub(line.written_at)));
            }
        }
        if let Some(last) = list.lines.last() {
            heard.last = Some(last.clone());
        }
        if list.lines.len() == PAGE as usize {
            return Next::Read;
        }
        if !std::mem::replace(&mut heard.caught_up, true) {
            // The store keeps more than what matters here.
            self.denied.forget(now);
        }
        Next::Done
    }

    /// The store's memory is not the one that was read: it is new, or has lost something.
    /// Access tokens from before are refused from now on, and what is known here to have been
    /// revoked is revoked again.
    async fn recover(&self) -> Result<(), StoreError> {
        let (known, than) = {
            let heard = self.heard();
            (heard.epoch, heard.greatest)
        };
        let epoch = self.store.begin_epoch(than).await?;
        self.denied.begin_epoch(epoch);
        if known != 0 {
            tracing::error!(epoch, "the store has lost what was revoked; all access tokens are refused");
            let now = self.clock.now();
            let (sessions, users) = self.denied.entries();
            for session in sessions {
                self.store.revoke(session, now).await?;
            }
            // Which of their sessions had been revoked nobody knows any more.
            for user in users {
                self.store.revoke_user(user, now).await?;
            }
        }
        let mut heard = self.heard();
        let greatest = epoch.max(heard.greatest);
        *heard = Heard { epoch, greatest, last: None, caught_up: false };
        Ok(())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

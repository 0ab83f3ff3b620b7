//! Hearing of what was revoked, by whomever, and noticing when the store has forgotten it.

use super::{Lag, Page, Revocations, follower::Next, journal::Lost};
use crate::{
    histogram::Counted,
    store::{RevokedSubject, StoreError},
};
use std::{convert::Infallible, error::Error, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How many lines are read at a time.
const PAGE: u32 = 5_000;
/// How long a feed may be silent before the list is read all the same.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long to wait before a store that failed is asked again.
const RETRY: Duration = Duration::from_millis(250);

/// How long there has been no word, as far as the log has told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    None,
    Short,
    Long,
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
            if self.read_on(|lag| self.follower.lags.note(lag)).await.is_ok() && silence == Silence::Long {
                silence = Silence::Short;
            }
        }
    }

    /// How long ago the store's list was last read to its end.
    pub fn staleness(&self) -> Duration {
        self.follower.staleness()
    }

    /// How long the last revocations took to be heard of; `None` before the first.
    pub fn lag(&self) -> Option<Lag> {
        self.follower.lag()
    }

    /// The same of all revocations that this process has heard of.
    pub(crate) fn lags(&self) -> Counted {
        self.follower.lags.counted()
    }

    async fn listen(&self, silence: &mut Silence) -> Result<Infallible, StoreError> {
        let mut feed = self.store.feed().await?;
        loop {
            // After the feed was opened, so that nothing falls between the two.
            self.read_on(|lag| self.follower.lags.note(lag)).await?;
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
            let known = self.follower.heard.borrow().epoch;
            let page = self.read(self.follower.from()).await?;
            match self.follower.read(&page, asked_at, &lag) {
                Next::Read => {}
                Next::Lost => self.recover(known).await?,
                Next::Done => return Ok(()),
            }
        }
    }

    pub(super) async fn read(&self, from: u64) -> Result<Page, StoreError> {
        let list = self.store.revocations(from, PAGE).await?;
        Ok(Page { from, more: list.lines.len() == PAGE as usize, list, keys: None })
    }

    /// The store's list is not the one that was read in the epoch `known` (0: none was): it is new, or
    /// has lost something. Access tokens from before are refused from now on. What is known here to
    /// have been revoked since is revoked again; if more than that may have been, all sessions end.
    async fn recover(&self, known: u64) -> Result<(), StoreError> {
        let _recovering = self.recovering.lock().await;
        let (epoch, than) = {
            let heard = self.follower.heard.borrow();
            (heard.epoch, heard.greatest)
        };
        if epoch != known {
            // Somebody has made it good meanwhile.
            return Ok(());
        }
        if known == 0 {
            let epoch = self.store.begin_epoch(than).await?;
            self.follower.begin(epoch, 0);
            return Ok(());
        }
        let (found, lost) = self.lost().await?;
        // One that begins an epoch has done the same before.
        let ends_sessions = !lost.is_all && found <= known;
        // First, so that nobody who starts meanwhile takes the new epoch for a good one. A store that
        // has none has no sessions either.
        if found != 0 {
            let now = self.clock.now();
            for subject in &lost.subjects {
                match subject {
                    RevokedSubject::Session(id) => drop(self.store.revoke(*id, now).await?),
                    // Which of their sessions had been revoked nobody knows any more.
                    RevokedSubject::User(id, _) => drop(self.store.revoke_user(*id, now).await?),
                    // What was issued before a store forgot is refused by its revision.
                    RevokedSubject::Token(_)
                    | RevokedSubject::SessionTokens(..)
                    | RevokedSubject::Client(..) => {}
                }
            }
        }
        let epoch = match ends_sessions {
            true => self.store.begin_epoch_without_sessions(than).await?,
            false => self.store.begin_epoch(than).await?,
        };
        let repeated = lost.subjects.len();
        tracing::error!(
            epoch,
            repeated,
            "the store has lost what was revoked; all access tokens are refused{}",
            if ends_sessions {
                ", and all sessions have ended: nobody knows which of them were revoked"
            } else {
                ""
            }
        );
        self.follower.begin(epoch, lost.known_until);
        Ok(())
    }

    /// The epoch that the store has now, and what its list lacks.
    async fn lost(&self) -> Result<(u64, Lost), StoreError> {
        let (mut found, mut lines, mut from) = (0, vec![], 0);
        loop {
            let list = self.store.revocations(from, PAGE).await?;
            found = list.epoch.max(found);
            let Some(last) = list.lines.last() else { break };
            from = last.position + 1;
            lines.extend(list.lines);
        }
        Ok((found, self.follower.journal().lost(found, lines)))
    }
}

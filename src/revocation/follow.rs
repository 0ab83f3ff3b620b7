//! Hearing of what was revoked, by whomever, and noticing when the store has forgotten it.

use super::{Lag, Page, Revocations, follower::Next};
use crate::{histogram::Counted, store::StoreError};
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
            let page = self.read(self.follower.from()).await?;
            match self.follower.read(&page, asked_at, &lag) {
                Next::Read => {}
                Next::Lost => self.recover().await?,
                Next::Done => return Ok(()),
            }
        }
    }

    pub(super) async fn read(&self, from: u64) -> Result<Page, StoreError> {
        let list = self.store.revocations(from, PAGE).await?;
        Ok(Page { from, more: list.lines.len() == PAGE as usize, list, keys: None })
    }

    /// The store's memory is not the one that was read: it is new, or has lost something.
    /// Access tokens from before are refused from now on, and what is known here to have been
    /// revoked is revoked again.
    async fn recover(&self) -> Result<(), StoreError> {
        let (known, than) = {
            let heard = self.follower.heard.borrow();
            (heard.epoch, heard.greatest)
        };
        let epoch = self.store.begin_epoch(than).await?;
        let denied = &self.follower.denied;
        denied.begin_epoch(epoch);
        if known != 0 {
            tracing::error!(epoch, "the store has lost what was revoked; all access tokens are refused");
            let now = self.clock.now();
            let (sessions, users) = denied.entries();
            for session in sessions {
                self.store.revoke(session, now).await?;
            }
            // Which of their sessions had been revoked nobody knows any more.
            for user in users {
                self.store.revoke_user(user, now).await?;
            }
        }
        self.follower.begin(epoch);
        Ok(())
    }
}

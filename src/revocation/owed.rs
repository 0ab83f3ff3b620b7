//! Revocations that a change needs and that have not succeeded yet.

use super::Revocations;
use crate::{
    client::ClientId,
    store::{ClientStore, StoreError, causes},
    user::UserId,
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// How long after a failure the revocations that are owed are tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long the end of the program waits for them.
const LAST: Duration = Duration::from_secs(2);

/// What has to be revoked after a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owed {
    /// All sessions and access tokens of a user.
    User(UserId),
    /// All access tokens of a user.
    Access(UserId),
    /// All access tokens that a client got before its present revision.
    Client(ClientId),
}

/// Those that are owed, each with the number of the change that owes it last.
#[derive(Default)]
pub(super) struct Debts {
    all: Mutex<BTreeMap<Owed, u64>>,
    grown: Notify,
}

impl Debts {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Owed, u64>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, owed: Owed) {
        let mut all = self.all();
        let number = all.values().max().map_or(0, |last| last + 1);
        all.insert(owed, number);
        drop(all);
        self.grown.notify_one();
    }

    /// Removes it, unless another change owes the same by now.
    fn settle(&self, owed: &Owed, number: u64) {
        let mut all = self.all();
        if all.get(owed) == Some(&number) {
            all.remove(owed);
        }
    }
}

/// The promise to revoke something after a change. Dropped before it is [kept](Self::keep) or
/// [released](Self::release), by an error or because its task was ended, it leaves the revocation to
/// [`Revocations::retry`].
#[must_use]
pub struct Promise<'r> {
    revocations: &'r Revocations,
    owed: Option<Owed>,
}

impl Promise<'_> {
    /// Revokes, by `work`.
    ///
    /// # Errors
    /// When the store fails. The revocation is then owed.
    pub async fn keep<T>(
        mut self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let done = work.await?;
        self.owed = None;
        Ok(done)
    }

    /// There is nothing to revoke: the change was certainly not made.
    pub fn release(mut self) {
        self.owed = None;
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        if let Some(owed) = self.owed.take() {
            self.revocations.debts.add(owed);
        }
    }
}

impl Revocations {
    /// Promises a revocation. To be called before a change that needs it, so that it is not forgotten
    /// whatever becomes of the change.
    pub fn promise(&self, owed: Owed) -> Promise<'_> {
        Promise { revocations: self, owed: Some(owed) }
    }

    /// How many revocations are owed: their changes were made, or may have been, and they have failed.
    pub fn owed(&self) -> usize {
        self.debts.all().len()
    }

    /// Tries the revocations that are owed until they succeed, for ever. They are known to this process
    /// alone.
    pub async fn retry(&self, clients: Option<&dyn ClientStore>) -> Infallible {
        loop {
            self.debts.grown.notified().await;
            let mut is_told = false;
            while let Err(error) = self.revoke_owed(clients).await {
                if !std::mem::replace(&mut is_told, true) {
                    let (count, cause) = (self.owed(), causes(&error));
                    tracing::error!("{count} revocations after a change failed and are retried: {cause}");
                }
                sleep(RETRY).await;
            }
            tracing::info!("revocations after a change that had failed have succeeded");
        }
    }

    /// Tries them before the program ends; waits for no store that does not answer.
    pub async fn end(&self, clients: Option<&dyn ClientStore>) {
        if self.owed() == 0 || matches!(timeout(LAST, self.revoke_owed(clients)).await, Ok(Ok(()))) {
            return;
        }
        let count = self.owed();
        tracing::error!(
            "{count} revocations after a change are lost with this process: end the sessions of the users \
             and clients that were changed while the store failed"
        );
    }

    /// Tries each that is owed once.
    ///
    /// # Errors
    /// The first failure, after all were tried.
    pub async fn revoke_owed(&self, clients: Option<&dyn ClientStore>) -> Result<(), StoreError> {
        let all = self.debts.all().clone();
        let mut failure = None;
        for (owed, number) in all {
            match self.revoke(&owed, clients).await {
                Ok(()) => self.debts.settle(&owed, number),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn revoke(&self, owed: &Owed, clients: Option<&dyn ClientStore>) -> Result<(), StoreError> {
        match owed {
            Owed::User(user) => self.user(*user).await.map(drop),
            Owed::Access(user) => self.access(*user).await,
            Owed::Client(id) => {
                // A client that is gone was disabled first, with all its tokens.
                let Some(clients) = clients else { return Ok(()) };
                let Some(client) = clients.by_id(id).await? else { return Ok(()) };
                self.client(id, client.revision).await
            }
        }
    }
}

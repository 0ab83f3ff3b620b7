//! Hearing of revocations by `LISTEN`.

use super::{PostgresStore, StoreError, lease::Silence, unavailable};
use crate::store::RevocationFeed;
use async_trait::async_trait;
use sqlx::{
    Executor,
    postgres::{PgListener, PgPoolOptions},
};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The channel that whoever adds to the revocation list notifies.
pub(super) const CHANNEL: &str = "countersign_revocations";
/// After how much silence the server is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);

pub(super) struct Feed {
    listener: PgListener,
    deadline: Duration,
    heard_at: Instant,
    /// When the server was asked whether it is still there, unless it has answered.
    asked_at: Option<Instant>,
}

impl Feed {
    /// Listens on a connection outside the pool, which feeds would otherwise use up.
    pub(super) async fn open(store: &PostgresStore) -> Result<Self, StoreError> {
        let deadline = store.deadline;
        let alone = PgPoolOptions::new().max_connections(1).acquire_timeout(deadline);
        let alone = alone.max_lifetime(None).idle_timeout(None);
        let alone = alone.connect_lazy_with((*store.pool.connect_options()).clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&alone).await?;
            // What is notified while the connection is down is lost, so its loss must be heard of.
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok(listener)
        };
        let listener = timeout(deadline, listening).await.map_err(|_| Silence(deadline))?;
        let listener = listener.map_err(unavailable)?;
        Ok(Self { listener, deadline, heard_at: Instant::now(), asked_at: None })
    }

    /// A connection that was cut without a word is silent for ever; only a question tells. The
    /// caller may stop waiting for the answer, so when it was asked outlives the call.
    async fn ask(&mut self) -> Result<(), StoreError> {
        let due = *self.asked_at.get_or_insert_with(Instant::now) + self.deadline;
        let answer = tokio::time::timeout_at(due, self.listener.execute("SELECT 1")).await;
        answer.map_err(|_| Silence(self.deadline))?.map_err(unavailable)?;
        self.asked_at = None;
        self.heard_at = Instant::now();
        Ok(())
    }
}

#[async_trait]
impl RevocationFeed for Feed {
    async fn changed(&mut self) -> Result<(), StoreError> {
        if self.heard_at.elapsed() >= SILENCE {
            self.ask().await?;
        }
        let heard = self.listener.try_recv().await.map_err(unavailable)?;
        self.heard_at = Instant::now();
        heard.map(drop).ok_or_else(|| StoreError::Unavailable("the connection was lost".into()))
    }
}

//! The statement of `advance` in a transaction of its own, by one connection with the store's settings.

use countersign::{
    clock::{Clock, SystemClock},
    store::Session,
};
use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{path::Path, sync::Arc};
use tokio::sync::Mutex;

pub struct Bare(Mutex<SqliteConnection>);

impl Bare {
    pub async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        Self(Mutex::new(SqliteConnection::connect_with(&options).await.expect("the file")))
    }

    pub async fn advance(self: Arc<Self>, session: Session, times: u64) {
        let mut connection = self.0.lock().await;
        for generation in 0..times {
            let generation = i64::try_from(generation).expect("not that many");
            let now = i64::try_from(SystemClock.now().0).expect("not that late");
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.expect("the lock");
            let advanced: Option<i64> = sqlx::query_scalar(
                "UPDATE sessions SET generation = generation + 1, last_used_at = ?2
                 WHERE id = ?1 AND generation = ?3 AND revoked_at IS NULL
                   AND ?2 < expires_at AND ?2 < last_used_at + idle
                 RETURNING generation",
            )
            .bind(&session.id.as_bytes()[..])
            .bind(now)
            .bind(generation)
            .fetch_optional(&mut *transaction)
            .await
            .expect("updated");
            assert_eq!(advanced, Some(generation + 1));
            transaction.commit().await.expect("kept");
        }
    }
}

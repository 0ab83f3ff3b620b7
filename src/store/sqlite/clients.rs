//! Clients in SQLite.

use super::{
    SqliteStore, StoreError,
    rows::{number, signed},
    unavailable,
};
use crate::{
    client::ClientId,
    clock::UnixTime,
    store::{AssertionId, Client, ClientStore, Insertion, causes, client::FORGOTTEN},
};
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};

#[async_trait]
impl ClientStore for SqliteStore {
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError> {
        // The id conflicts with an equal one, or with one in other case.
        let insertion =
            "INSERT INTO clients (id, revision, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        let query = sqlx::query(insertion).bind(client.id.as_str()).bind(signed(client.revision));
        let inserted = self.touched(query.bind(client.as_stored()?)).await?;
        Ok(if inserted { Insertion::Inserted } else { Insertion::NameTaken })
    }

    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let query = sqlx::query("SELECT * FROM clients WHERE id = ?").bind(id.as_str());
        query.fetch_optional(&self.reader).await.map_err(unavailable)?.map(|row| client(&row)).transpose()
    }

    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        // No id is empty, so every id comes after the empty text.
        let query = sqlx::query("SELECT * FROM clients WHERE id > ? ORDER BY id LIMIT ?");
        let query = query.bind(after.map_or("", ClientId::as_str)).bind(limit);
        query.fetch_all(&self.reader).await.map_err(unavailable)?.iter().map(client).collect()
    }

    async fn replace(&self, client: &Client) -> Result<bool, StoreError> {
        let replacement =
            "UPDATE clients SET document = ?, revision = revision + 1 WHERE id = ? AND revision = ?";
        let query = sqlx::query(replacement).bind(client.as_stored()?);
        self.touched(query.bind(client.id.as_str()).bind(signed(client.revision))).await
    }

    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM clients WHERE id = ? AND revision = ?").bind(id.as_str());
        self.touched(query.bind(signed(revision))).await
    }

    async fn spend(
        &self,
        assertion: &AssertionId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.write().await?;
        // One that is still here although it could be forgotten is as good as new.
        let noting = "INSERT INTO spent_assertions (id, spent_until) VALUES (?1, ?2)
                      ON CONFLICT (id) DO UPDATE SET spent_until = ?2 WHERE spent_until <= ?3";
        let query = sqlx::query(noting).bind(&assertion[..]).bind(signed(until.0)).bind(signed(now.0));
        let noted = query.execute(&mut *transaction).await.map_err(unavailable)?;
        let old = "DELETE FROM spent_assertions WHERE id IN (
                       SELECT id FROM spent_assertions WHERE spent_until <= ? ORDER BY spent_until LIMIT ?)";
        let forgetting = sqlx::query(old).bind(signed(now.0)).bind(FORGOTTEN);
        // A statement that fails is undone by itself; the assertion stays spent.
        if let Err(error) = forgetting.execute(&mut *transaction).await {
            tracing::warn!("expired assertions could not be removed: {}", causes(&error));
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(noted.rows_affected() > 0)
    }
}

fn client(row: &SqliteRow) -> Result<Client, StoreError> {
    let text = |column| row.try_get(column).map_err(unavailable);
    Client::from_stored(text("id")?, text("document")?, number(row, "revision")?)
}

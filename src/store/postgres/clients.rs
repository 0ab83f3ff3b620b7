//! Clients in PostgreSQL.

use super::{PostgresStore, StoreError, rows, rows::signed, unavailable};
use crate::{
    client::ClientId,
    clock::UnixTime,
    store::{AssertionId, Client, ClientStore, Insertion, causes, client::FORGOTTEN},
};
use async_trait::async_trait;
use sqlx::{Row, postgres::PgRow};

#[async_trait]
impl ClientStore for PostgresStore {
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError> {
        let document = client.as_stored()?;
        let insertion = || {
            // The id conflicts with an equal one, or with one in other case.
            sqlx::query(
                "INSERT INTO clients (id, revision, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(client.id.as_str())
            .bind(signed(client.revision))
            .bind(&document)
        };
        Ok(if self.touches(insertion).await? { Insertion::Inserted } else { Insertion::NameTaken })
    }

    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let query =
            || sqlx::query("SELECT id, revision, document FROM clients WHERE id = $1").bind(id.as_str());
        self.read_only(|lease| lease.optional(query())).await?.as_ref().map(client).transpose()
    }

    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        // No id is empty, so every id comes after the empty text.
        let after = after.map_or("", ClientId::as_str);
        let page = || {
            sqlx::query(
                r#"SELECT id, revision, document FROM clients
                   WHERE id > $1 COLLATE "C" ORDER BY id COLLATE "C" LIMIT $2"#,
            )
            .bind(after)
            .bind(i64::from(limit))
        };
        self.read_only(|lease| lease.all(page())).await?.iter().map(client).collect()
    }

    async fn replace(&self, client: &Client) -> Result<bool, StoreError> {
        let document = client.as_stored()?;
        let replacement = || {
            sqlx::query(
                "UPDATE clients SET document = $1, revision = revision + 1 WHERE id = $2 AND revision = $3",
            )
            .bind(&document)
            .bind(client.id.as_str())
            .bind(signed(client.revision))
        };
        self.touches(replacement).await
    }

    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError> {
        let removal = || {
            let query = sqlx::query("DELETE FROM clients WHERE id = $1 AND revision = $2").bind(id.as_str());
            query.bind(signed(revision))
        };
        self.touches(removal).await
    }

    async fn spend(
        &self,
        assertion: &AssertionId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        // One that is still here although it could be forgotten is as good as new.
        let noting = || {
            sqlx::query(
                "INSERT INTO spent_assertions (id, spent_until) VALUES ($1, $2)
                 ON CONFLICT (id) DO UPDATE SET spent_until = $2
                 WHERE spent_assertions.spent_until <= least($3, extract(epoch FROM statement_timestamp())::bigint)",
            )
            .bind(assertion)
            .bind(signed(until.0))
            .bind(signed(now.0))
        };
        let is_new = self.within(|lease| lease.change(noting())).await? > 0;
        // Not in one transaction: of two that each spend what the other is forgetting, neither would
        // get on. What another transaction holds is left to it. By the earlier of both clocks: one that is
        // ahead must not let an assertion be used twice.
        let forgetting = || {
            sqlx::query(
                "DELETE FROM spent_assertions WHERE id = ANY (ARRAY(
                     SELECT id FROM spent_assertions
                     WHERE spent_until <= least($1, extract(epoch FROM statement_timestamp())::bigint)
                     ORDER BY spent_until LIMIT $2 FOR UPDATE SKIP LOCKED))",
            )
            .bind(signed(now.0))
            .bind(FORGOTTEN)
        };
        if let Err(error) = self.within(|lease| lease.change(forgetting())).await {
            tracing::warn!("expired assertions could not be removed: {}", causes(&error));
        }
        Ok(is_new)
    }
}

fn client(row: &PgRow) -> Result<Client, StoreError> {
    let text = |column| row.try_get(column).map_err(unavailable);
    Client::from_stored(text("id")?, text("document")?, rows::number(row, "revision")?)
}

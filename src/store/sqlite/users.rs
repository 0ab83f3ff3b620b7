//! Users in SQLite.

use super::{SqliteStore, StoreError, unavailable};
use crate::{
    clock::UnixTime,
    password::PasswordHash,
    store::{Connections, Finding, Insertion, Standing, User, UserStore},
    user::{NamePart, RoleName, UserId, Username},
};
use async_trait::async_trait;
use sqlx::{
    Row, Sqlite,
    query::Query,
    sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow},
};
use std::{collections::BTreeSet, time::Duration};

#[async_trait]
impl UserStore for SqliteStore {
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError> {
        Ok(outcome(self.change(insertion(user)).await?))
    }

    /// In one transaction, so that they are written to the disk together.
    async fn insert_all(&self, users: &[User]) -> Result<Vec<Insertion>, StoreError> {
        let mut transaction = self.write().await?;
        let mut all = Vec::with_capacity(users.len());
        for user in users {
            let done = insertion(user).execute(&mut *transaction).await.map_err(unavailable)?;
            all.push(outcome(done));
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(all)
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let query = sqlx::query("SELECT * FROM users WHERE id = ?").bind(id.to_string());
        query.fetch_optional(&self.reader).await.map_err(unavailable)?.map(|row| user(&row)).transpose()
    }

    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        let query = sqlx::query("SELECT * FROM users WHERE username = ?").bind(username.as_str());
        query.fetch_optional(&self.reader).await.map_err(unavailable)?.map(|row| user(&row)).transpose()
    }

    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError> {
        // No name is empty, so every name comes after the empty text.
        sqlx::query("SELECT * FROM users WHERE username > ? ORDER BY username LIMIT ?")
            .bind(after.map_or("", Username::as_str))
            .bind(limit)
            .fetch_all(&self.reader)
            .await
            .map_err(unavailable)?
            .iter()
            .map(user)
            .collect()
    }

    async fn search(
        &self,
        part: &NamePart,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        // `instr` knows no wildcards, and is asked of the index alone until it has found enough.
        sqlx::query(
            "SELECT * FROM users WHERE username > ? AND instr(username, ?) > 0 ORDER BY username LIMIT ?",
        )
        .bind(after.map_or("", Username::as_str))
        .bind(part.as_str())
        .bind(limit)
        .fetch_all(&self.reader)
        .await
        .map_err(unavailable)?
        .iter()
        .map(user)
        .collect()
    }

    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ? AND NOT disabled",
        )
        .bind(new.as_stored())
        .bind(id.to_string())
        .bind(expected.as_stored());
        self.touched(query).await
    }

    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE users SET password_hash = ? WHERE id = ?");
        self.touched(query.bind(new.as_stored()).bind(id.to_string())).await
    }

    /// In a transaction that has the write lock from its beginning, so that nothing comes in between.
    async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        let mut transaction = self.write().await?;
        let found = sqlx::query("SELECT * FROM users WHERE id = ?").bind(id.to_string());
        let found = found.fetch_optional(&mut *transaction).await.map_err(unavailable)?;
        let Some(user) = found.as_ref().map(user).transpose()? else { return Ok(None) };
        let changed = standing.changed_from(&user.roles, user.disabled);
        if changed != Standing::default() {
            sqlx::query(
                "UPDATE users SET roles = coalesce(?, roles), disabled = coalesce(?, disabled) WHERE id = ?",
            )
            .bind(changed.roles.as_ref().map(roles_text))
            .bind(changed.disabled)
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(Some(changed))
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.touched(sqlx::query("DELETE FROM users WHERE id = ?").bind(id.to_string())).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM users LIMIT 1").execute(&self.reader).await.map_err(unavailable)?;
        Ok(())
    }

    fn connections(&self) -> Vec<Connections> {
        vec![Connections::of("sqlite", &self.reader), Connections::of("sqlite_writer", &self.writer)]
    }

    async fn checkup(&self, _: UnixTime, _: Duration) -> Result<Vec<Finding>, StoreError> {
        Ok(self.findings())
    }
}

fn insertion(user: &User) -> Query<'_, Sqlite, SqliteArguments> {
    sqlx::query(
        "INSERT INTO users (id, username, password_hash, roles, disabled, created_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (username) DO NOTHING",
    )
    .bind(user.id.to_string())
    .bind(user.username.as_str())
    .bind(user.password.as_stored())
    .bind(roles_text(&user.roles))
    .bind(user.disabled)
    .bind(user.created_at.0 as i64)
}

fn outcome(done: SqliteQueryResult) -> Insertion {
    if done.rows_affected() == 1 { Insertion::Inserted } else { Insertion::NameTaken }
}

fn roles_text(roles: &BTreeSet<RoleName>) -> String {
    serde_json::json!(roles).to_string()
}

fn user(row: &SqliteRow) -> Result<User, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(unavailable);
    let id = text("id")?;
    // Whoever has to mend it has to know whose it is.
    let of_user = |what: &str| format!("{what} of user {id}");
    let roles: Vec<String> =
        serde_json::from_str(&text("roles")?).map_err(StoreError::corrupt(of_user("role")))?;
    let roles = roles.iter().map(|role| role.parse());
    Ok(User {
        id: id.parse().map_err(StoreError::corrupt("user id"))?,
        username: text("username")?.parse().map_err(StoreError::corrupt(of_user("name")))?,
        password: PasswordHash::from_stored(text("password_hash")?),
        roles: roles.collect::<Result<_, _>>().map_err(StoreError::corrupt(of_user("role")))?,
        disabled: row.try_get("disabled").map_err(unavailable)?,
        created_at: UnixTime(row.try_get::<i64, _>("created_at").map_err(unavailable)?.unsigned_abs()),
    })
}

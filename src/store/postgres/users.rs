//! Users in PostgreSQL.

use super::{PostgresStore, StoreError, lease::Query, rows, unavailable};
use crate::{
    clock::UnixTime,
    password::PasswordHash,
    store::{Connections, Finding, Insertion, Standing, User, UserStore},
    user::{NamePart, RoleName, UserId, Username},
};
use async_trait::async_trait;
use sqlx::Row;
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

// Columns are named one by one: a later version may add some while this one is running.
const BY_ID: &str =
    "SELECT id, username, password_hash, roles, disabled, created_at FROM users WHERE id = $1";
const BY_USERNAME: &str =
    "SELECT id, username, password_hash, roles, disabled, created_at FROM users WHERE username = $1";

#[async_trait]
impl UserStore for PostgresStore {
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError> {
        let insertion = || {
            sqlx::query(
                "INSERT INTO users (id, username, password_hash, roles, disabled, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username) DO NOTHING",
            )
            .bind(user.id.to_string())
            .bind(user.username.as_str())
            .bind(user.password.as_stored())
            .bind(names(&user.roles))
            .bind(user.disabled)
            .bind(rows::signed(user.created_at.0))
        };
        Ok(if self.touches(insertion).await? { Insertion::Inserted } else { Insertion::NameTaken })
    }

    /// In one statement, which takes the names in one order, so that no two wait for each other.
    async fn insert_all(&self, users: &[User]) -> Result<Vec<Insertion>, StoreError> {
        // Of arrays in arrays all would have to be of one length, so roles go as JSON.
        let roles = |user: &User| serde_json::json!(user.roles).to_string();
        let insertion = || {
            sqlx::query(
                "INSERT INTO users (id, username, password_hash, roles, disabled, created_at)
                 SELECT id, username, password_hash,
                        ARRAY(SELECT json_array_elements_text(roles::json)), disabled, created_at
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[])
                      WITH ORDINALITY AS given (id, username, password_hash, roles, disabled, created_at, place)
                 ORDER BY username, place
                 ON CONFLICT (username) DO NOTHING RETURNING id",
            )
            .bind(column(users, |user| user.id.to_string()))
            .bind(column(users, |user| user.username.as_str()))
            .bind(column(users, |user| user.password.as_stored()))
            .bind(column(users, roles))
            .bind(column(users, |user| user.disabled))
            .bind(column(users, |user| rows::signed(user.created_at.0)))
        };
        let rows = self.within(|lease| lease.all(insertion())).await?;
        let inserted = rows.iter().map(|row| row.try_get::<String, _>("id").map_err(unavailable));
        let inserted: HashSet<_> = inserted.collect::<Result<_, _>>()?;
        let outcome = |user: &User| match inserted.contains(&user.id.to_string()) {
            true => Insertion::Inserted,
            false => Insertion::NameTaken,
        };
        Ok(column(users, outcome))
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.user(|| sqlx::query(BY_ID).bind(id.to_string())).await
    }

    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.user(|| sqlx::query(BY_USERNAME).bind(username.as_str())).await
    }

    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError> {
        // No name is empty, so every name comes after the empty text.
        let after = after.map_or("", Username::as_str);
        let page = || {
            sqlx::query(
                r#"SELECT id, username, password_hash, roles, disabled, created_at FROM users
                   WHERE username > $1 COLLATE "C" ORDER BY username COLLATE "C" LIMIT $2"#,
            )
            .bind(after)
            .bind(i64::from(limit))
        };
        self.read_only(|lease| lease.all(page())).await?.iter().map(rows::user).collect()
    }

    async fn search(
        &self,
        part: &NamePart,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let after = after.map_or("", Username::as_str);
        // `strpos` knows no wildcards, and is asked of the index alone until it has found enough.
        let page = || {
            sqlx::query(
                r#"SELECT id, username, password_hash, roles, disabled, created_at FROM users
                   WHERE username IN (
                       SELECT username FROM users
                       WHERE username > $1 COLLATE "C" AND strpos(username, $2) > 0
                       ORDER BY username COLLATE "C" LIMIT $3)
                   ORDER BY username COLLATE "C""#,
            )
            .bind(after)
            .bind(part.as_str())
            .bind(i64::from(limit))
        };
        self.read_only(|lease| lease.all(page())).await?.iter().map(rows::user).collect()
    }

    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replacement = || {
            sqlx::query(
                "UPDATE users SET password_hash = $1
                 WHERE id = $2 AND password_hash = $3 AND NOT disabled",
            )
            .bind(new.as_stored())
            .bind(id.to_string())
            .bind(expected.as_stored())
        };
        self.touches(replacement).await
    }

    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        let update = || sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2");
        self.touches(|| update().bind(new.as_stored()).bind(id.to_string())).await
    }

    /// The row is locked as it is read, so what was there before is what this step replaced.
    async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        let update = || {
            sqlx::query(
                "UPDATE users
                 SET roles = coalesce($1, users.roles), disabled = coalesce($2, users.disabled)
                 FROM (SELECT id, roles, disabled FROM users WHERE id = $3 FOR UPDATE) AS former
                 WHERE users.id = former.id
                 RETURNING former.roles, former.disabled",
            )
            .bind(standing.roles.as_ref().map(names))
            .bind(standing.disabled)
            .bind(id.to_string())
        };
        let Some(former) = self.within(|lease| lease.optional(update())).await? else { return Ok(None) };
        let roles: Vec<String> = former.try_get("roles").map_err(unavailable)?;
        let roles = roles.iter().map(|role| role.parse()).collect::<Result<BTreeSet<RoleName>, _>>();
        let roles = roles.map_err(StoreError::corrupt(format!("role of user {id}")))?;
        let disabled = former.try_get("disabled").map_err(unavailable)?;
        Ok(Some(standing.changed_from(&roles, disabled)))
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.touches(|| sqlx::query("DELETE FROM users WHERE id = $1").bind(id.to_string())).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // On a standby, too, every transaction is read-only.
        let ask = "SELECT current_setting('transaction_read_only')::boolean AS read_only FROM
                   (SELECT 1) AS one LEFT JOIN (SELECT id FROM users LIMIT 1) AS any_user ON true";
        let row = self.read_only(|lease| lease.one(sqlx::query(ask))).await?;
        match row.try_get("read_only").map_err(unavailable)? {
            true => Err(StoreError::Unavailable("it takes no writes".into())),
            false => Ok(()),
        }
    }

    fn connections(&self) -> Vec<Connections> {
        vec![Connections::of("postgres", &self.pool)]
    }

    async fn own_clock(&self) -> Result<Option<u64>, StoreError> {
        self.time().await.map(Some)
    }

    async fn checkup(&self, now: UnixTime, leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        self.findings(now, leeway).await
    }
}

impl PostgresStore {
    /// The one user that a query finds.
    async fn user<'q>(&self, query: impl Fn() -> Query<'q>) -> Result<Option<User>, StoreError> {
        self.read_only(|lease| lease.optional(query())).await?.as_ref().map(rows::user).transpose()
    }

    /// Runs a statement on one row; says whether there was one.
    pub(super) async fn touches<'q>(&self, query: impl Fn() -> Query<'q>) -> Result<bool, StoreError> {
        Ok(self.within(|lease| lease.change(query())).await? > 0)
    }
}

fn column<'u, T>(users: &'u [User], of: impl Fn(&'u User) -> T) -> Vec<T> {
    users.iter().map(of).collect()
}

fn names(roles: &BTreeSet<RoleName>) -> Vec<&str> {
    roles.iter().map(RoleName::as_str).collect()
}

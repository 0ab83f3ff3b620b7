//! A look into a server's SQLite file, past the server.

use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{future::Future, path::Path};

fn on<T, F: Future<Output = T>>(file: &Path, work: impl FnOnce(SqliteConnection) -> F) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(file);
        work(SqliteConnection::connect_with(&options).await.expect("the file opens")).await
    })
}

pub fn plant_hash(file: &Path, username: &str, hash: &str) {
    let done = on(file, |mut connection| async move {
        let query =
            sqlx::query("UPDATE users SET password_hash = ? WHERE username = ?").bind(hash).bind(username);
        query.execute(&mut connection).await.expect("updated").rows_affected()
    });
    assert_eq!(done, 1, "{username} is there");
}

pub fn stored_hash(file: &Path, username: &str) -> String {
    on(file, |mut connection| async move {
        let query = sqlx::query("SELECT password_hash FROM users WHERE username = ?").bind(username);
        query.fetch_one(&mut connection).await.expect("a row").get(0)
    })
}

pub fn execute(file: &Path, statement: &'static str) {
    on(file, |mut connection| async move {
        sqlx::query(statement).execute(&mut connection).await.expect("executed");
    });
}

/// Does something while this process, another than the server's, holds the file's write lock.
pub fn while_locked(file: &Path, work: impl FnOnce()) {
    on(file, |mut connection| async move {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.expect("locked");
        work();
        sqlx::query("ROLLBACK").execute(&mut connection).await.expect("let go");
    });
}

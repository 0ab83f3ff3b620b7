//! The conformance suites on every store, and on one that must fail them.

use async_trait::async_trait;
use countersign::{
    password::PasswordHash,
    store::{Insertion, StoreError, User, UserStore, conformance, memory::MemoryStore, sqlite::SqliteStore},
    user::{RoleName, UserId, Username},
};
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

async fn sqlite(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, 4, Duration::from_secs(10)).await.expect("the file opens"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_conforms() {
    let store = Arc::new(MemoryStore::new());
    conformance::users(store.clone(), store.clone()).await;
    conformance::sessions(store.clone(), store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_conforms_through_two_pools() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let (a, b) = (sqlite(&path).await, sqlite(&path).await);
    conformance::users(a.clone(), b.clone()).await;
    conformance::sessions(a, b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_open_a_new_file_at_once() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let open = || {
        tokio::spawn({
            let path = path.clone();
            async move { sqlite(&path).await.ping().await.expect("the store answers") }
        })
    };
    let openers: Vec<_> = (0..10).map(|_| open()).collect();
    for opener in openers {
        opener.await.expect("the file opened");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let store = sqlite(&path).await;
    store.ping().await.expect("the store answers");
    for file in std::fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("an entry")) {
        let mode = file.metadata().expect("its mode").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", file.file_name());
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_an_error_and_not_a_panic() {
    let folder = TempDir::new().expect("a folder");
    let opened = SqliteStore::open(folder.path(), 1, Duration::from_secs(1)).await;
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{opened:?}");
    let path = folder.path().join("not-a-database");
    std::fs::write(&path, "this is no database, but a text of some length").expect("written");
    let opened = SqliteStore::open(&path, 1, Duration::from_secs(1)).await;
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{opened:?}");
}

/// Looks first and inserts then, as one would without thinking.
struct Racy(MemoryStore);

#[async_trait]
impl UserStore for Racy {
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError> {
        if self.0.by_username(&user.username).await?.is_some() {
            return Ok(Insertion::NameTaken);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.insert(user).await.map(|_| Insertion::Inserted)
    }
    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.0.by_id(id).await
    }
    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.0.by_username(username).await
    }
    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.0.list(after, limit).await
    }
    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.0.replace_password(id, expected, new).await
    }
    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        self.0.set_password(id, new).await
    }
    async fn set_roles(&self, id: UserId, roles: &BTreeSet<RoleName>) -> Result<bool, StoreError> {
        self.0.set_roles(id, roles).await
    }
    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<bool, StoreError> {
        self.0.set_disabled(id, disabled).await
    }
    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.0.delete(id).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_inserts_then_fails_the_suite() {
    let store = Arc::new(Racy(MemoryStore::new()));
    let suite = tokio::spawn(conformance::users(store.clone(), store));
    let panic = suite.await.expect_err("the suite must fail").into_panic();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("of 32 insertions of one name exactly one wins"), "{text}");
}

//! The conformance suites on every store.

use crate::{
    plain::Plain,
    stores::{new_database, new_namespace, postgres, redis, sqlite},
};
use countersign::{
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings},
    keys::KeyFile,
    password::PasswordHash,
    store::{
        Finding, KeptRing, SessionStore, StoreError, Stores, User, UserStore,
        conformance::{self, NOW},
        memory::MemoryStore,
        postgres::PostgresStore,
        redis::RedisStore,
        sqlite::SqliteStore,
    },
    user::{NamePart, UserId},
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_conforms() {
    let clock = Arc::new(ManualClock::new(NOW));
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    conformance::users(store.clone(), store.clone()).await;
    conformance::sessions(store.clone(), store.clone()).await;
    conformance::clients(store.clone(), store.clone()).await;
    conformance::key_ring(store.clone(), store.clone()).await;
    conformance::attempts(store.clone(), store.clone(), clock).await;
    conformance::audit(store.clone(), store).await;
}

fn user(name: &str) -> User {
    User {
        id: UserId::random(),
        username: name.parse().expect("a name"),
        password: PasswordHash::from_stored(String::new()),
        roles: BTreeSet::new(),
        disabled: false,
        created_at: NOW,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_no_more_than_it_has_to_conforms() {
    let store = Arc::new(Plain(MemoryStore::new()));
    conformance::users(store.clone(), store.clone()).await;

    // More than are looked through at a time.
    let many: Vec<_> = (0..2_500).map(|number| user(&format!("of-many-{number:04}"))).collect();
    store.insert_all(&many).await.expect("inserted");
    let part: NamePart = "of-many-24".parse().expect("a part");
    let found = store.search(&part, None, 1_000).await.expect("found");
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|user| user.username.as_str().starts_with("of-many-24")));
}

#[tokio::test]
async fn the_database_that_settings_name_is_opened() {
    let folder = TempDir::new().expect("a folder");
    let file = format!("sqlite:{}", folder.path().join("users.db").display());
    for (url, shared) in [("memory:", false), (&*file, true), (&*new_database(), true)] {
        let settings = Settings::load(
            &rocket::Config::figment(),
            Environment::from_pairs([
                ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
                ("COUNTERSIGN_DATABASE_URL", url),
                ("COUNTERSIGN_STORE__DEADLINE_MS", "10000"),
            ]),
        );
        let settings = settings.expect("good settings");
        let one = Stores::open(&settings).await.expect("opened");
        let other = Stores::open(&settings).await.expect("opened");
        one.users.insert(&user("ada")).await.expect("inserted");
        let seen = other.users.by_username(&"ada".parse().expect("a name")).await.expect("an answer");
        assert_eq!(seen.is_some(), shared, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_conforms_through_two_pools() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let (a, b) = (sqlite(&path).await, sqlite(&path).await);
    conformance::users(a.clone(), b.clone()).await;
    conformance::sessions(a.clone(), b.clone()).await;
    conformance::clients(a.clone(), b.clone()).await;
    conformance::key_ring(a.clone(), b.clone()).await;
    let clock = Arc::new(ManualClock::new(NOW));
    let counting = |store: &SqliteStore| Arc::new(store.clone().with_clock(clock.clone()));
    conformance::attempts(counting(&a), counting(&b), clock.clone()).await;
    conformance::audit(a, b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_conforms_through_two_pools() {
    let url = new_database();
    let (a, b) = (postgres(&url).await, postgres(&url).await);
    conformance::users(a.clone(), b.clone()).await;
    conformance::sessions(a.clone(), b.clone()).await;
    conformance::clients(a.clone(), b.clone()).await;
    conformance::key_ring(a.clone(), b.clone()).await;
    let clock = Arc::new(ManualClock::new(NOW));
    let counting = |store: &PostgresStore| Arc::new(store.clone().with_clock(clock.clone()));
    conformance::attempts(counting(&a), counting(&b), clock.clone()).await;
    conformance::audit(a, b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redis_store_conforms_through_two_connections() {
    let namespace = new_namespace();
    let (a, b) = (redis(&namespace).await, redis(&namespace).await);
    conformance::sessions(a.clone(), b.clone()).await;
    let clock = Arc::new(ManualClock::new(NOW));
    let counting = |store: &RedisStore| Arc::new(store.clone().with_clock(clock.clone()));
    conformance::attempts(counting(&a), counting(&b), clock.clone()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_conforms_through_two_handles() {
    let folder = TempDir::new().expect("a folder");
    let file = || Arc::new(KeyFile::new(folder.path().join("keys.json")));
    conformance::key_ring(file(), file()).await;
}

/// Whoever listens reads the list when it is told to, so it must be when there is something, and had
/// better not be when there is nothing.
#[tokio::test]
async fn a_feed_in_memory_tells_of_what_is_revoked_and_of_nothing_else() {
    let store = MemoryStore::new();
    store.begin_epoch(0).await.expect("an epoch");
    let mut feed = store.feed().await.expect("a feed");
    let ada = UserId::random();
    let revision = store.revision(ada).await.expect("a revision");
    store.create(&conformance::session(ada), revision, 10).await.expect("a login");
    assert!(timeout(Duration::ZERO, feed.changed()).await.is_err(), "nothing was revoked");
    store.revoke_user(ada, conformance::NOW).await.expect("revoked");
    timeout(Duration::from_secs(60), feed.changed()).await.expect("told").expect("the feed goes on");
}

#[test]
fn the_version_of_a_key_ring_fits_a_signed_integer_and_is_of_its_bytes() {
    let version = |seed: u8| KeptRing::of(vec![seed].into()).version;
    for seed in 0..100 {
        assert!(i64::try_from(version(seed)).is_ok(), "{seed}");
        assert!(seed == 0 || version(seed) != version(seed - 1), "{seed}");
    }
}

#[test]
fn a_clock_is_warned_of_when_it_is_further_off_than_the_leeway() {
    let (now, leeway) = (UnixTime(1_800_000_000), Duration::from_secs(5));
    // This machine's is known to the second only.
    for (seconds, is_off) in [(0, false), (6, false), (7, true)] {
        for own in [now.0 - seconds, now.0 + seconds] {
            let finding = Finding::of_clocks("Redis", own * 1_000, now, leeway);
            assert_eq!(finding.is_some(), is_off, "{seconds} s: {finding:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_instances_may_start_at_once_on_a_new_database() {
    let url = new_database();
    let openers: Vec<_> = (0..10)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { postgres(&url).await.ping().await.expect("the store answers") })
        })
        .collect();
    for opener in openers {
        opener.await.expect("the database opened");
    }
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

/// This machine's clock, in milliseconds since 1970.
fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 500,000,000")
}

/// The tests' own servers run on this machine, so their clocks are its clock, but for what they round
/// or remember of it.
async fn tells_the_time_in_milliseconds(store: Arc<dyn SessionStore>) {
    let before = millis();
    let epoch = store.begin_epoch(0).await.expect("an epoch");
    store.revoke_access(UserId::random(), conformance::NOW).await.expect("revoked");
    let list = store.revocations(0, 10).await.expect("the list");
    let written_at = list.lines.last().expect("a line").written_at;
    let about_now = before - 1_000..=millis() + 1_000;
    let times = [epoch, written_at, list.read_at];
    assert!(times.iter().all(|time| about_now.contains(time)), "{times:?} are not in {about_now:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stores_own_clock_is_in_milliseconds_since_1970() {
    tells_the_time_in_milliseconds(Arc::new(MemoryStore::new())).await;
    let folder = TempDir::new().expect("a folder");
    tells_the_time_in_milliseconds(sqlite(&folder.path().join("users.db")).await).await;
    tells_the_time_in_milliseconds(postgres(&new_database()).await).await;
    tells_the_time_in_milliseconds(redis(&new_namespace()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_closed_answers_no_more() {
    let store = postgres(&new_database()).await;
    store.ping().await.expect("it answers");
    store.close().await;
    assert!(store.ping().await.is_err(), "nobody has a connection to it");
    assert!(store.probe().await.is_err(), "nor can sessions be kept");
}

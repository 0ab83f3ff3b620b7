//! Stores of sessions that are restored to how they were, long after servers have forgotten what their
//! access tokens no longer need.

use crate::{
    PASSWORD,
    servers::Redis,
    stores::{new_database, postgres, sqlite},
};
use async_trait::async_trait;
use countersign::{
    account::Accounts,
    audit::Actor,
    clock::{Clock, ManualClock, SystemClock},
    config::{Environment, Settings},
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    password::Password,
    store::{SessionStore, Stores, memory::MemoryStore, redis::RedisStore},
    user::Username,
};
use sqlx::Connection;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;

/// Longer than anything is kept for the sake of access tokens.
const LONG: Duration = Duration::from_secs(1_000);
/// Longer than the store keeps the lines of its list.
const TWO_DAYS: Duration = Duration::from_secs(2 * 86_400);

/// A store that can be put back to how it was.
#[async_trait]
trait Restorable: Send + Sync {
    async fn open(&self) -> Arc<dyn SessionStore>;
    /// Called while nothing has been revoked.
    async fn save(&self);
    async fn restore(&self);
}

#[async_trait]
impl Restorable for Redis {
    async fn open(&self) -> Arc<dyn SessionStore> {
        let url = self.url().parse().expect("a URL");
        Arc::new(RedisStore::open(&url, "test", Duration::from_secs(10)).await.expect("Redis is there"))
    }
    async fn save(&self) {
        assert_eq!(self.command(&["SAVE"]), "OK");
    }
    async fn restore(&self) {
        self.kill();
        self.start_again();
    }
}

/// What a copy of the tables from before the first revocation would do to them.
const BACK: [&str; 3] =
    ["UPDATE sessions SET revoked_at = NULL", "DELETE FROM revocations", "DELETE FROM revisions"];

struct Database(String);

#[async_trait]
impl Restorable for Database {
    async fn open(&self) -> Arc<dyn SessionStore> {
        postgres(&self.0).await
    }
    async fn save(&self) {}
    async fn restore(&self) {
        let store = postgres(&self.0).await;
        for statement in BACK {
            sqlx::query(statement).execute(store.pool()).await.expect("done");
        }
    }
}

struct File(PathBuf);

#[async_trait]
impl Restorable for File {
    async fn open(&self) -> Arc<dyn SessionStore> {
        sqlite(&self.0).await
    }
    async fn save(&self) {}
    async fn restore(&self) {
        let url = format!("sqlite:{}", self.0.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("the file opens");
        for statement in BACK {
            sqlx::query(statement).execute(&mut connection).await.expect("done");
        }
    }
}

/// Servers on one store of sessions, whose users are elsewhere.
struct Scene<R> {
    sessions: R,
    users: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

impl<R: Restorable> Scene<R> {
    fn on(sessions: R) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        Self { sessions, users: Arc::new(MemoryStore::new()), clock }
    }

    async fn server(&self) -> Authority {
        let settings = Settings::load(
            &rocket::Config::figment(),
            Environment::from_pairs([
                ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
                ("COUNTERSIGN_ACCESS_TTL", "30"),
            ]),
        );
        let stores = Stores { sessions: self.sessions.open().await, ..Stores::of(self.users.clone()) };
        Authority::open(&settings.expect("good settings"), stores, self.clock.clone()).await.expect("opened")
    }

    /// Time passes, and each server drops what has expired.
    async fn wait(&self, time: Duration, servers: &[&Authority]) {
        self.clock.advance(time);
        for server in servers {
            server.revocations.purge().await.expect("purged");
            assert_eq!(server.revocations.denied(), 0, "no access token needs to be denied any more");
        }
    }
}

fn accounts(server: &Authority) -> Accounts {
    server.accounts(Actor::Server)
}

async fn add(server: &Authority, name: &str) {
    let (password, now) = (Password::parse(PASSWORD).expect("a password"), server.clock.now());
    accounts(server)
        .add(name.parse().expect("a name"), password, Default::default(), now)
        .await
        .expect("added");
}

async fn change_password(server: &Authority, name: &str) {
    let name: Username = name.parse().expect("a name");
    let user = server.stores.users.by_username(&name).await.expect("found").expect("a user");
    let password = Password::parse("another-engine").expect("a password");
    accounts(server).set_password(user.id, password).await.expect("changed");
}

async fn login(server: &Authority, name: &str) -> Tokens {
    let request = TokenRequest {
        username: Some(name.into()),
        password: Some(PASSWORD.to_owned().into()),
        scope: Some("offline_access".into()),
        ..TokenRequest::default()
    };
    server.token(request, Caller::default()).await.expect("a login")
}

async fn refresh(server: &Authority, tokens: &Tokens) -> Result<Tokens, GrantError> {
    let token = tokens.refresh.as_ref().expect("a refresh token").token.to_string();
    let request = TokenRequest {
        grant_type: Some("refresh_token".into()),
        refresh_token: Some(token.into()),
        ..TokenRequest::default()
    };
    server.token(request, Caller::default()).await
}

async fn end(server: &Authority, tokens: &Tokens) {
    let token = tokens.refresh.as_ref().expect("a refresh token").token.to_string();
    let token: countersign::refresh_token::RefreshToken = token.parse().expect("a token");
    server.revocations.session(token.session()).await.expect("ended");
}

async fn assert_over(server: &Authority, tokens: &Tokens) {
    for _ in 0..100 {
        match refresh(server, tokens).await {
            Err(GrantError::InvalidGrant) => return,
            // The connection is that to the server before the restore.
            Err(GrantError::Store(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            answer => panic!("an ended session goes on: {answer:?}"),
        }
    }
    panic!("the store does not answer again");
}

fn takes(server: &Authority, tokens: &Tokens) -> bool {
    let claims = server.tokens.verify(tokens.access_token.as_bytes(), server.clock.now());
    claims.is_ok_and(|claims| !server.revocations.denies(&claims))
}

/// The server at `first` is the first to be asked after the restore.
async fn nothing_comes_back(store: impl Restorable, first: usize) {
    let scene = Scene::on(store);
    let [one, two] = [scene.server().await, scene.server().await];
    add(&one, "ada").await;
    add(&one, "bob").await;
    let [adas, ended, kept] = [login(&one, "ada").await, login(&one, "bob").await, login(&two, "bob").await];
    scene.sessions.save().await;
    change_password(&one, "ada").await;
    end(&two, &ended).await;
    for server in [&one, &two] {
        server.revocations.catch_up().await.expect("heard");
    }
    let restarted = scene.server().await;
    let servers = [&one, &two, &restarted];
    scene.wait(LONG, &servers).await;

    scene.sessions.restore().await;
    let mut order = servers;
    order.rotate_left(first);
    let mut kept = kept;
    for server in order {
        assert_over(server, &adas).await;
        assert_over(server, &ended).await;
        kept = refresh(server, &kept).await.expect("a session that nobody has ended goes on");
        assert!(takes(server, &kept));
    }
    assert_over(&scene.server().await, &adas).await;
}

/// Nobody who is left knows what was revoked since.
async fn what_nobody_can_know_ends(store: impl Restorable) {
    let scene = Scene::on(store);
    let before = scene.server().await;
    add(&before, "ada").await;
    add(&before, "bob").await;
    let [adas, other, last] =
        [login(&before, "ada").await, login(&before, "bob").await, login(&before, "bob").await];
    scene.sessions.save().await;
    change_password(&before, "ada").await;
    scene.wait(TWO_DAYS, &[]).await;
    end(&before, &last).await;
    before.revocations.purge().await.expect("purged");
    drop(before);
    // It reads the list when the line about Ada has been removed from it.
    let server = scene.server().await;
    scene.wait(LONG, &[&server]).await;

    scene.sessions.restore().await;
    for tokens in [&adas, &last, &other] {
        assert_over(&server, tokens).await;
    }
    let new = login(&server, "bob").await;
    let another = scene.server().await;
    for server in [&server, &another] {
        for tokens in [&adas, &last, &other] {
            assert_over(server, tokens).await;
        }
        assert!(takes(server, &new), "whoever logs in again is in");
    }
    refresh(&another, &new).await.expect("and stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_redis_brings_no_ended_session_back() {
    for first in 0..3 {
        nothing_comes_back(Redis::start(), first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_postgres_brings_no_ended_session_back() {
    for first in 0..3 {
        nothing_comes_back(Database(new_database()), first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_sqlite_brings_no_ended_session_back() {
    for first in 0..3 {
        let folder = TempDir::new().expect("a folder");
        nothing_comes_back(File(folder.path().join("restored.db")), first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_restored_redis_end_if_nobody_knows_which_were_revoked() {
    what_nobody_can_know_ends(Redis::start()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_restored_postgres_end_if_nobody_knows_which_were_revoked() {
    what_nobody_can_know_ends(Database(new_database())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_restored_sqlite_end_if_nobody_knows_which_were_revoked() {
    let folder = TempDir::new().expect("a folder");
    what_nobody_can_know_ends(File(folder.path().join("restored.db"))).await;
}

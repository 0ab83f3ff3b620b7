//! What is done to accounts while others do the same, and on stores that fail between two steps.

mod meanwhile;
mod owed;
mod told;

use crate::{
    registration::unsteady::Unsteady,
    stores::{new_database, new_namespace, postgres, redis, sqlite},
};
use async_trait::async_trait;
use countersign::{
    account::Accounts,
    audit::Actor,
    clock::{Clock, ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::Authority,
    password::{Password, PasswordHash},
    refresh_token::Salt,
    session::SessionId,
    store::{
        ClientStore, Creation, Insertion, Session, SessionStore, Standing, StoreError, Stores, Transport,
        User, UserStore, memory::MemoryStore,
    },
    user::{RoleName, UserId, Username},
};
use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_700_000_000);
const FIRST: &str = "analytical-engine";
const OWN: &str = "difference-engine-no-2";
const RESET: &str = "jacquards-loom-of-1804";

/// What happens, once, between two steps.
type Accident = Pin<Box<dyn Future<Output = ()> + Send>>;

/// When it happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// A record has been read and is on its way to the caller.
    Read,
    /// A change is about to be made.
    Change,
}

/// A store of users in which accidents happen.
struct Disturbed {
    users: Arc<dyn UserStore>,
    accident: Mutex<Option<(Moment, Accident)>>,
    /// Changes are made, and then answered with an error.
    loses_answers: Mutex<bool>,
}

impl Disturbed {
    async fn now_is(&self, moment: Moment) {
        let accident = self.accident.lock().expect("the lock").take_if(|(at, _)| *at == moment);
        if let Some((_, accident)) = accident {
            accident.await;
        }
    }

    fn answered<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        let is_lost = *self.loses_answers.lock().expect("the lock");
        if is_lost { Err(StoreError::Unavailable("the answer was lost".into())) } else { answer }
    }
}

#[async_trait]
impl UserStore for Disturbed {
    async fn insert(&self, user: &User) -> Result<Insertion, StoreError> {
        self.users.insert(user).await
    }
    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let found = self.users.by_id(id).await;
        self.now_is(Moment::Read).await;
        found
    }
    async fn by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.users.by_username(username).await
    }
    async fn list(&self, after: Option<&Username>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.users.list(after, limit).await
    }
    async fn replace_password(
        &self,
        id: UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.now_is(Moment::Change).await;
        self.answered(self.users.replace_password(id, expected, new).await)
    }
    async fn set_password(&self, id: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        self.now_is(Moment::Change).await;
        self.answered(self.users.set_password(id, new).await)
    }
    async fn set_standing(&self, id: UserId, standing: &Standing) -> Result<Option<Standing>, StoreError> {
        self.now_is(Moment::Change).await;
        self.answered(self.users.set_standing(id, standing).await)
    }
    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.now_is(Moment::Change).await;
        self.answered(self.users.delete(id).await)
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.users.ping().await
    }
}

/// A server with the user `ada`, whose roles are `editor`; and another beside it, to which nothing happens.
struct Scene {
    here: Accounts,
    beside: Accounts,
    authority: Authority,
    disturbed: Arc<Disturbed>,
    sessions: Arc<Unsteady>,
    ada: UserId,
    _folder: TempDir,
}

impl Scene {
    async fn on(
        users: Arc<dyn UserStore>,
        clients: Arc<dyn ClientStore>,
        sessions: Arc<dyn SessionStore>,
        folder: TempDir,
    ) -> Arc<Self> {
        let (accident, loses_answers) = (Mutex::default(), Mutex::default());
        let disturbed = Arc::new(Disturbed { users: users.clone(), accident, loses_answers });
        let unsteady = Arc::new(Unsteady::of(clients.clone(), sessions.clone()));
        let authority = open(disturbed.clone(), unsteady.clone(), unsteady.clone()).await;
        let beside = open(users, clients, sessions).await;
        let (here, beside) = (authority.accounts(Actor::Server), beside.accounts(Actor::Server));
        let name = format!("ada-{}", UserId::random()).parse().expect("a name");
        let ada = here.add(name, password(FIRST), roles(&["editor"]), NOW).await.expect("added").id;
        Arc::new(Self { here, beside, authority, disturbed, sessions: unsteady, ada, _folder: folder })
    }

    async fn in_memory() -> Arc<Self> {
        let store = Arc::new(MemoryStore::new());
        Self::on(store.clone(), store.clone(), store, folder()).await
    }

    /// On each kind of store.
    async fn everywhere() -> Vec<(&'static str, Arc<Self>)> {
        let folder = folder();
        let file = sqlite(&folder.path().join("users.db")).await;
        let (one, two) = (postgres(&new_database()).await, postgres(&new_database()).await);
        vec![
            ("memory", Self::in_memory().await),
            ("SQLite", Self::on(file.clone(), file.clone(), file, folder).await),
            ("PostgreSQL", Self::on(one.clone(), one.clone(), one, self::folder()).await),
            ("Redis", Self::on(two.clone(), two, redis(&new_namespace()).await, self::folder()).await),
        ]
    }

    /// Has something happen once.
    fn at(&self, moment: Moment, accident: impl Future<Output = ()> + Send + 'static) {
        *self.disturbed.accident.lock().expect("the lock") = Some((moment, Box::pin(accident)));
    }

    fn had_its_accident(&self) -> bool {
        self.disturbed.accident.lock().expect("the lock").is_none()
    }

    async fn ada(&self) -> User {
        self.disturbed.users.by_id(self.ada).await.expect("by_id").expect("ada is there")
    }

    /// Whether this is her password.
    async fn knows(&self, text: &str) -> bool {
        let verdict = self.authority.hasher.verify(password(text), Some(self.ada().await.password)).await;
        verdict.expect("verified") == countersign::password::Verdict::Match
    }

    async fn revision(&self) -> u64 {
        self.sessions.revision(self.ada).await.expect("revision")
    }

    /// A login of hers that goes by what is true at this moment.
    async fn log_in(&self) -> SessionId {
        let session = Session {
            id: SessionId::random().expect("randomness"),
            user: self.ada,
            client_id: "first-party".into(),
            scope: Default::default(),
            transport: Transport::Body,
            created_at: NOW,
            last_used_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(10_000)),
            idle: Duration::from_secs(10_000),
            generation: 0,
            salt: Salt::random().expect("randomness"),
            device: Default::default(),
        };
        let created = self.sessions.create(&session, self.revision().await, 100).await;
        assert_eq!(created.expect("create"), Creation::Created);
        session.id
    }

    async fn is_live(&self, session: SessionId) -> bool {
        self.sessions.find(session, NOW).await.expect("find").is_some()
    }
}

async fn open(
    users: Arc<dyn UserStore>,
    clients: Arc<dyn ClientStore>,
    sessions: Arc<dyn SessionStore>,
) -> Authority {
    let environment =
        Environment::from_pairs([("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1")]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let stores = Stores { users, sessions, clients: Some(clients), keys: None, attempts: None, audit: None };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    Authority::open(&settings, stores, clock).await.expect("opened")
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

fn password(text: &str) -> Password {
    Password::parse(text).expect("a password")
}

fn roles(names: &[&str]) -> BTreeSet<RoleName> {
    names.iter().map(|name| name.parse().expect("a role")).collect()
}

//! Clients and their tokens below HTTP: what happens between two steps of a request.

mod ends;
mod races;

use crate::PASSWORD;
use async_trait::async_trait;
use countersign::{
    audit::Actor,
    client::{ClientId, ClientSecret, GrantType},
    clock::{Clock, ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::{Authority, Caller, ClientCredentials, GrantError, TokenQuery, TokenRequest, Tokens},
    password::Password,
    registration::{Clients, Proof, Registration, Terms},
    store::{
        AssertionId, Client, ClientStore, Insertion, SessionStore, StoreError, Stores, memory::MemoryStore,
    },
};
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    time::Duration,
};

const NOW: UnixTime = UnixTime(1_700_000_000);
/// Longer than any access token is good for.
const HOUR: Duration = Duration::from_secs(3_600);

/// Every grant that there is.
const GRANTS: [GrantType; 3] = GrantType::ALL;

/// What happens, once, at the worst moment.
type Accident = Pin<Box<dyn Future<Output = ()> + Send>>;

/// When it happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// A record has been read, for the first or second time, and is on its way to whoever asked.
    Read(u8),
    /// A record is about to be removed.
    Delete,
}

/// Clients, in whose store accidents happen.
#[derive(Default)]
struct Disturbed {
    store: Arc<MemoryStore>,
    accident: Mutex<Option<(Moment, Accident)>>,
    reads: AtomicU8,
}

impl Disturbed {
    async fn now_is(&self, moment: Moment) {
        let accident = {
            let mut accident = self.accident.lock().expect("no test has failed holding it");
            accident.take_if(|(at, _)| *at == moment)
        };
        if let Some((_, accident)) = accident {
            accident.await;
        }
    }
}

#[async_trait]
impl ClientStore for Disturbed {
    async fn insert(&self, client: &Client) -> Result<Insertion, StoreError> {
        self.store.insert(client).await
    }
    async fn by_id(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let found = ClientStore::by_id(&*self.store, id).await;
        self.now_is(Moment::Read(self.reads.fetch_add(1, SeqCst) + 1)).await;
        found
    }
    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        ClientStore::list(&*self.store, after, limit).await
    }
    async fn replace(&self, client: &Client) -> Result<bool, StoreError> {
        ClientStore::replace(&*self.store, client).await
    }
    async fn delete(&self, id: &ClientId, revision: u64) -> Result<bool, StoreError> {
        self.now_is(Moment::Delete).await;
        ClientStore::delete(&*self.store, id, revision).await
    }
    async fn spend(
        &self,
        assertion: &AssertionId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        self.store.spend(assertion, until, now).await
    }
}

/// A server with the user `ada` and the client `app`, which may use every grant, and others beside it.
struct Scene {
    here: Authority,
    disturbed: Arc<Disturbed>,
    sessions: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
    secret: String,
}

impl Scene {
    async fn set() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    async fn on(sessions: Arc<dyn SessionStore>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let disturbed = Arc::new(Disturbed { store: store.clone(), ..Disturbed::default() });
        let clock = Arc::new(ManualClock::new(NOW));
        let stores = Stores { clients: Some(disturbed.clone()), ..stores(&store, &sessions) };
        let here = open(&stores, &clock).await;
        let password = Password::parse(PASSWORD).expect("a password");
        let name = "ada".parse().expect("a name");
        here.accounts(Actor::Server).add(name, password, Default::default(), NOW).await.expect("added");
        let secret = String::new();
        let mut scene = Self { here, disturbed, sessions, clock, secret };
        scene.secret = scene.register("app", &GRANTS).await;
        scene
    }

    /// Another server on the same stores, which has just started; in its store there are no accidents.
    async fn beside(&self) -> Authority {
        open(&stores(&self.disturbed.store, &self.sessions), &self.clock).await
    }

    fn clients(&self) -> Clients {
        self.here.clients(Actor::Server).expect("there is a store for them")
    }

    /// Registers a client that proves who it is by the secret that this returns.
    async fn register(&self, id: &str, grants: &[GrantType]) -> String {
        let secret = ClientSecret::random().expect("randomness");
        let terms = Terms {
            grants: grants.iter().copied().collect(),
            scope: "items".parse().expect("a scope"),
            introspects: true,
            ..Terms::default()
        };
        let registration = Registration { id: id_of(id), proof: Proof::Secret(secret.hash()), terms };
        let now = self.clock.now();
        self.clients().add(registration, now).await.expect("registered");
        secret.reveal().to_owned()
    }

    /// Has something happen once; reads count from now on.
    fn at(&self, moment: Moment, accident: impl Future<Output = ()> + Send + 'static) {
        self.disturbed.reads.store(0, SeqCst);
        *self.disturbed.accident.lock().expect("no test has failed holding it") =
            Some((moment, Box::pin(accident)));
    }

    fn had_its_accident(&self) -> bool {
        self.disturbed.accident.lock().expect("no test has failed holding it").is_none()
    }

    fn credentials(&self) -> ClientCredentials {
        credentials("app", &self.secret)
    }

    /// What `app` is answered, by a refresh token of its own where one is needed.
    async fn ask(&self, grant: GrantType, refresh: Option<&str>) -> Result<Tokens, GrantError> {
        ask(&self.here, self.credentials(), grant, refresh).await
    }

    fn query(&self, token: &str) -> TokenQuery {
        TokenQuery { token: Some(token.to_owned().into()), client: self.credentials() }
    }

    fn takes(&self, token: &str) -> bool {
        takes(&self.here, &self.clock, token)
    }
}

fn stores(store: &Arc<MemoryStore>, sessions: &Arc<dyn SessionStore>) -> Stores {
    Stores { sessions: sessions.clone(), ..Stores::all_in(store.clone()) }
}

fn settings() -> Settings {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
        ("COUNTERSIGN_LEEWAY", "0"),
        ("COUNTERSIGN_SCOPES", "items"),
    ]);
    Settings::load(&rocket::Config::figment(), environment).expect("good settings")
}

async fn open(stores: &Stores, clock: &Arc<ManualClock>) -> Authority {
    Authority::open(&settings(), stores.clone(), clock.clone()).await.expect("opened")
}

fn id_of(id: &str) -> ClientId {
    id.parse().expect("a client's id")
}

fn credentials(id: &str, secret: &str) -> ClientCredentials {
    let secret = Some(secret.to_owned().into());
    ClientCredentials { id: Some(id.into()), secret, ..ClientCredentials::default() }
}

async fn ask(
    authority: &Authority,
    client: ClientCredentials,
    grant: GrantType,
    refresh: Option<&str>,
) -> Result<Tokens, GrantError> {
    let is_login = grant == GrantType::Password;
    let request = TokenRequest {
        grant_type: Some(grant.to_string()),
        username: is_login.then(|| "ada".into()),
        password: is_login.then(|| PASSWORD.to_owned().into()),
        scope: is_login.then(|| "offline_access".into()),
        refresh_token: refresh.map(|token| token.to_owned().into()),
        client,
        ..TokenRequest::default()
    };
    authority.token(request, Caller::default()).await
}

fn refresh_token(tokens: &Tokens) -> String {
    tokens.refresh.as_ref().expect("a refresh token").token.to_string()
}

/// Whether a request with this access token would be let in.
fn takes(authority: &Authority, clock: &ManualClock, token: &str) -> bool {
    let now = clock.now();
    let claims = authority.tokens.verify(token.as_bytes(), now);
    claims.is_ok_and(|claims| !authority.revocations.denies(&claims))
}

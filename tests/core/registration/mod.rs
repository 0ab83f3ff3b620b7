//! What is done to clients, below HTTP: by many at once, and on stores that fail half-way.

mod faults;
mod races;
pub mod unsteady;

use crate::stores::sqlite;
use countersign::{
    audit::Actor,
    client::{ClientId, ClientSecret},
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::{Authority, Caller, ClientCredentials, GrantError, TokenRequest},
    registration::{ClientError, Clients, Proof, Registration, Terms},
    store::{Authentication, Client, ClientStore, SessionStore, Stores, memory::MemoryStore},
};
use std::{future::Future, sync::Arc};
use tempfile::TempDir;
use unsteady::Unsteady;

/// An authority over one store of clients and sessions. Time stands still, so that whoever has an id
/// after another has it within the same second.
struct Desk {
    authority: Authority,
    clients: Clients,
    store: Arc<Unsteady>,
}

impl Desk {
    async fn on<S: ClientStore + SessionStore>(store: Arc<S>) -> Arc<Self> {
        Self::at(UnixTime(1_000_000), store).await
    }

    async fn at<S: ClientStore + SessionStore>(now: UnixTime, store: Arc<S>) -> Arc<Self> {
        let environment = Environment::from_pairs([
            ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
            ("COUNTERSIGN_SCOPES", "items reports:read"),
            // Time stands still, so that what a client used up would never come back.
            ("COUNTERSIGN_RATE__LIMITS", "off"),
        ]);
        let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
        let (store, users) = (Arc::new(Unsteady::over(store)), Arc::new(MemoryStore::new()));
        let stores = Stores {
            users,
            sessions: store.clone(),
            clients: Some(store.clone()),
            keys: None,
            attempts: None,
            audit: None,
        };
        let clock = Arc::new(ManualClock::new(now));
        let authority = Authority::open(&settings, stores, clock).await.expect("opened");
        let clients = authority.clients(Actor::Server).expect("a store of clients");
        Arc::new(Self { authority, clients, store })
    }

    fn now(&self) -> UnixTime {
        self.authority.clock.now()
    }

    /// A service, and its secret.
    async fn add(&self, id: &ClientId) -> Result<(Client, String), ClientError> {
        let secret = secret();
        let proof = Proof::Secret(secret.hash());
        let scope = "items".parse().expect("a scope");
        let terms = Terms { grants: proof.usual_grants(), scope, ..Terms::default() };
        let client = self.clients.add(Registration { id: id.clone(), proof, terms }, self.now()).await?;
        Ok((client, secret.reveal().to_owned()))
    }

    /// An access token for whoever has this secret.
    async fn ask(&self, id: &ClientId, secret: &str) -> Result<String, GrantError> {
        let client = ClientCredentials {
            id: Some(id.to_string()),
            secret: Some(secret.to_owned().into()),
            ..ClientCredentials::default()
        };
        let grant_type = Some("client_credentials".into());
        let request = TokenRequest { grant_type, client, ..TokenRequest::default() };
        Ok(self.authority.token(request, Caller::default()).await?.access_token)
    }

    /// Whether a token that was issued here is taken.
    async fn takes(&self, token: &str) -> bool {
        let claims = self.authority.verify(token.as_bytes()).await.expect("a token of ours");
        !self.authority.revocations.denies(&claims)
    }
}

fn secret() -> ClientSecret {
    ClientSecret::random().expect("randomness")
}

fn id(text: &str) -> ClientId {
    text.parse().expect("a client's id")
}

/// How many secrets it has, and whether this is one of them.
fn holds(client: &Client, secret: &str) -> (usize, bool) {
    let Authentication::Secrets(kept) = &client.authentication else { panic!("it has secrets") };
    (kept.len(), kept.iter().any(|kept| kept.hash.matches(secret)))
}

/// The same in memory and in a file.
async fn on_both<F: Future<Output = ()>>(test: impl Fn(Arc<Desk>) -> F) {
    test(Desk::on(Arc::new(MemoryStore::new())).await).await;
    let folder = TempDir::new().expect("a folder");
    test(Desk::on(sqlite(&folder.path().join("clients.db")).await).await).await;
}

//! A login during which the user's password hash becomes another.

use crate::plain::{Plain, Users};
use async_trait::async_trait;
use countersign::{
    audit::Actor,
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    password::{Hasher, Password, PasswordHash},
    store::{StoreError, Stores, User, UserStore, memory::MemoryStore},
    user::Username,
};
use std::{collections::BTreeSet, sync::Arc};

const NOW: UnixTime = UnixTime(1_700_000_000);

/// Users who are found by their names as they were a moment ago: with this hash.
struct Lagging {
    store: Arc<MemoryStore>,
    before: PasswordHash,
}

#[async_trait]
impl Users for Lagging {
    fn memory(&self) -> &MemoryStore {
        &self.store
    }

    async fn found(&self, username: &Username) -> Result<Option<User>, StoreError> {
        let found = self.store.by_username(username).await?;
        Ok(found.map(|user| User { password: self.before.clone(), ..user }))
    }
}

/// A server whose user `ada` had the hash `before` when she was looked up, and now has `present`.
struct Scene {
    authority: Authority,
    store: Arc<MemoryStore>,
}

impl Scene {
    async fn set(before: &PasswordHash, present: &PasswordHash) -> Self {
        let store = Arc::new(MemoryStore::new());
        let users = Arc::new(Plain(Lagging { store: store.clone(), before: before.clone() }));
        let stores = Stores { users, ..Stores::of(store.clone()) };
        let environment =
            Environment::from_pairs([("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1")]);
        let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
        let clock = Arc::new(ManualClock::new(NOW));
        let authority = Authority::open(&settings, stores, clock).await.expect("opened");
        let password = Password::parse("anything at all").expect("a password");
        let user = authority
            .accounts(Actor::Server)
            .add(ada(), password, BTreeSet::new(), NOW)
            .await
            .expect("added");
        assert!(store.set_password(user.id, present).await.expect("the store answers"));
        Self { authority, store }
    }

    async fn login(&self, password: &str) -> Result<Tokens, GrantError> {
        let request = TokenRequest {
            username: Some("ada".into()),
            password: Some(password.to_owned().into()),
            ..TokenRequest::default()
        };
        self.authority.token(request, Caller::default()).await
    }

    async fn hash(&self) -> PasswordHash {
        self.store.by_username(&ada()).await.expect("the store answers").expect("a user").password
    }
}

fn ada() -> Username {
    "ada".parse().expect("a name")
}

async fn hash(password: &str) -> PasswordHash {
    let hasher = Hasher::new(Default::default(), 1).expect("a hasher");
    hasher.hash(Password::parse(password).expect("a password")).await.expect("hashed")
}

fn legacy(password: &str) -> PasswordHash {
    PasswordHash::from_stored(bcrypt::hash(password, 4).expect("hashed"))
}

#[tokio::test]
async fn whoever_logs_in_while_another_login_renews_the_hash_is_let_in() {
    let present = hash("correct horse").await;
    let scene = Scene::set(&legacy("correct horse"), &present).await;
    scene.login("correct horse").await.expect("a login");
    assert_eq!(scene.hash().await, present, "renewed already");
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_lets_nobody_in_and_stays_changed() {
    let present = hash("battery staple").await;
    for before in [legacy("correct horse"), hash("correct horse").await] {
        let scene = Scene::set(&before, &present).await;
        let answer = scene.login("correct horse").await;
        assert!(matches!(answer, Err(GrantError::InvalidGrant)), "{answer:?}");
        assert_eq!(scene.hash().await, present);
    }
}

#[tokio::test]
async fn a_login_renews_a_hash_of_another_kind_and_no_other() {
    let outdated = legacy("correct horse");
    let scene = Scene::set(&outdated, &outdated).await;
    scene.login("correct horse").await.expect("a login");
    assert!(scene.hash().await.as_stored().starts_with("$argon2id$"));

    let present = hash("correct horse").await;
    let scene = Scene::set(&present, &present).await;
    scene.login("correct horse").await.expect("a login");
    assert_eq!(scene.hash().await, present);
}

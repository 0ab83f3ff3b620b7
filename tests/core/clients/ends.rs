//! What is ended by `POST /revoke` and told of by `POST /introspect`, at the moments when that is hard
//! to say.

use super::*;
use countersign::{
    audit::Actor,
    grant::Introspection,
    keys::Keystore,
    registration::Rotation,
    store::{KeptRing, KeyRingStore},
};
use std::sync::atomic::AtomicBool;

async fn revoke(scene: &Scene, token: &str) {
    scene.here.revoke(scene.query(token)).await.expect("revoked");
}

async fn is_active(scene: &Scene, token: &str) -> bool {
    scene.here.introspect(scene.query(token)).await.expect("an answer") != Introspection::Inactive
}

/// It has not heard of it, and nobody tells it: there is no feed here.
#[tokio::test]
async fn a_session_that_has_ended_elsewhere_is_refused_here_once_it_is_revoked_here() {
    let scene = Scene::set().await;
    let tokens = scene.ask(GrantType::Password, None).await.expect("a login");
    let refresh = refresh_token(&tokens);
    let beside = scene.beside().await;
    beside.revoke(scene.query(&refresh)).await.expect("revoked");
    assert!(scene.takes(&tokens.access_token), "nobody has told");
    revoke(&scene, &refresh).await;
    assert!(!scene.takes(&tokens.access_token), "an answer is a promise, whoever has kept it");
}

// V05
#[tokio::test]
async fn a_refresh_token_that_its_client_may_not_use_any_more_is_inactive() {
    let scene = Scene::set().await;
    let tokens = scene.ask(GrantType::Password, None).await.expect("a login");
    let refresh = refresh_token(&tokens);
    assert!(is_active(&scene, &refresh).await);
    let set = |grants: &[GrantType]| {
        let grants: std::collections::BTreeSet<_> = grants.iter().copied().collect();
        let clients = scene.clients();
        async move {
            let changed = clients.set_terms(&id_of("app"), |terms| terms.grants = grants.clone()).await;
            changed.expect("changed");
        }
    };
    set(&[GrantType::Password]).await;
    let refused = scene.ask(GrantType::RefreshToken, Some(&refresh)).await;
    assert!(matches!(refused, Err(GrantError::UnauthorizedClient)));
    assert!(!is_active(&scene, &refresh).await);
    set(&GRANTS).await;
    assert!(is_active(&scene, &refresh).await, "as good as before");
    assert!(scene.ask(GrantType::RefreshToken, Some(&refresh)).await.is_ok());
}

/// Keys in memory, which cannot always be read.
struct Shut(Arc<MemoryStore>, AtomicBool);

#[async_trait]
impl KeyRingStore for Shut {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        if self.1.load(SeqCst) { Err(StoreError::Unavailable("shut".into())) } else { self.0.load().await }
    }
    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        KeyRingStore::replace(&*self.0, seen, bytes).await
    }
}

// V01, V05
#[tokio::test]
async fn a_token_whose_key_cannot_be_looked_up_is_neither_revoked_nor_inactive() {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A"),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let store = Arc::new(MemoryStore::new());
    let elsewhere = Stores::all_in(store.clone());
    let keys = Arc::new(Shut(store.clone(), AtomicBool::new(false)));
    let clock = Arc::new(ManualClock::new(NOW));
    let opened = async |stores: &Stores| Authority::open(&settings, stores.clone(), clock.clone()).await;
    let here = opened(&Stores { keys: Some(keys.clone()), ..elsewhere.clone() }).await.expect("opened");

    let secret = ClientSecret::random().expect("randomness");
    let terms =
        Terms { grants: [GrantType::ClientCredentials].into(), introspects: true, ..Terms::default() };
    let registration = Registration { id: id_of("app"), proof: Proof::Secret(secret.hash()), terms };
    here.clients(Actor::Server).expect("a store").add(registration, NOW).await.expect("registered");
    let client = || credentials("app", secret.reveal());

    // A key is revoked, another signs from now on, and this server has not heard of it.
    let keystore = Keystore::of(&settings, &elsewhere).expect("kept").expect("a keystore");
    let first = here.tokens.ring().signing(NOW).kid().to_owned();
    keystore.revoke(&first, NOW, false, settings.lives()).await.expect("revoked");
    let beside = opened(&elsewhere).await.expect("opened");
    let tokens = ask(&beside, client(), GrantType::ClientCredentials, None).await.expect("a token");
    let query = |token: &str| TokenQuery { token: Some(token.to_owned().into()), client: client() };
    keys.1.store(true, SeqCst);
    for _ in 0..3 {
        let told = here.introspect(query(&tokens.access_token)).await;
        assert!(told.is_err_and(|error| error.is_internal()), "it may well be good");
        let revoked = here.revoke(query(&tokens.access_token)).await;
        assert!(revoked.is_err_and(|error| error.is_internal()), "it has not been");
        let told = here.introspect(query("a.b.c")).await;
        assert_eq!(told.expect("an answer"), Introspection::Inactive, "that is none of any key");
    }

    keys.1.store(false, SeqCst);
    here.keys.reload().await.expect("read");
    let told = here.introspect(query(&tokens.access_token)).await.expect("an answer");
    assert!(matches!(told, Introspection::Access { .. }));
    here.revoke(query(&tokens.access_token)).await.expect("revoked");
    beside.revocations.catch_up().await.expect("the store answers");
    assert!(!takes(&beside, &clock, &tokens.access_token));
    let unknown = crate::jws::sign(crate::jws::good_header().as_bytes(), b"{}");
    let told = here.introspect(query(&unknown)).await.expect("an answer");
    assert_eq!(told, Introspection::Inactive, "what nobody has ever signed");
}

#[tokio::test]
async fn a_burst_of_revoked_tokens_is_remembered_as_long_as_it_matters_and_no_longer() {
    let scene = Scene::set().await;
    let mut tokens = vec![];
    for second in 0..50 {
        scene.clock.set(NOW.plus(Duration::from_secs(second)));
        let token = scene.ask(GrantType::ClientCredentials, None).await.expect("a token").access_token;
        assert!(scene.takes(&token));
        revoke(&scene, &token).await;
        tokens.push(token);
    }
    let beside = scene.beside().await;
    let lines = async || scene.sessions.revocations(0, 1_000).await.expect("the list").lines.len();
    assert_eq!((scene.here.revocations.denied(), beside.revocations.denied(), lines().await), (50, 50, 50));
    for token in &tokens {
        revoke(&scene, token).await;
        assert!(!scene.takes(token) && !takes(&beside, &scene.clock, token));
    }
    assert_eq!((scene.here.revocations.denied(), lines().await), (50, 50), "what is revoked is revoked once");

    // The life of a token, and a minute for clocks that differ.
    let over = NOW.plus(Duration::from_secs(900 + 60));
    // The other server read the list at second 49 and keeps all of it for as long from then.
    for (seconds, here, there) in [(0, 49, 50), (9, 40, 50), (48, 1, 50), (49, 0, 0)] {
        scene.clock.set(over.plus(Duration::from_secs(seconds)));
        for (authority, left) in [(&scene.here, here), (&beside, there)] {
            assert!(tokens.iter().all(|token| !takes(authority, &scene.clock, token)));
            authority.revocations.purge().await.expect("purged");
            assert_eq!(authority.revocations.denied(), left, "{seconds} s later");
        }
    }
    // The store keeps the list for the longest that any server may be set to, and its last line.
    assert_eq!(lines().await, 50);
    scene.clock.set(NOW.plus(Duration::from_secs(86_400 + 120 + 50)));
    scene.here.revocations.purge().await.expect("purged");
    assert_eq!(lines().await, 1);
    scene.here.revocations.catch_up().await.expect("the list goes on");
    assert_eq!(scene.here.revocations.denied(), 0);
}

#[tokio::test]
async fn a_replaced_secret_is_good_to_the_second_before_its_end() {
    let scene = Scene::set().await;
    let secret = ClientSecret::random().expect("randomness");
    let overlap = Rotation::Overlap(Duration::from_secs(60));
    scene.clients().rotate_secret(&id_of("app"), secret.hash(), overlap, NOW).await.expect("rotated");
    let answer = async |secret: &str| {
        ask(&scene.here, credentials("app", secret), GrantType::ClientCredentials, None).await.map(drop)
    };
    for (second, is_good) in [(0, true), (59, true), (60, false)] {
        scene.clock.set(NOW.plus(Duration::from_secs(second)));
        assert_eq!(answer(&scene.secret).await.is_ok(), is_good, "second {second}");
        assert!(answer(secret.reveal()).await.is_ok(), "the new one, second {second}");
    }
}

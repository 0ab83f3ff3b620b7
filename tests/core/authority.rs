//! What is made of a token request, below HTTP.

use countersign::{
    audit::Actor,
    client::ClientId,
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings, WhenStale},
    grant::{Authority, BasicCredentials, Caller, ClientCredentials, GrantError, TokenRequest},
    password::{Argon2Params, Cost, Password},
    store::{Stores, UserStore, memory::MemoryStore},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const NOW: UnixTime = UnixTime(1_700_000_000);
const PASSWORD: &str = "correct horse";

/// A server with the user `ada`, and its store.
async fn set(setting: &[(&str, &str)]) -> (Authority, Arc<MemoryStore>) {
    let key = ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
    let environment = Environment::from_pairs([&[key], setting].concat());
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(NOW)));
    let authority = Authority::open(&settings, Stores::of(store.clone()), clock).await.expect("opened");
    let password = Password::parse(PASSWORD).expect("a password");
    let ada = "ada".parse().expect("a name");
    authority.accounts(Actor::Server).add(ada, password, BTreeSet::new(), NOW).await.expect("added");
    (authority, store)
}

async fn authority() -> Authority {
    set(&[("COUNTERSIGN_ISSUER", "https://login.example")]).await.0
}

fn login() -> TokenRequest {
    TokenRequest {
        username: Some("ada".into()),
        password: Some(PASSWORD.to_owned().into()),
        ..TokenRequest::default()
    }
}

#[tokio::test]
async fn a_request_that_names_no_grant_is_told_what_is_missing() {
    let authority = authority().await;
    let both = "The parameters username and password are needed";
    for (username, password, expected) in [
        (None, None, "The parameter grant_type is missing"),
        (login().username, None, both),
        (None, login().password, both),
    ] {
        let request = TokenRequest { username, password, ..TokenRequest::default() };
        let answer = authority.token(request, Caller::default()).await;
        assert!(matches!(answer, Err(GrantError::InvalidRequest(text)) if text == expected), "{answer:?}");
    }
}

// Swagger UI and others send an empty name and secret when they have none.
#[tokio::test]
async fn empty_basic_credentials_are_none_and_half_of_them_are_some() {
    let authority = authority().await;
    for (id, secret, is_nobody) in [("", "", true), ("nobody", "", false), ("", "a secret", false)] {
        let basic = BasicCredentials { id: id.into(), secret: secret.to_owned().into() };
        let client = ClientCredentials { basic: Some(basic), ..ClientCredentials::default() };
        match authority.token(TokenRequest { client, ..login() }, Caller::default()).await {
            Ok(_) => assert!(is_nobody, "{id:?} {secret:?} is no client"),
            Err(error) => assert!(!is_nobody && matches!(error, GrantError::InvalidClient), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn the_built_in_client_may_be_named_and_nobody_else() {
    let authority = authority().await;
    for (id, is_there) in [(ClientId::first_party().as_str(), true), ("nobody", false)] {
        let client = ClientCredentials { id: Some(id.into()), ..ClientCredentials::default() };
        let answer = authority.token(TokenRequest { client, ..login() }, Caller::default()).await;
        assert_eq!(answer.is_ok(), is_there, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refresh_gets_what_it_asks_for_of_what_was_granted_and_no_more() {
    let authority = authority().await;
    let asked = Some("offline_access".to_owned());
    let request = TokenRequest { scope: asked.clone(), ..login() };
    let mut tokens = authority.token(request, Caller::default()).await.expect("a login");
    for scope in [None, asked] {
        let request = TokenRequest {
            grant_type: Some("refresh_token".into()),
            refresh_token: Some(tokens.refresh.expect("a refresh token").token),
            scope,
            ..TokenRequest::default()
        };
        tokens = authority.token(request, Caller::default()).await.expect("a refresh");
        assert_eq!(tokens.scope.as_ref().expect("a scope").to_string(), "offline_access");
    }
    let request = TokenRequest {
        grant_type: Some("refresh_token".into()),
        refresh_token: Some(tokens.refresh.expect("a refresh token").token),
        scope: Some("offline_access more".into()),
        ..TokenRequest::default()
    };
    let answer = authority.token(request, Caller::default()).await;
    assert!(matches!(answer, Err(GrantError::InvalidScope)), "{answer:?}");
}

#[tokio::test]
async fn without_word_of_revocations_tokens_are_refused_unless_the_settings_say_otherwise() {
    let mut authority = authority().await;
    assert!(authority.is_informed());
    // What was heard is older than this by the time it is asked.
    authority.revocation.max_staleness = Duration::ZERO;
    assert!(!authority.is_informed());
    authority.revocation.when_stale = WhenStale::Accept;
    assert!(authority.is_informed());
}

#[tokio::test]
async fn it_signs_in_the_name_of_the_issuer_that_was_set() {
    let authority = authority().await;
    assert_eq!(authority.tokens.issuer(), "https://login.example");
    let tokens = authority.token(login(), Caller::default()).await.expect("a login");
    authority.verify(tokens.access_token.as_bytes()).await.expect("its own token");
}

#[tokio::test]
async fn new_hashes_cost_what_is_set() {
    let costs = [("COUNTERSIGN_PASSWORD__MEMORY_KIB", "7168"), ("COUNTERSIGN_PASSWORD__ITERATIONS", "5")];
    let (_, store) = set(&costs).await;
    let ada = store.by_username(&"ada".parse().expect("a name")).await.expect("found").expect("a user");
    assert_eq!(ada.password.cost(), Some(Cost::Argon2id(Argon2Params::new(7_168, 5, 1).expect("good"))));
}

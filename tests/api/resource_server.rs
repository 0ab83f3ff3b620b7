//! A resource server beside ours: it takes our tokens, and no longer than we do.

use crate::{
    backing::{Backing, on_every_store},
    clients::{SCOPES, login_through, register, revoke, service, token_of_service},
    http::Request,
    keys::{kid, pause},
    server::Server,
    servers::Redis,
};
use countersign::{
    Verifier,
    jwt::JwtError,
    verifier::{Builder, VerifyError},
};
use std::{process::Command, time::Duration};
use tokio::{runtime::Runtime, task::JoinHandle};

const SECRET: &str = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";
const UNKNOWN_KEY: VerifyError = VerifyError::Token(JwtError::UnknownKey);

/// A server whose revocations can be followed, with keys that rotate and the user `ada`.
fn issuer(on: &Backing) -> Server {
    let server = on.start_with(&settings());
    server.user("ada", &[]);
    server
}

fn settings() -> [(&'static str, &'static str); 6] {
    [
        SCOPES,
        ("COUNTERSIGN_SIGNING_KEY", ""),
        ("COUNTERSIGN_KEYS__STORE", "file:keys.json"),
        ("COUNTERSIGN_KEYS__MAX_AGE", "1"),
        ("COUNTERSIGN_KEYS__ANNOUNCE", "2"),
        ("COUNTERSIGN_REVOCATION__FEED_SECRET", SECRET),
    ]
}

fn builder(server: &Server) -> Builder {
    Verifier::builder(&format!("http://{}/.well-known/jwks.json", server.address))
        .issuer("countersign")
        .audience("countersign")
        .revocations(&format!("http://{}/revocations", server.address), SECRET)
        // So that only what is told, and no chance, changes the keys.
        .refresh_every(Duration::from_secs(3_600))
        .cool_down(Duration::from_secs(3_600))
}

/// A resource server: its verifier follows until it is dropped.
struct Follower {
    verifier: Verifier,
    runtime: Runtime,
    following: JoinHandle<()>,
}

impl Follower {
    fn start(builder: Builder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let verifier = builder.build().expect("a verifier");
        let follower = verifier.clone();
        let following = runtime.spawn(async move { match follower.follow().await {} });
        Self { verifier, runtime, following }
    }

    fn verdict(&self, token: &str) -> Result<(), VerifyError> {
        self.runtime.block_on(self.verifier.verify(token.as_bytes())).map(drop)
    }

    /// Waits for what is promised within a second; a few, for a crowded machine.
    #[track_caller]
    fn comes_to(&self, token: &str, verdict: Result<(), VerifyError>) {
        let came = (0..100).any(|_| {
            let came = self.verdict(token) == verdict;
            if !came {
                pause(50);
            }
            came
        });
        assert!(came, "{verdict:?} and not {:?}", self.verdict(token));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.following.abort();
    }
}

on_every_store!(
    what_is_revoked_is_refused_here_too,
    what_clients_lose_is_refused_here_too,
    a_revoked_key_is_refused_here_too,
);

fn what_is_revoked_is_refused_here_too(on: &Backing) {
    let server = issuer(on);
    let follower = Follower::start(builder(&server));
    let (one, other) = (server.login("ada"), server.login("ada"));
    follower.comes_to(&one, Ok(()));
    follower.comes_to(&other, Ok(()));
    assert!(follower.verifier.is_ready());

    assert_eq!(server.send(Request::post("/logout").bearer(&one)).status, 204);
    follower.comes_to(&one, Err(VerifyError::Revoked));
    assert_eq!(follower.verdict(&other), Ok(()));
    // By another process, and all of a user's.
    server.cli(&["user", "disable", "ada"], "");
    follower.comes_to(&other, Err(VerifyError::Revoked));
    assert!(follower.verifier.lag().is_some(), "it is measured");
    // One that starts only now hears of it too.
    let late = Follower::start(builder(&server));
    late.comes_to(&one, Err(VerifyError::Revoked));
    late.comes_to(&other, Err(VerifyError::Revoked));
}

/// Whichever of two servers on one store has issued and revoked it; one of them is followed.
fn what_clients_lose_is_refused_here_too(on: &Backing) {
    let server = issuer(on);
    let keys = format!("file:{}", server.folder.path().join("keys.json").display());
    let mut same_keys = settings().to_vec();
    same_keys.push(("COUNTERSIGN_KEYS__STORE", &keys));
    let beside = on.start_beside(&server, &same_keys);
    let follower = Follower::start(builder(&server));
    let secret = service(&server, "worker", &[]);
    register(&server, "web", &["--public", "--scope", "items"]);
    let (web, worker) = (("web", ""), ("worker", &*secret));
    let tokens = |issuer: &Server| {
        let tokens = [login_through(issuer, "web", "items").0, token_of_service(issuer, worker, "items")];
        tokens.iter().for_each(|token| follower.comes_to(token, Ok(())));
        tokens
    };
    let revoked = |tokens: &[String]| {
        tokens.iter().for_each(|token| follower.comes_to(token, Err(VerifyError::Revoked)));
    };
    let both = |arguments: &[&str]| {
        for client in ["web", "worker"] {
            server.cli(&[&["client", arguments[0], client], &arguments[1..]].concat(), "");
        }
    };
    for (issuer, life) in [(&server, "60"), (&beside, "50")] {
        let [single, kept] = [(); 2].map(|()| tokens(issuer));
        for (client, token) in [web, worker].into_iter().zip(&single) {
            assert_eq!(revoke(issuer, client, &[("token", token)]).status, 200);
        }
        revoked(&single);
        assert!(kept.iter().all(|token| follower.verdict(token) == Ok(())), "a token is revoked alone");
        both(&["set", "--access-ttl", life]);
        revoked(&kept);
    }
    let before = [&server, &beside].map(tokens).concat();
    both(&["disable"]);
    revoked(&before);
    both(&["enable"]);
    for issuer in [&server, &beside] {
        tokens(issuer);
    }
    revoked(&before);
}

fn a_revoked_key_is_refused_here_too(on: &Backing) {
    let server = issuer(on);
    let follower = Follower::start(builder(&server));
    let token = server.login("ada");
    follower.comes_to(&token, Ok(()));
    server.cli(&["keys", "revoke", &kid(&token)], "");
    follower.comes_to(&token, Err(UNKNOWN_KEY));
    // The new key is known without anybody's asking for it.
    follower.comes_to(&server.login("ada"), Ok(()));
}

#[test]
fn without_word_of_what_was_revoked_tokens_are_taken_for_a_while_and_then_refused() {
    let server = issuer(&Backing::sqlite());
    let follower = Follower::start(builder(&server).max_staleness(Duration::from_secs(3)));
    let token = server.login("ada");
    follower.comes_to(&token, Ok(()));
    let signal = |signal: &str| {
        let killed = Command::new("kill").args([signal, &server.pid().to_string()]).status();
        assert!(killed.expect("kill runs").success());
    };
    signal("-STOP");
    pause(1000);
    assert_eq!(follower.verdict(&token), Ok(()), "a moment's silence is no harm");
    follower.comes_to(&token, Err(VerifyError::NoWord));
    assert!(!follower.verifier.is_ready());
    signal("-CONT");
    follower.comes_to(&token, Ok(()));
}

#[test]
fn who_does_not_know_the_secret_hears_nothing_and_takes_nothing() {
    let server = issuer(&Backing::sqlite());
    let token = server.login("ada");
    let url = format!("http://{}/revocations", server.address);
    for secret in [&SECRET[1..], "x", &token] {
        let follower = Follower::start(builder(&server).revocations(&url, secret));
        // By then it has its keys, and would take the token if it were not for the feed.
        follower.comes_to(&token, Err(VerifyError::NoWord));
        pause(700);
        assert_eq!(follower.verdict(&token), Err(VerifyError::NoWord));
    }
    let elsewhere = format!("http://{}/health/live", server.address);
    let follower = Follower::start(builder(&server).revocations(&elsewhere, SECRET));
    follower.comes_to(&token, Err(VerifyError::NoWord));
}

// F02
#[test]
fn when_the_issuers_store_loses_its_memory_tokens_from_before_are_refused_here_too() {
    let redis = Redis::start();
    let on = [("COUNTERSIGN_REDIS_URL", redis.url())];
    let settings: Vec<_> =
        settings().into_iter().chain(on.iter().map(|(name, url)| (*name, &**url))).collect();
    let server = Server::start_with(&settings);
    server.user("ada", &[]);
    let secret = service(&server, "worker", &[]);
    let follower = Follower::start(builder(&server));
    let own = || token_of_service(&server, ("worker", &secret), "items");
    let tokens = [server.login("ada"), own()];
    tokens.iter().for_each(|token| follower.comes_to(token, Ok(())));
    redis.command(&["FLUSHALL"]);
    tokens.iter().for_each(|token| follower.comes_to(token, Err(VerifyError::Revoked)));
    for token in [server.login("ada"), own()] {
        follower.comes_to(&token, Ok(()));
    }
}

#[test]
fn a_feed_that_could_not_be_right_is_refused_when_it_is_set() {
    let base = || Verifier::builder("https://a.example/jwks").issuer("i").audience("a");
    for (url, secret) in [
        ("", SECRET),
        ("/revocations", SECRET),
        ("http://a.example/revocations", SECRET),
        ("https://a.example/revocations?from=0", SECRET),
        ("https://u:p@a.example/revocations", SECRET),
        ("https://a.example/revocations", ""),
        ("https://a.example/revocations", "two words"),
    ] {
        let error = base().revocations(url, secret).build().expect_err("refused").to_string();
        assert!(error.starts_with("revocations: "), "{url}: {error}");
        assert!(!error.contains(SECRET), "{error}");
    }
    assert!(base().revocations("https://a.example/revocations", SECRET).build().is_ok());
    let error = base().max_staleness(Duration::ZERO).build().expect_err("refused").to_string();
    assert!(error.starts_with("max_staleness: "), "{error}");
}

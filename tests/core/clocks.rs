//! Clocks that step, and instances whose clocks differ.

use crate::{
    PASSWORD,
    stores::{new_namespace, redis},
};
use countersign::{
    audit::Actor,
    clock::{Clock, ManualClock, SystemClock, UnixTime},
    config::{Environment, Settings},
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    keys::KeysError,
    password::Password,
    stage,
    store::{Stores, memory::MemoryStore},
};
use rocket::{async_test, error::ErrorKind, http::Status, local::asynchronous::Client};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

const NOW: UnixTime = UnixTime(1_700_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

struct Instance {
    authority: Authority,
    clock: Arc<ManualClock>,
}

impl Instance {
    async fn on(stores: &Stores, now: UnixTime, leeway: &str) -> Self {
        let pairs =
            [("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"), ("COUNTERSIGN_LEEWAY", leeway)];
        let settings = Settings::load(&rocket::Config::figment(), Environment::from_pairs(pairs));
        let clock = Arc::new(ManualClock::new(now));
        let settings = settings.expect("good settings");
        let authority = Authority::open(&settings, stores.clone(), clock.clone()).await.expect("opened");
        Self { authority, clock }
    }

    async fn login(&self) -> Tokens {
        let request = TokenRequest {
            username: Some("ada".into()),
            password: Some(PASSWORD.to_owned().into()),
            scope: Some("offline_access".into()),
            ..TokenRequest::default()
        };
        self.authority.token(request, Caller::default()).await.expect("a login")
    }

    async fn refresh(&self, token: &str) -> Result<Tokens, GrantError> {
        let request = TokenRequest {
            grant_type: Some("refresh_token".into()),
            refresh_token: Some(token.to_owned().into()),
            ..TokenRequest::default()
        };
        self.authority.token(request, Caller::default()).await
    }

    fn takes(&self, tokens: &Tokens) -> bool {
        let now = self.clock.now();
        let claims = self.authority.tokens.verify(tokens.access_token.as_bytes(), now);
        claims.is_ok_and(|claims| !self.authority.revocations.denies(&claims))
    }
}

fn refresh_token(tokens: &Tokens) -> String {
    tokens.refresh.as_ref().expect("a refresh token").token.to_string()
}

async fn stores_with_ada() -> Stores {
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let instance = Instance::on(&stores, NOW, "0").await;
    let password = Password::parse(PASSWORD).expect("a password");
    let name = "ada".parse().expect("a name");
    instance
        .authority
        .accounts(Actor::Server)
        .add(name, password, Default::default(), NOW)
        .await
        .expect("added");
    stores
}

// F07
#[tokio::test]
async fn a_clock_that_steps_by_an_hour_neither_panics_nor_doubles_a_token() {
    let stores = stores_with_ada().await;
    let instance = Instance::on(&stores, NOW, "0").await;
    let mut last = instance.login().await;
    let mut seen = vec![refresh_token(&last)];
    for now in [NOW.plus(HOUR), NOW, NOW.minus(HOUR), NOW.plus(HOUR), NOW] {
        instance.clock.set(now);
        last = instance.refresh(&refresh_token(&last)).await.expect("the current token is good");
        assert!(instance.takes(&last), "what was just issued is good");
        let token = refresh_token(&last);
        assert!(!seen.contains(&token), "generations are counted, not timed");
        seen.push(token);
    }
    for end in [0, u64::MAX, u64::MAX / 2] {
        instance.clock.set(UnixTime(end));
        // It may be over or not, but nothing overflows.
        let _ = instance.refresh(&refresh_token(&last)).await;
        let _ = instance.takes(&last);
        instance.authority.revocations.purge().await.expect("purged");
    }
}

// F07
#[tokio::test]
async fn instances_whose_clocks_differ_agree_within_the_leeway_and_no_further() {
    let stores = stores_with_ada().await;
    let ahead = Instance::on(&stores, NOW.plus(Duration::from_secs(30)), "0").await;
    let early = ahead.login().await;
    for (leeway, agrees) in [("0", false), ("29", false), ("30", true), ("60", true)] {
        let instance = Instance::on(&stores, NOW, leeway).await;
        assert_eq!(instance.takes(&early), agrees, "issued 30 s ahead, with a leeway of {leeway} s");
        let late = instance.login().await;
        ahead.clock.set(NOW.plus(Duration::from_secs(900)));
        assert!(!ahead.takes(&late), "expired there on the second, with a leeway of 0 s");
        ahead.clock.set(NOW.plus(Duration::from_secs(30)));
        let next = instance.refresh(&refresh_token(&late)).await.expect("the current token is good");
        assert!(ahead.refresh(&refresh_token(&next)).await.is_ok(), "rotation does not mind");
    }
}

#[tokio::test]
async fn what_was_revoked_stays_refused_for_as_long_as_a_late_clock_would_take_it() {
    let stores = stores_with_ada().await;
    let instance = Instance::on(&stores, NOW, "60").await;
    let (kept, revoked) = (instance.login().await, instance.login().await);
    let claims = instance.authority.tokens.verify(revoked.access_token.as_bytes(), NOW).expect("good");
    let id = claims.token_id().parse().expect("an id");
    instance.authority.revocations.token(id).await.expect("revoked");
    // A token is good for 900 seconds and the leeway.
    instance.clock.set(NOW.plus(Duration::from_secs(959)));
    instance.authority.revocations.purge().await.expect("purged");
    assert!(instance.takes(&kept) && !instance.takes(&revoked));
    instance.clock.set(NOW.plus(Duration::from_secs(960)));
    assert!(!instance.takes(&kept));
}

/// How far a clock is ahead that somebody has set wrong.
const HUNDRED_DAYS: Duration = Duration::from_secs(100 * 86_400);

#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_makes_no_revoked_token_good_again() {
    let stores = stores_with_ada().await;
    let instance = Instance::on(&stores, NOW, "5").await;
    let [kept, token, session, user] =
        [instance.login().await, instance.login().await, instance.login().await, instance.login().await];
    let claims = |tokens: &Tokens| {
        instance.authority.tokens.verify(tokens.access_token.as_bytes(), NOW).expect("a good token")
    };
    let revocations = &instance.authority.revocations;
    revocations.token(claims(&token).token_id().parse().expect("an id")).await.expect("revoked");
    revocations.session(claims(&session).session_id().parse().expect("an id")).await.expect("revoked");
    let revoked = [&token, &session];
    assert!(instance.takes(&kept) && revoked.iter().all(|tokens| !instance.takes(tokens)));

    // One that starts just then reads the list by the wrong clock.
    let started = Instance::on(&stores, NOW.plus(HUNDRED_DAYS), "5").await;
    instance.clock.jump(NOW.plus(HUNDRED_DAYS));
    instance.authority.keys.forget();
    revocations.purge().await.expect("purged");
    assert!(!instance.takes(&kept), "by that clock it has expired");
    for instance in [&instance, &started] {
        instance.clock.jump(NOW);
        assert!(revoked.iter().all(|tokens| !instance.takes(tokens)), "a revoked token is taken");
    }
    assert!(instance.takes(&kept) && instance.takes(&user));
    revocations.user(claims(&user).subject().parse().expect("an id")).await.expect("revoked");
    instance.clock.jump(NOW.plus(HUNDRED_DAYS));
    revocations.purge().await.expect("purged");
    instance.clock.jump(NOW);
    assert!(!instance.takes(&user) && !instance.takes(&kept));
}

#[tokio::test]
async fn no_cache_takes_a_token_after_its_end_however_the_clock_jumps() {
    let stores = stores_with_ada().await;
    let instance = Instance::on(&stores, NOW, "0").await;
    let tokens = instance.login().await;
    let end = NOW.plus(Duration::from_secs(900));
    for (now, is_taken) in [
        (NOW, true),
        (NOW.plus(HUNDRED_DAYS), false),
        (end.minus(Duration::from_secs(1)), true),
        (end, false),
        (NOW.minus(HUNDRED_DAYS), false),
        (end, false),
    ] {
        instance.clock.jump(now);
        for _ in 0..2 {
            assert_eq!(instance.takes(&tokens), is_taken, "at {now}");
            instance.authority.keys.forget();
        }
    }
}

/// A server of its own clock, whose users are in memory and whose sessions are in Redis.
async fn served(clock: &Arc<ManualClock>) -> Result<Client, rocket::Error> {
    let settings = Settings::load(
        &rocket::Config::figment(),
        Environment::from_pairs([
            ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
            ("COUNTERSIGN_METRICS", "on"),
        ]),
    );
    let sessions = redis(&new_namespace()).await;
    let stores = Stores { sessions, ..Stores::of(Arc::new(MemoryStore::new())) };
    let stage = stage().settings(settings.expect("good settings")).stores(stores).clock(clock.clone());
    Client::untracked(rocket::build().attach(stage)).await
}

/// Waits until it is of this status: the stores are asked once a second at most.
async fn becomes(client: &Client, expected: Status) -> Value {
    for _ in 0..200 {
        let reply = client.get("/health/ready").dispatch().await;
        if reply.status() == expected {
            return serde_json::from_str(&reply.into_string().await.expect("a body")).expect("JSON");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not become {expected}");
}

#[async_test]
async fn a_server_whose_clock_is_not_the_stores_does_not_start() {
    for off in [HUNDRED_DAYS, Duration::from_secs(120)] {
        for now in [SystemClock.now().plus(off), SystemClock.now().minus(off)] {
            let refused = served(&Arc::new(ManualClock::new(now))).await;
            let error = refused.err().unwrap_or_else(|| panic!("it started, {} s off", off.as_secs()));
            assert!(matches!(error.kind(), ErrorKind::FailedFairings(_)), "{error}");
        }
    }
    assert!(served(&Arc::new(ManualClock::new(SystemClock.now()))).await.is_ok());
}

#[async_test]
async fn a_server_whose_clock_goes_wrong_is_not_ready_until_it_is_right() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let client = served(&clock).await.expect("it starts");
    let body = becomes(&client, Status::Ok).await;
    assert_eq!(body["clock"]["state"], "up", "{body}");
    for wrong in [SystemClock.now().plus(HUNDRED_DAYS), SystemClock.now().minus(HUNDRED_DAYS)] {
        clock.jump(wrong);
        let body = becomes(&client, Status::ServiceUnavailable).await;
        assert_eq!(body["clock"]["state"], "off", "{body}");
        let apart = body["clock"]["difference_s"].as_u64().expect("seconds");
        assert!(apart.abs_diff(HUNDRED_DAYS.as_secs()) < 60, "{body}");
        clock.jump(SystemClock.now());
        becomes(&client, Status::Ok).await;
    }
}

#[tokio::test]
async fn keys_rotate_only_while_the_clocks_agree() {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A"),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let memory = Stores::all_in(Arc::new(MemoryStore::new()));
    let shared =
        Stores { sessions: redis(&new_namespace()).await, ..Stores::all_in(Arc::new(MemoryStore::new())) };
    for (stores, has_clock) in [(shared, true), (memory, false)] {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let authority = Authority::open(&settings, stores, clock.clone()).await.expect("opened");
        let keys = || authority.keys.tokens().ring().keys().len();
        authority.keys.tend().await.expect("nothing is due");
        assert_eq!(keys(), 1);
        clock.jump(SystemClock.now().plus(HUNDRED_DAYS));
        let tended = authority.keys.tend().await;
        if has_clock {
            assert!(matches!(tended, Err(KeysError::ClocksDiffer(_))), "{tended:?}");
            assert_eq!(keys(), 1, "nothing has changed");
        } else {
            tended.expect("by that clock a successor is due, and there is no other");
            assert_eq!(keys(), 2);
        }
    }
}

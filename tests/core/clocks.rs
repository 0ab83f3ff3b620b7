//! Clocks that step, and instances whose clocks differ.

use crate::PASSWORD;
use countersign::{
    audit::Actor,
    clock::{ManualClock, UnixTime},
    config::{Environment, Settings},
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    password::Password,
    store::{Stores, memory::MemoryStore},
};
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
        let now = countersign::clock::Clock::now(&self.clock);
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

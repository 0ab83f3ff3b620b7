//! How many passwords may be guessed, by an artificial clock and without hashing.

mod clocks;
mod device;
mod forgotten;
mod login;
mod own;
mod policy;
mod reserve;

use countersign::{
    audit::Trail,
    clock::{Clock, ManualClock, UnixTime},
    config::{Environment, Settings},
    keys::Keys,
    store::{AttemptStore, LocalAttempts, Stores, memory::MemoryStore},
    throttle::{DeviceId, Guesser, Outcome, Throttle, ThrottleError, TooMany},
    user::Username,
};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

const NOW: UnixTime = UnixTime(1_700_000_000);
const KEY: (&str, &str) = ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let usual = [KEY].into_iter().filter(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    let environment = Environment::from_pairs(usual.chain(pairs.iter().copied()));
    Settings::load(&rocket::Config::figment(), environment).expect("good settings")
}

async fn throttle(store: Arc<dyn AttemptStore>, clock: Arc<dyn Clock>, pairs: &[(&str, &str)]) -> Throttle {
    let settings = settings(pairs);
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let trail = Trail::open(None, clock.clone()).await.expect("a trail");
    let keys = Keys::open(&settings, &stores, clock.clone(), &trail).await.expect("a key");
    Throttle::new(store, settings.login, Arc::new(keys), clock)
}

/// What counts, and the clock that it counts by.
struct Scene {
    throttle: Throttle,
    clock: Arc<ManualClock>,
}

impl Scene {
    async fn set(pairs: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        Self::on(Arc::new(LocalAttempts::new(clock.clone())), clock, pairs).await
    }

    async fn on(store: Arc<dyn AttemptStore>, clock: Arc<ManualClock>, pairs: &[(&str, &str)]) -> Self {
        Self { throttle: throttle(store, clock.clone(), pairs).await, clock }
    }

    async fn guess(&self, guesser: Guesser<'_>, outcome: Outcome) -> Result<(), TooMany> {
        match self.throttle.login(guesser).await {
            Ok(guess) => {
                self.throttle.end(guess, outcome).await;
                Ok(())
            }
            Err(ThrottleError::TooMany(too_many)) => Err(too_many),
            Err(error) => panic!("{error}"),
        }
    }

    async fn wrong(&self, username: &str, address: &str) -> Result<(), TooMany> {
        self.guess(guesser(username, address), Outcome::Wrong).await
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn guesser<'g>(username: &'g str, address: &str) -> Guesser<'g> {
    Guesser { username, address: Some(address.parse().expect("an address")), device: None }
}

/// How long somebody has to wait, and why.
fn waits(answer: Result<(), TooMany>) -> (&'static str, u64) {
    let too_many = answer.expect_err("too many");
    (too_many.limit, too_many.wait.as_secs())
}

#[tokio::test]
async fn five_failures_are_free_and_each_further_one_waits_twice_as_long() {
    let scene = Scene::set(&[]).await;
    for at in 0..5 {
        scene.wrong("ada", &format!("192.0.2.{at}")).await.expect("free");
    }
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
        assert_eq!(waits(scene.wrong("ada", "192.0.2.9").await), ("account", delay));
        scene.wait(delay - 1);
        assert_eq!(waits(scene.wrong("ada", "192.0.2.9").await), ("account", 1));
        scene.wait(1);
        scene.wrong("ada", "192.0.2.9").await.expect("it has waited");
    }
    // One was forgotten meanwhile; so from here on, whoever does not stop waits some ten minutes each time.
    assert_eq!(waits(scene.wrong("ada", "192.0.2.9").await), ("account", 512));
    scene.wait(24 * 3_600);
    for _ in 0..5 {
        scene.wrong("ada", "192.0.2.9").await.expect("forgotten");
    }
    assert_eq!(waits(scene.wrong("ada", "192.0.2.9").await), ("account", 1), "but for those");
}

#[tokio::test]
async fn in_a_day_nobody_guesses_more_often_than_is_said() {
    let scene = Scene::set(&[]).await;
    let (mut guesses, end) = (0, NOW.plus(Duration::from_secs(86_400)));
    while scene.clock.now() < end {
        match scene.wrong("ada", "192.0.2.1").await {
            Ok(()) => guesses += 1,
            Err(too_many) => scene.wait(too_many.wait.as_secs()),
        }
    }
    assert!((100..=117).contains(&guesses), "5 + log2(900) + 2 + 100 at most, and not {guesses}");
}

#[tokio::test]
async fn whoever_is_right_has_failed_at_nothing() {
    let scene = Scene::set(&[("COUNTERSIGN_LOGIN__ADDRESS_FREE", "2")]).await;
    for _ in 0..300 {
        scene.guess(guesser("ada", "192.0.2.1"), Outcome::Right).await.expect("right");
        scene.guess(guesser("eve", "192.0.2.1"), Outcome::Unknown).await.expect("nobody knows");
    }
    scene.wrong("ada", "192.0.2.1").await.expect("free");
    scene.wrong("eve", "192.0.2.1").await.expect("free");
    assert_eq!(waits(scene.wrong("bob", "192.0.2.1").await), ("address", 1));
}

#[tokio::test]
async fn one_account_is_one_however_it_is_spelt_and_what_is_no_name_is_none() {
    let scene = Scene::set(&[]).await;
    for name in ["ada", "ADA", "Ada", "\u{ff41}da", "aDa"] {
        scene.wrong(name, "192.0.2.1").await.expect("free");
    }
    assert_eq!(waits(scene.wrong("ada", "192.0.2.1").await), ("account", 1));
    for at in 0..94 {
        scene.wrong("not a name", "192.0.2.1").await.unwrap_or_else(|many| panic!("{at}: {many}"));
    }
    scene.wrong("nor\u{202e}this", "192.0.2.1").await.expect("the hundredth");
    assert_eq!(waits(scene.wrong("not a name", "192.0.2.1").await), ("address", 1));
}

#[tokio::test]
async fn an_address_is_what_one_customer_has() {
    let few = [("COUNTERSIGN_LOGIN__ADDRESS_FREE", "1")];
    for (one, same, other) in [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"),
        ("::1", "::192.0.2.1", "0.0.0.1"),
    ] {
        let scene = Scene::set(&few).await;
        scene.wrong("a", one).await.expect("free");
        assert_eq!(waits(scene.wrong("b", same).await).0, "address", "{same}");
        scene.wrong("b", other).await.expect("another's");
    }
}

#[tokio::test]
async fn a_refused_guess_counts_nowhere() {
    let scene = Scene::set(&[("COUNTERSIGN_LOGIN__ADDRESS_FREE", "10")]).await;
    for at in 0..5 {
        scene.wrong("ada", &format!("192.0.2.{at}")).await.expect("free");
    }
    for _ in 0..50 {
        assert_eq!(waits(scene.wrong("ada", "192.0.2.99").await).0, "account");
    }
    for at in 0..10 {
        scene.wrong(&format!("user{at}"), "192.0.2.99").await.expect("it has not been counted");
    }
}

#[tokio::test]
async fn other_keys_count_anew_and_no_key_of_the_store_says_what_it_is() {
    let clock = Arc::new(ManualClock::new(NOW));
    let store = Arc::new(LocalAttempts::new(clock.clone()));
    let here = Scene::on(store.clone(), clock.clone(), &[]).await;
    let other = ("COUNTERSIGN_SIGNING_KEY", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A");
    let there = Scene::on(store, clock, &[other]).await;
    for _ in 0..5 {
        here.wrong("ada", "192.0.2.1").await.expect("free");
    }
    there.wrong("ada", "192.0.2.1").await.expect("nobody without the key finds what was counted");
    assert_eq!(waits(here.wrong("ada", "192.0.2.1").await).0, "account");
}

#[tokio::test]
async fn what_is_over_is_removed() {
    let scene = Scene::set(&[]).await;
    for at in 0..60 {
        scene.wrong(&format!("user{at}"), &format!("192.0.2.{at}")).await.expect("free");
    }
    assert_eq!(scene.throttle.purge().await.expect("purged"), 0);
    scene.wait(86_400);
    assert_eq!(
        scene.throttle.purge().await.expect("purged"),
        241,
        "accounts, addresses, failures of both, and all"
    );
}

#[test]
fn limits_that_would_not_hold_are_refused() {
    for (name, value, expected) in [
        ("LIMITS", "yes", "LIMITS: must be on or off"),
        ("ACCOUNT_FREE", "0", "ACCOUNT_FREE: must be a whole number from 1 to 1000000"),
        ("GLOBAL_PER_DAY", "0", "GLOBAL_PER_DAY: must be a whole number from 1 to 100000000"),
        (
            "ACCOUNT_PER_DAY",
            "95",
            "LONGEST_DELAY: must be at least the 86400 seconds of a day divided by each",
        ),
        (
            "LONGEST_DELAY",
            "863",
            "LONGEST_DELAY: must be at least the 86400 seconds of a day divided by each",
        ),
        ("FIRST_DELAY", "901", "FIRST_DELAY: must not be longer than LOGIN__LONGEST_DELAY"),
        ("KNOWN_DEVICE", "-1", "KNOWN_DEVICE: must be a whole number from 0 to 34560000"),
        ("FREE", "5", "FREE: is not a setting"),
    ] {
        let found = crate::settings::refused(&[(&format!("COUNTERSIGN_LOGIN__{name}"), value)]);
        let expected = format!("COUNTERSIGN_LOGIN__{expected}");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    }
}

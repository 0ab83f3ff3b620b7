//! Servers whose clocks differ, on one store.

use super::*;
use crate::stores::{new_database, new_namespace, postgres, redis, sqlite};
use countersign::{clock::SystemClock, store::sqlite::SqliteStore};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{sync::atomic::AtomicU32, time::Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How far clocks may differ by default, in milliseconds.
const LEEWAY: u64 = 5_000;

/// The system's clock, late by some milliseconds.
#[derive(Default)]
struct Late(AtomicU64);

impl Clock for Late {
    fn now(&self) -> UnixTime {
        UnixTime(self.now_ms() / 1_000)
    }

    fn now_ms(&self) -> u64 {
        SystemClock.now_ms() - self.0.load(SeqCst)
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A user logs in at one of the servers, who has failed so often before.
    Honest { server: usize, user: usize, failures: usize },
    /// An attacker guesses.
    Guess { server: usize },
    /// The second server's clock is late by this many milliseconds from now on.
    Late(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_usize, 0..3_usize, 0..4_usize)
            .prop_map(|(server, user, failures)| Step::Honest { server, user, failures }),
        2 => (0..2_usize).prop_map(|server| Step::Guess { server }),
        1 => (0..=LEEWAY).prop_map(Step::Late),
    ]
}

/// No correct login is ever refused, and no more guesses pass than may.
fn limits_hold(stores: [Arc<dyn AttemptStore>; 2], late: Arc<Late>, runtime: &Runtime) {
    static CASE: AtomicU32 = AtomicU32::new(0);
    let clocks: [Arc<dyn Clock>; 2] = [Arc::new(SystemClock), late.clone()];
    let servers = [0, 1].map(|at| runtime.block_on(throttle(stores[at].clone(), clocks[at].clone(), &[])));
    let guess = |server: usize, name: &str, address: &str, outcome| {
        runtime.block_on(async {
            let guess = servers[server].login(guesser(name, address)).await?;
            servers[server].end(guess, outcome).await;
            Ok::<_, ThrottleError>(())
        })
    };
    let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
    let checked = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        let case = CASE.fetch_add(1, SeqCst);
        let address = |of: usize| format!("10.{}.{}.{of}", case >> 8, case & 255);
        let (began, mut guesses) = (Instant::now(), 0);
        for step in steps {
            match step {
                Step::Honest { server, user, failures } => {
                    let name = format!("user{user}.{case}");
                    for _ in 0..failures {
                        guess(server, &name, &address(user), Outcome::Wrong).expect("fewer than are free");
                    }
                    let answer = guess(1 - server, &name, &address(user), Outcome::Right);
                    prop_assert!(answer.is_ok(), "{answer:?}");
                }
                Step::Guess { server } => {
                    let name = format!("attacked.{case}");
                    guesses += u32::from(guess(server, &name, &address(99), Outcome::Wrong).is_ok());
                }
                Step::Late(by) => late.0.store(by, SeqCst),
            }
        }
        // Five, one a second later, one two seconds after that, and so on.
        let elapsed = began.elapsed() + Duration::from_millis(LEEWAY);
        let most = 6.0 + (elapsed.as_secs_f64() + 1.0).log2();
        prop_assert!(f64::from(guesses) <= most, "{guesses} > {most}");
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn clocks_that_differ_refuse_no_correct_login_in_memory() {
    let store = Arc::new(MemoryStore::new());
    limits_hold([store.clone(), store], Arc::default(), &Runtime::new().expect("a runtime"));
}

#[test]
fn clocks_that_differ_refuse_no_correct_login_in_sqlite() {
    let (folder, runtime) = (TempDir::new().expect("a folder"), Runtime::new().expect("a runtime"));
    let (path, late) = (folder.path().join("attempts.db"), Arc::new(Late::default()));
    // Here the clock of the process is the store's.
    let stores = runtime.block_on(async {
        let behind = SqliteStore::clone(&*sqlite(&path).await).with_clock(late.clone());
        [sqlite(&path).await as _, Arc::new(behind) as _]
    });
    limits_hold(stores, late, &runtime);
}

#[test]
fn clocks_that_differ_refuse_no_correct_login_in_postgres() {
    let (url, runtime) = (new_database(), Runtime::new().expect("a runtime"));
    let stores = runtime.block_on(async { [postgres(&url).await as _, postgres(&url).await as _] });
    limits_hold(stores, Arc::default(), &runtime);
}

#[test]
fn clocks_that_differ_refuse_no_correct_login_in_redis() {
    let (namespace, runtime) = (new_namespace(), Runtime::new().expect("a runtime"));
    let stores = runtime.block_on(async { [redis(&namespace).await as _, redis(&namespace).await as _] });
    limits_hold(stores, Arc::default(), &runtime);
}

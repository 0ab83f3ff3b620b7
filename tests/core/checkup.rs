//! What is said of how the stores are set up, as the server asks for it when it starts.

use crate::{
    servers::Redis,
    stores::{new_database, new_namespace, postgres, redis},
};
use countersign::{
    clock::{Clock, ManualClock, SystemClock, UnixTime},
    store::{Finding, SessionStore, Severity, Stores, UserStore, memory::MemoryStore, redis::RedisStore},
};
use std::{sync::Arc, time::Duration};

const LEEWAY: Duration = Duration::from_secs(5);

/// Half a minute after what the stores' clocks say: more than the leeway, and not too much to start.
fn late() -> UnixTime {
    SystemClock.now().plus(Duration::from_secs(30))
}

fn about_clocks(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.text.contains("clock")).count()
}

#[test]
fn a_finding_is_shown_by_its_text() {
    assert_eq!(Finding::warning("mind the gap").to_string(), "mind the gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_store_is_asked_and_none_twice() {
    let (users, sessions) = (postgres(&new_database()).await, redis(&new_namespace()).await);
    for found in [
        UserStore::checkup(&*users, late(), LEEWAY).await,
        SessionStore::checkup(&*users, late(), LEEWAY).await,
        SessionStore::checkup(&*sessions, late(), LEEWAY).await,
        Stores::of(users.clone()).checkup(late(), LEEWAY).await,
    ] {
        let found = found.expect("it answers");
        assert_eq!(about_clocks(&found), 1, "{found:?}");
    }
    let stores = Stores { sessions, ..Stores::of(users) };
    let found = stores.checkup(late(), LEEWAY).await.expect("they answer");
    assert_eq!(about_clocks(&found), 2, "{found:?}");
    let found = stores.checkup(SystemClock.now(), LEEWAY).await.expect("they answer");
    assert_eq!(about_clocks(&found), 0, "{found:?}");
}

#[test]
fn clocks_that_differ_by_more_than_a_minute_are_a_refusal() {
    let severity = |own: u64, now: u64| {
        let finding = Finding::of_clocks("Redis", own * 1_000, UnixTime(now), LEEWAY);
        finding.map(|finding| finding.severity)
    };
    const HUNDRED_DAYS: u64 = 100 * 86_400;
    for (apart, expected) in [
        (0, None),
        (6, None),
        (7, Some(Severity::Warning)),
        (60, Some(Severity::Warning)),
        (61, Some(Severity::Refusal)),
        (HUNDRED_DAYS, Some(Severity::Refusal)),
    ] {
        let now = 1_000_000_000;
        assert_eq!(severity(now + apart, now), expected, "the store's clock is {apart} s ahead");
        assert_eq!(severity(now - apart, now), expected, "the store's clock is {apart} s behind");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_each_store_counts() {
    let (users, sessions) = (postgres(&new_database()).await, redis(&new_namespace()).await);
    let off = Duration::from_secs(1_000);
    for ahead in [true, false] {
        let now = SystemClock.now();
        let clock = ManualClock::new(if ahead { now.plus(off) } else { now.minus(off) });
        for stores in [
            Stores::of(users.clone()),
            Stores {
                users: Arc::new(MemoryStore::new()),
                sessions: sessions.clone(),
                ..Stores::of(users.clone())
            },
            Stores { sessions: Arc::new(MemoryStore::new()), ..Stores::of(users.clone()) },
        ] {
            let apart = stores.clock_difference(&clock).await.expect("they answer").as_secs();
            // The machine may be busy between the two looks at its clock.
            assert!(apart.abs_diff(1_000) < 60, "{apart}");
        }
    }
    let none = Stores::of(Arc::new(MemoryStore::new()));
    let apart = none.clock_difference(&ManualClock::new(UnixTime(0))).await.expect("it answers");
    assert_eq!(apart, Duration::ZERO, "a store without a clock of its own goes by this machine's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_does_not_let_us_do_what_we_need_is_refused() {
    let server = Redis::start_with(&[("appendonly", "yes")]);
    let found = async |denied: &str, now| {
        let user = ["ACL", "SETUSER", "guest", "reset", "on", "nopass", "~*", "&*", "+@all", denied];
        assert_eq!(server.command(&user), "OK");
        let url = format!("redis://guest:any@{}", server.address());
        let url = url.parse().expect("a URL");
        let store = Arc::new(RedisStore::open(&url, "test", Duration::from_secs(10)).await.expect("open"));
        store.checkup(now, LEEWAY).await.expect("it answers")
    };
    assert_eq!(found("+ping", SystemClock.now()).await, []);
    for denied in ["-set", "-publish", "-subscribe"] {
        let found = found(denied, SystemClock.now()).await;
        assert!(matches!(&*found, [Finding { severity: Severity::Refusal, .. }]), "{denied}: {found:?}");
    } // What there is to be warned of does not keep it from trying.
    let found = found("-subscribe", late()).await;
    assert_eq!((found.len(), about_clocks(&found)), (2, 1), "{found:?}");
}

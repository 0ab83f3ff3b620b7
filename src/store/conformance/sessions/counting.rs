//! How many live sessions were last used in a time.

use super::*;

/// When these checks begin. What the others have left is over by then, so nothing else counts.
const START: u64 = 100_000;
/// The times at which anything may have been used.
const EVER: Range<UnixTime> = UnixTime(0)..UnixTime(u64::MAX);
/// More than a store should read in one step; of these as many end in one second.
const MANY: u64 = 2_200;
const AT_ONCE: u64 = 1_100;

fn at(seconds: u64) -> UnixTime {
    later(START + seconds)
}

/// One that was created and last used then, for 1,000 seconds, of which it may be idle for 100.
fn session_at(seconds: u64) -> Session {
    let (now, expires_at) = (at(seconds), at(seconds + 1_000));
    Session { created_at: now, last_used_at: now, expires_at, ..session(UserId::random()) }
}

async fn count(store: &dyn SessionStore, used: Range<UnixTime>, now: UnixTime) -> u64 {
    store.count(used, now).await.expect("count")
}

pub(super) async fn a_count_is_of_live_sessions_last_used_in_a_time(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    assert_eq!(count(a, EVER, at(0)).await, 0, "what is over is not counted");
    let [first, second, third] = [session_at(10), session_at(20), session_at(30)];
    for session in [&first, &second, &third] {
        created(a, session).await;
    }
    let now = at(30);
    for store in [a, b] {
        assert_eq!(count(store, EVER, now).await, 3);
        assert_eq!(
            count(store, at(10)..at(30), now).await,
            2,
            "the start belongs to a time, its end does not"
        );
        assert_eq!(count(store, at(11)..at(31), now).await, 2);
        assert_eq!(count(store, at(20)..at(21), now).await, 1);
        assert_eq!(count(store, at(31)..EVER.end, now).await, 0);
        assert_eq!(count(store, EVER.end..EVER.end, now).await, 0);
        assert_eq!(count(store, at(20)..at(20), now).await, 0, "an empty time has no sessions");
        assert_eq!(count(store, at(30)..at(10), now).await, 0, "nor has one that ends before it starts");
    }
    assert_eq!(advance(a, &first, 0, at(40)).await, Advance::Advanced(1));
    assert_eq!(count(b, at(10)..at(20), at(40)).await, 0, "it is the last use that counts");
    assert_eq!(count(b, at(40)..at(41), at(40)).await, 1);
    assert_eq!(advance(b, &first, 0, at(41)).await, Advance::Repeated(1));
    assert_eq!(count(a, at(40)..at(41), at(41)).await, 1, "a repetition is no use");

    assert!(a.revoke(second.id, at(45)).await.expect("revoke"));
    assert_eq!(count(b, EVER, at(45)).await, 2, "a revoked session is not live");
    assert_eq!(b.revoke_user(third.user, at(45)).await.expect("revoke_user"), 1);
    assert_eq!(count(a, EVER, at(45)).await, 1);
    assert_eq!(count(a, EVER, at(139)).await, 1);
    assert_eq!(count(a, EVER, at(140)).await, 0, "idle ends at its exact second");

    let absolute = Session { idle: Duration::from_secs(5_000), ..session_at(200) };
    created(b, &absolute).await;
    assert_eq!(count(a, EVER, at(1_199)).await, 1);
    assert_eq!(count(a, EVER, at(1_200)).await, 0, "so does the absolute lifetime");
}

/// However many there are, however many end in one second, and however they move meanwhile.
pub(super) async fn a_count_misses_nothing_that_is_used_meanwhile(a: &Store, b: &Store) {
    let used = |number: u64| 2_000 + number.saturating_sub(AT_ONCE) % 50;
    let sessions: Vec<_> = (0..MANY).map(|number| session_at(used(number))).collect();
    for session in &sessions {
        created(&**a, session).await;
    }
    let now = at(2_050);
    assert_eq!(count(&**b, EVER, now).await, MANY, "many are counted as few are");
    let in_range = sessions.iter().filter(|session| session.last_used_at >= at(2_001)).count() as u64;
    assert_eq!(count(&**b, at(2_001)..EVER.end, now).await, in_range);

    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    let refresh = |store: &Store, ids: &[SessionId]| {
        let (store, ids) = (store.clone(), ids.to_vec());
        tokio::spawn(async move {
            for (later, id) in (0..).zip(ids) {
                let advanced = store.advance(id, 0, at(2_050 + later % 40), GRACE).await.expect("advance");
                assert_eq!(advanced, Advance::Advanced(1));
            }
        })
    };
    let (some, others) = ids.split_at(ids.len() / 2);
    let refreshing = [refresh(a, some), refresh(b, others)];
    let mut under_way = true;
    while under_way {
        under_way = refreshing.iter().any(|task| !task.is_finished());
        let counted = count(&**b, at(2_000)..EVER.end, now).await;
        assert_eq!(counted, MANY, "sessions that are used during a count are counted, and once");
    }
    for task in refreshing {
        task.await.expect("the task ends");
    }
    assert_eq!(count(&**a, EVER, at(2_300)).await, 0);
}

//! How a session lives: found, advanced, reused, expired, purged.

use super::*;

pub(super) async fn a_session_is_found_as_it_was_created(a: &dyn SessionStore, b: &dyn SessionStore) {
    let full = fresh(a).await;
    let bare = Session {
        scope: Scope::default(),
        transport: Transport::Cookie,
        device: Device::default(),
        ..session(full.user)
    };
    created(b, &bare).await;
    for session in [&full, &bare] {
        for store in [a, b] {
            let found = store.find(session.id, NOW).await.expect("find");
            let revision = epoch(a).await;
            assert_eq!(found, Some((session.clone(), revision)), "a session is found as it was created");
        }
    }
    let unknown = SessionId::random().expect("randomness");
    assert_eq!(a.find(unknown, NOW).await.expect("find"), None);
    assert_eq!(a.advance(unknown, 0, NOW, GRACE).await.expect("advance"), Advance::Gone);
    assert!(!a.revoke(unknown, NOW).await.expect("revoke"));
}

pub(super) async fn an_advance_makes_the_next_generation_current(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = fresh(a).await;
    for (generation, store) in [a, b, a, b].into_iter().enumerate() {
        let (generation, now) = (generation as u64, later(90 * (generation as u64 + 1)));
        assert_eq!(advance(store, &session, generation, now).await, Advance::Advanced(generation + 1));
        let (found, _) = store.find(session.id, now).await.expect("find").expect("the session is live");
        assert_eq!(
            (found.generation, found.last_used_at),
            (generation + 1, now),
            "use prolongs the idle time"
        );
    }
}

pub(super) async fn a_parent_within_grace_is_answered_with_the_same_successor(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    let session = fresh(a).await;
    assert_eq!(advance(a, &session, 0, later(5)).await, Advance::Advanced(1));
    for store in [a, b] {
        for second in [5, 9, 14] {
            assert_eq!(advance(store, &session, 0, later(second)).await, Advance::Repeated(1));
        }
    }
    let (found, _) = a.find(session.id, later(14)).await.expect("find").expect("the session is live");
    assert_eq!((found.generation, found.last_used_at), (1, later(5)), "a repetition changes nothing");
    assert_eq!(advance(b, &session, 1, later(14)).await, Advance::Advanced(2));
}

pub(super) async fn a_parent_out_of_grace_ends_the_session(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = fresh(a).await;
    assert_eq!(advance(a, &session, 0, later(5)).await, Advance::Advanced(1));
    assert_eq!(advance(b, &session, 0, later(15)).await, Advance::Reused, "grace ends at its exact second");
    assert_eq!(advance(a, &session, 1, later(15)).await, Advance::Gone, "the newest token is dead too");
    // Or after it was replaced by somebody whose clock is ahead.
    for behind in [0, 5] {
        let session = fresh(a).await;
        assert_eq!(advance(a, &session, 0, later(behind)).await, Advance::Advanced(1));
        let replayed = b.advance(session.id, 0, NOW, NONE).await.expect("advance");
        assert_eq!(replayed, Advance::Reused, "a grace of 0 turns it off");
    }
}

pub(super) async fn a_grandparent_ends_the_session_however_young(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = fresh(a).await;
    assert_eq!(advance(a, &session, 0, NOW).await, Advance::Advanced(1));
    assert_eq!(advance(b, &session, 1, NOW).await, Advance::Advanced(2));
    assert_eq!(advance(a, &session, 0, NOW).await, Advance::Reused);
    assert!(!is_live(b, &session).await);
}

pub(super) async fn a_generation_from_the_future_ends_the_session(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    for generation in [1, 2, u64::MAX] {
        let session = fresh(a).await;
        // Only a store that has lost writes can be asked this with a good seal.
        assert_eq!(advance(b, &session, generation, NOW).await, Advance::Reused, "{generation}");
        assert!(!is_live(a, &session).await);
    }
}

pub(super) async fn of_many_advances_exactly_one_advances(a: &Store, b: &Store, grace: Duration) {
    for _ in 0..3 {
        let session = fresh(&**a).await;
        let race = |at: usize| {
            let store = if at.is_multiple_of(2) { a } else { b }.clone();
            tokio::spawn(async move { store.advance(session.id, 0, NOW, grace).await.expect("advance") })
        };
        let racers: Vec<_> = (0..200).map(race).collect();
        let (mut advanced, mut repeated, mut reused) = (0, 0, 0);
        for racer in racers {
            match racer.await.expect("the task ends") {
                Advance::Advanced(1) => advanced += 1,
                Advance::Repeated(1) => repeated += 1,
                Advance::Reused | Advance::Gone => reused += 1,
                other => panic!("200 advances from generation 0 led to {other:?}"),
            }
        }
        assert_eq!(advanced, 1, "of 200 advances at one time exactly one advances");
        let expected = if grace.is_zero() { (0, 199) } else { (199, 0) };
        assert_eq!((repeated, reused), expected, "the others repeat it within grace, and end it without");
        assert_eq!(is_live(&**b, &session).await, !grace.is_zero());
    }
}

pub(super) async fn a_session_ends_at_the_exact_second(a: &dyn SessionStore, b: &dyn SessionStore) {
    let idle = fresh(a).await;
    assert!(b.find(idle.id, later(99)).await.expect("find").is_some());
    assert!(b.find(idle.id, later(100)).await.expect("find").is_none(), "idle ends at its exact second");
    assert_eq!(advance(b, &idle, 0, later(100)).await, Advance::Gone);
    assert_eq!(advance(b, &idle, 0, later(99)).await, Advance::Advanced(1), "an expired one is not revoked");

    let user = UserId::random();
    let absolute = Session { idle: Duration::from_secs(5_000), ..session(user) };
    created(a, &absolute).await;
    assert_eq!(b.sessions_of(user, later(999)).await.expect("sessions_of").len(), 1);
    assert_eq!(b.sessions_of(user, later(1_000)).await.expect("sessions_of").len(), 0);
    assert_eq!(advance(b, &absolute, 0, later(1_000)).await, Advance::Gone, "so does the absolute lifetime");
    assert_eq!(advance(b, &absolute, 0, later(999)).await, Advance::Advanced(1));
    let (found, _) = a.find(absolute.id, later(999)).await.expect("find").expect("the session is live");
    assert_eq!(found.expires_at, absolute.expires_at, "use does not prolong the absolute lifetime");
}

pub(super) async fn beyond_the_cap_the_session_used_longest_ago_ends(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    let user = UserId::random();
    let [oldest, used, newest, next] = [0, 1, 2, 30].map(|second| Session {
        created_at: later(second),
        last_used_at: later(second),
        ..session(user)
    });
    let revision = epoch(a).await;
    for session in [&oldest, &used, &newest] {
        assert_eq!(a.create(session, revision, 3).await.expect("create"), Creation::Created);
    }
    assert_eq!(advance(b, &oldest, 0, later(20)).await, Advance::Advanced(1));
    assert_eq!(b.create(&next, revision, 3).await.expect("create"), Creation::Created);
    let live = a.sessions_of(user, later(30)).await.expect("sessions_of");
    let ids: Vec<_> = live.iter().map(|session| session.id).collect();
    assert_eq!(ids, [next.id, oldest.id, newest.id], "the cap ends the one used longest ago");
    let last = lines(a, 0).await.pop().expect("a line");
    assert_eq!(last.subject, RevokedSubject::Session(used.id), "and its access tokens hear of it");
}

pub(super) async fn a_purge_removes_what_is_over_and_nothing_else(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    // Everything of the earlier checks, first.
    let end = later(1_000_000);
    while a.purge(end, end, 50).await.expect("purge") > 0 {}

    let [live, idle, revoked, recent] = std::array::from_fn(|_| session(UserId::random()));
    for session in [&live, &idle, &revoked, &recent] {
        created(a, session).await;
    }
    advance(a, &live, 0, later(90)).await;
    a.revoke(revoked.id, later(10)).await.expect("revoke");
    advance(a, &recent, 0, later(90)).await;
    a.revoke(recent.id, later(95)).await.expect("revoke");
    assert_eq!(b.purge(later(100), later(50), 1).await.expect("purge"), 1, "a batch is no larger than asked");
    assert_eq!(b.purge(later(100), later(50), 9).await.expect("purge"), 1);
    assert_eq!(b.purge(later(100), later(50), 9).await.expect("purge"), 0, "what was revoked lately stays");
    assert!(a.find(live.id, later(100)).await.expect("find").is_some(), "what is live stays");
    assert_eq!(
        b.purge(later(100), later(95), 9).await.expect("purge"),
        0,
        "what was revoked then is no older"
    );
    assert_eq!(b.purge(later(100), later(96), 9).await.expect("purge"), 1);
    assert_eq!(b.purge(later(189), later(96), 9).await.expect("purge"), 0, "what was used ends later");
    assert!(a.find(live.id, later(189)).await.expect("find").is_some(), "and is live until then");
    assert_eq!(b.purge(later(190), later(96), 9).await.expect("purge"), 1, "and then it goes too");
}

pub(super) async fn many_sessions_that_are_used_hold_up_no_purge(a: &dyn SessionStore, b: &dyn SessionStore) {
    // More than are looked at at a time, all of which would have ended by now had they not been used.
    let user = UserId::random();
    let at = |seconds| later(500_000 + seconds);
    let begun = |seconds: u64| Session {
        created_at: at(seconds),
        last_used_at: at(seconds),
        expires_at: at(1_000),
        ..session(user)
    };
    let revision = epoch(a).await;
    for _ in 0..600 {
        let session = begun(0);
        assert_eq!(a.create(&session, revision, 5_000).await.expect("create"), Creation::Created);
        assert_eq!(advance(a, &session, 0, at(90)).await, Advance::Advanced(1));
    }
    let ended = begun(1);
    assert_eq!(b.create(&ended, revision, 5_000).await.expect("create"), Creation::Created);
    assert_eq!(b.purge(at(101), at(0), 7).await.expect("purge"), 1, "the one behind them that has ended");
    assert_eq!(a.sessions_of(user, at(101)).await.expect("sessions_of").len(), 600, "they are in use");
    assert_eq!(a.purge(at(190), at(0), 550).await.expect("purge"), 550, "and go at their own end");
    assert_eq!(b.purge(at(190), at(0), 550).await.expect("purge"), 50);
}

pub(super) async fn a_trim_removes_old_entries_but_not_the_last(a: &dyn SessionStore, b: &dyn SessionStore) {
    let user = UserId::random();
    let end = later(1_000_000);
    while a.trim(end, 50).await.expect("trim") > 0 {}
    assert_eq!(lines(b, 0).await.len(), 1, "the last stays, however old");
    for seconds in [10, 11, 12, 95, 95] {
        a.revoke_access(user, later(seconds)).await.expect("revoke_access");
    }
    while b.trim(later(10), 50).await.expect("trim") > 0 {}
    let before = lines(a, 0).await.len();
    assert_eq!(b.trim(later(95), 2).await.expect("trim"), 2, "a batch is no larger than asked");
    assert_eq!(b.trim(later(95), 2).await.expect("trim"), 1);
    assert_eq!(a.trim(later(95), 2).await.expect("trim"), 0, "what is not older stays");
    assert_eq!(lines(a, 0).await.len(), before - 3);
    assert_eq!(a.trim(later(96), 9).await.expect("trim"), before as u64 - 4);
    assert_eq!(b.trim(end, 9).await.expect("trim"), 0);
    assert_eq!(lines(b, 0).await.len(), 1, "by the last a listener knows that the list is the same");
}

//! The suite for [`SessionStore`].

use crate::{
    clock::UnixTime,
    refresh_token::Salt,
    scope::Scope,
    session::SessionId,
    store::{Advance, Creation, Device, Revocation, RevokedSubject, Session, SessionStore, Transport},
    user::UserId,
};
use std::{sync::Arc, time::Duration};

type Store = Arc<dyn SessionStore>;

const NOW: UnixTime = UnixTime(1_700_000_000);
const GRACE: Duration = Duration::from_secs(10);
const NONE: Duration = Duration::ZERO;

/// Everything that [`SessionStore`] asks for. `a` and `b` are two handles on the same store.
/// It revokes and purges at times in the past, so it wants a store that holds nothing else.
pub async fn sessions(a: Store, b: Store) {
    an_epoch_is_begun_once_and_only_grows(&a, &b).await;
    a_session_is_found_as_it_was_created(&*a, &*b).await;
    an_advance_makes_the_next_generation_current(&*a, &*b).await;
    a_parent_within_grace_is_answered_with_the_same_successor(&*a, &*b).await;
    a_parent_out_of_grace_ends_the_session(&*a, &*b).await;
    a_grandparent_ends_the_session_however_young(&*a, &*b).await;
    a_generation_from_the_future_ends_the_session(&*a, &*b).await;
    of_many_advances_exactly_one_advances(&a, &b, GRACE).await;
    of_many_advances_exactly_one_advances(&a, &b, NONE).await;
    a_session_ends_at_the_exact_second(&*a, &*b).await;
    nothing_advances_once_a_revocation_has_answered(&a, &b).await;
    each_way_of_revoking_ends_what_it_says(&*a, &*b).await;
    a_login_that_races_a_revocation_loses(&*a, &*b).await;
    a_feed_tells_of_what_anybody_revokes(&*a, &*b).await;
    the_list_of_revocations_is_complete_and_in_order(&*a, &*b).await;
    beyond_the_cap_the_session_used_longest_ago_ends(&*a, &*b).await;
    a_purge_removes_what_is_over_and_nothing_else(&*a, &*b).await;
}

fn session(user: UserId) -> Session {
    Session {
        id: SessionId::random().expect("randomness"),
        user,
        client_id: "first-party".into(),
        scope: "reports:read items".parse().expect("a scope"),
        transport: Transport::Body,
        created_at: NOW,
        last_used_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(1_000)),
        idle: Duration::from_secs(100),
        generation: 0,
        salt: Salt::random().expect("randomness"),
        device: Device {
            user_agent: Some("Mozilla/5.0 (\u{1F4BB}; '\")".into()),
            address: Some("2001:db8::1".parse().expect("an address")),
            name: Some("Ada's phone".into()),
        },
    }
}

fn later(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

async fn created(store: &dyn SessionStore, session: &Session) {
    let revision = store.revision(session.user).await.expect("revision");
    let creation = store.create(session, revision, 50).await.expect("create");
    assert_eq!(creation, Creation::Created, "a session of a user at peace is created");
}

async fn fresh(store: &dyn SessionStore) -> Session {
    let session = session(UserId::random());
    created(store, &session).await;
    session
}

async fn advance(store: &dyn SessionStore, session: &Session, generation: u64, now: UnixTime) -> Advance {
    store.advance(session.id, generation, now, GRACE).await.expect("advance")
}

async fn is_live(store: &dyn SessionStore, session: &Session) -> bool {
    store.find(session.id, NOW).await.expect("find").is_some()
}

async fn lines(store: &dyn SessionStore, from: u64) -> Vec<Revocation> {
    store.revocations(from, u32::MAX).await.expect("revocations").lines
}

async fn position(store: &dyn SessionStore) -> u64 {
    lines(store, 0).await.last().map_or(0, |line| line.position)
}

async fn epoch(store: &dyn SessionStore) -> u64 {
    store.revocations(0, 0).await.expect("revocations").epoch
}

async fn an_epoch_is_begun_once_and_only_grows(a: &Store, b: &Store) {
    let user = UserId::random();
    assert_eq!(epoch(&**a).await, 0, "a store that holds nothing has no epoch");
    assert!(a.revision(user).await.is_err(), "without an epoch nobody has a revision");
    assert!(b.create(&session(user), 0, 50).await.is_err(), "nor can log in");
    assert!(a.revoke_access(user, NOW).await.is_err(), "nor can anything be revoked");
    let begin = |at: usize| {
        let store = if at.is_multiple_of(2) { a } else { b }.clone();
        tokio::spawn(async move { store.begin_epoch(0).await.expect("begin_epoch") })
    };
    let beginners: Vec<_> = (0..32).map(begin).collect();
    let mut begun = vec![];
    for beginner in beginners {
        begun.push(beginner.await.expect("the task ends"));
    }
    let first = begun[0];
    assert!(begun.iter().all(|other| *other == first), "of many that begin an epoch one does: {begun:?}");
    let read_at = a.revocations(0, 0).await.expect("revocations").read_at;
    assert!(first.abs_diff(read_at) < 60_000, "an epoch is a time in milliseconds: {first} at {read_at}");
    assert_eq!(b.begin_epoch(first - 1).await.expect("begin_epoch"), first, "a greater one is left alone");
    a.revoke_access(user, NOW).await.expect("revoke_access");
    let second = b.begin_epoch(first + 1_000_000).await.expect("begin_epoch");
    assert_eq!(second, first + 1_000_001, "a new epoch is greater than whatever is remembered");
    assert_eq!((epoch(&**a).await, epoch(&**b).await), (second, second));
    assert_eq!(a.revision(user).await.expect("revision"), second, "no revision is from before the epoch");
    b.revoke_access(user, NOW).await.expect("revoke_access");
    assert_eq!(a.revision(user).await.expect("revision"), second + 1);
}

/// A feed that has not been listened to for a while tells of what happened since.
async fn a_feed_tells_of_what_anybody_revokes(a: &dyn SessionStore, b: &dyn SessionStore) {
    let mut feed = a.feed().await.expect("feed");
    for _ in 0..3 {
        let session = fresh(b).await;
        let before = position(a).await;
        b.revoke(session.id, NOW).await.expect("revoke");
        // It may speak up without need, and it may be slow, but not for ever.
        let heard = async {
            while position(a).await == before {
                feed.changed().await.expect("the feed goes on");
            }
            feed.changed().await.expect("the feed goes on");
        };
        let heard = tokio::time::timeout(Duration::from_secs(10), heard).await;
        assert!(heard.is_ok(), "a feed tells of what anybody revokes");
    }
}

async fn a_session_is_found_as_it_was_created(a: &dyn SessionStore, b: &dyn SessionStore) {
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

async fn an_advance_makes_the_next_generation_current(a: &dyn SessionStore, b: &dyn SessionStore) {
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

async fn a_parent_within_grace_is_answered_with_the_same_successor(
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

async fn a_parent_out_of_grace_ends_the_session(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = fresh(a).await;
    assert_eq!(advance(a, &session, 0, later(5)).await, Advance::Advanced(1));
    assert_eq!(advance(b, &session, 0, later(15)).await, Advance::Reused, "grace ends at its exact second");
    assert_eq!(advance(a, &session, 1, later(15)).await, Advance::Gone, "the newest token is dead too");
    let session = fresh(a).await;
    assert_eq!(advance(a, &session, 0, NOW).await, Advance::Advanced(1));
    let replayed = b.advance(session.id, 0, NOW, NONE).await.expect("advance");
    assert_eq!(replayed, Advance::Reused, "a grace of 0 turns it off");
}

async fn a_grandparent_ends_the_session_however_young(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = fresh(a).await;
    assert_eq!(advance(a, &session, 0, NOW).await, Advance::Advanced(1));
    assert_eq!(advance(b, &session, 1, NOW).await, Advance::Advanced(2));
    assert_eq!(advance(a, &session, 0, NOW).await, Advance::Reused);
    assert!(!is_live(b, &session).await);
}

async fn a_generation_from_the_future_ends_the_session(a: &dyn SessionStore, b: &dyn SessionStore) {
    for generation in [1, 2, u64::MAX] {
        let session = fresh(a).await;
        // Only a store that has lost writes can be asked this with a good seal.
        assert_eq!(advance(b, &session, generation, NOW).await, Advance::Reused, "{generation}");
        assert!(!is_live(a, &session).await);
    }
}

async fn of_many_advances_exactly_one_advances(a: &Store, b: &Store, grace: Duration) {
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

async fn a_session_ends_at_the_exact_second(a: &dyn SessionStore, b: &dyn SessionStore) {
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

async fn nothing_advances_once_a_revocation_has_answered(a: &Store, b: &Store) {
    for round in 0..20 {
        let session = fresh(&**a).await;
        let (store, id) = (b.clone(), session.id);
        let refreshing = tokio::spawn(async move {
            let mut generation = 0;
            while let Advance::Advanced(next) =
                store.advance(id, generation, NOW, GRACE).await.expect("advance")
            {
                generation = next;
                tokio::task::yield_now().await;
            }
            generation
        });
        tokio::time::sleep(Duration::from_millis(round % 5)).await;
        match round % 2 {
            0 => assert!(a.revoke(id, NOW).await.expect("revoke")),
            _ => assert_eq!(a.revoke_user(session.user, NOW).await.expect("revoke_user"), 1),
        }
        // The answer is there, so whatever is asked from here on is refused.
        for generation in 0..3 {
            assert_eq!(advance(&**b, &session, generation, NOW).await, Advance::Gone, "revoked is revoked");
        }
        refreshing.await.expect("the task ends");
        assert!(!is_live(&**a, &session).await, "a racing advance does not revive a session");
    }
}

async fn each_way_of_revoking_ends_what_it_says(a: &dyn SessionStore, b: &dyn SessionStore) {
    let user = UserId::random();
    let [one, two, three] = [session(user), session(user), session(user)];
    let stranger = fresh(a).await;
    for session in [&one, &two, &three] {
        created(a, session).await;
    }
    assert!(a.revoke(one.id, NOW).await.expect("revoke"));
    assert!(!b.revoke(one.id, NOW).await.expect("revoke"), "a second time there is nothing to revoke");
    assert!(!is_live(b, &one).await && is_live(b, &two).await);
    assert_eq!(b.revoke_others(user, two.id, NOW).await.expect("revoke_others"), 1);
    assert!(is_live(a, &two).await && !is_live(a, &three).await, "the one that is kept is kept");
    let first = epoch(a).await;
    let revision = a.revision(user).await.expect("revision");
    assert_eq!(revision, first, "single sessions do not raise the revision");
    b.revoke_access(user, NOW).await.expect("revoke_access");
    assert_eq!(a.find(two.id, NOW).await.expect("find").map(|(_, revision)| revision), Some(first + 1));
    assert_eq!(b.revoke_user(user, NOW).await.expect("revoke_user"), 1);
    assert!(!is_live(a, &two).await);
    assert_eq!(a.revision(user).await.expect("revision"), first + 2);
    assert!(is_live(b, &stranger).await, "nobody else is touched");
}

async fn a_login_that_races_a_revocation_loses(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = session(UserId::random());
    let revision = a.revision(session.user).await.expect("revision");
    b.revoke_user(session.user, NOW).await.expect("revoke_user");
    assert_eq!(a.create(&session, revision, 50).await.expect("create"), Creation::Overtaken);
    assert!(!is_live(b, &session).await, "what was overtaken was not created");
    created(a, &session).await;
    assert!(is_live(b, &session).await);
}

async fn the_list_of_revocations_is_complete_and_in_order(a: &dyn SessionStore, b: &dyn SessionStore) {
    let start = position(a).await;
    let user = UserId::random();
    let [one, two, kept] = [session(user), session(user), session(user)];
    for session in [&one, &two, &kept] {
        created(a, session).await;
    }
    a.revoke(one.id, later(1)).await.expect("revoke");
    b.revoke_others(user, kept.id, later(2)).await.expect("revoke_others");
    a.revoke_access(user, later(3)).await.expect("revoke_access");
    advance(b, &kept, 0, later(4)).await;
    a.advance(kept.id, 0, later(4), NONE).await.expect("advance");
    b.revoke_user(user, later(5)).await.expect("revoke_user");
    let lines = self::lines(b, start + 1).await;
    let found: Vec<_> = lines.iter().map(|line| (line.at, line.subject)).collect();
    let first = epoch(a).await;
    let expected = [
        (later(1), RevokedSubject::Session(one.id)),
        (later(2), RevokedSubject::Session(two.id)),
        (later(3), RevokedSubject::User(user, first + 1)),
        (later(4), RevokedSubject::Session(kept.id)),
        (later(5), RevokedSubject::User(user, first + 2)),
    ];
    assert_eq!(found, expected, "every revocation has its line, a reuse too, in order");
    assert!(lines.is_sorted_by(|one, next| one.position < next.position), "positions only grow");
    let rest = self::lines(a, lines[2].position).await;
    assert_eq!(rest, lines[2..], "one can read on from anywhere, and sees where one was");
    let page = a.revocations(lines[1].position, 2).await.expect("revocations");
    assert_eq!(page.lines, lines[1..3], "a page is no longer than asked");
    let newest = lines.last().map_or(0, |line| line.written_at);
    assert!(page.read_at >= newest && page.read_at - newest < 60_000, "the store has a clock of its own");
}

async fn beyond_the_cap_the_session_used_longest_ago_ends(a: &dyn SessionStore, b: &dyn SessionStore) {
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

async fn a_purge_removes_what_is_over_and_nothing_else(a: &dyn SessionStore, b: &dyn SessionStore) {
    // Everything of the earlier checks, first.
    let end = later(1_000_000);
    while a.purge(end, end, 50).await.expect("purge") > 0 {}
    let left = lines(b, 0).await;
    assert_eq!(left.len(), 1, "old lines go too, but for the last: {left:?}");

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
    let lines = self::lines(a, 0).await;
    assert_eq!(lines.len(), 1, "so do lines that still matter");
    assert_eq!(lines[0].subject, RevokedSubject::Session(recent.id));
}

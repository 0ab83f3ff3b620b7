//! What a deny list refuses by lines about one token and about a client, and for how long.

use crate::follower::{NOW, TOKEN_LIFE, claims_with, line, page, session};
use countersign::{
    Claims,
    clock::{Clock, ManualClock, UnixTime},
    revocation::{DenyList, Follower, Revocations},
    session::SessionId,
    store::{RevokedSubject, SessionStore, memory::MemoryStore},
    token::TokenId,
    user::UserId,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// For as long as a token may live after it was revoked, and a minute for clocks that differ.
const KEPT: Duration = Duration::from_secs(TOKEN_LIFE.as_secs() + 60);

fn token(number: u8) -> RevokedSubject {
    RevokedSubject::Token(TokenId::from_bytes([number; 16]))
}

fn client(id: &str, revision: u64) -> RevokedSubject {
    RevokedSubject::Client(id.parse().expect("a client's id"), revision)
}

/// A token of a user.
fn of_token(number: u8) -> Claims {
    let (jti, sid) = (TokenId::from_bytes([number; 16]).to_string(), session(number).to_string());
    claims_with(json!({ "sub": UserId::random(), "sid": sid, "jti": jti }))
}

/// A token that a client has for itself.
fn of_service(id: &str, revision: u64) -> Claims {
    claims_with(json!({ "sub": id, "client_id": id, "crev": revision }))
}

/// A token that a user got by logging in through it.
fn through(id: &str, revision: u64) -> Claims {
    let (sub, sid) = (UserId::random(), session(1).to_string());
    claims_with(json!({ "sub": sub, "sid": sid, "client_id": id, "crev": revision }))
}

fn listed(subjects: impl IntoIterator<Item = RevokedSubject>) -> DenyList {
    let denied = DenyList::default();
    for (subject, position) in subjects.into_iter().zip(1..) {
        denied.note(&line(position, subject), KEPT, Duration::ZERO);
    }
    denied
}

#[test]
fn a_line_about_a_token_denies_that_token_and_no_other() {
    let denied = listed([token(1), token(2)]);
    assert!(denied.denies(&of_token(1)) && denied.denies(&of_token(2)));
    assert!(!denied.denies(&of_token(3)));
    let service = |jti: &str| claims_with(json!({ "sub": "c", "jti": jti }));
    let text = TokenId::from_bytes([1; 16]).to_string();
    assert!(denied.denies(&service(&text)), "whosever it is");
    for other in [&text[1..], &text.to_lowercase(), &format!("{text}="), "j", "-"] {
        assert!(!denied.denies(&service(other)), "{other}");
    }
    // Of the same bits: a line is about what it says and nothing else.
    let of_session = |number| {
        let sid = SessionId::from_bytes([number; 16]).to_string();
        claims_with(json!({ "sub": UserId::random(), "sid": sid }))
    };
    assert!(!denied.denies(&of_session(1)), "a session of the same bits is not meant");
    let denied = listed([RevokedSubject::Session(session(1))]);
    let elsewhere = claims_with(json!({ "sub": "c", "jti": text }));
    assert!(denied.denies(&of_session(1)) && !denied.denies(&elsewhere), "nor a token");
}

#[test]
fn a_line_about_a_sessions_tokens_denies_those_issued_until_then() {
    let of = |number: u8, issued_at: u64| {
        let sid = SessionId::from_bytes([number; 16]).to_string();
        claims_with(json!({ "sub": UserId::random(), "sid": sid, "iat": issued_at, "exp": issued_at + 900 }))
    };
    let until = |seconds| RevokedSubject::SessionTokens(session(1), UnixTime(seconds));
    for lines in [[NOW.0 - 20, NOW.0 - 10], [NOW.0 - 10, NOW.0 - 20]] {
        let denied = listed(lines.map(until));
        assert!(denied.denies(&of(1, NOW.0 - 30)) && denied.denies(&of(1, NOW.0 - 10)));
        assert!(!denied.denies(&of(1, NOW.0 - 9)), "a later token is good");
        assert!(!denied.denies(&of(2, NOW.0 - 30)), "no other session is meant");
        assert_eq!(denied.len(), 1, "one entry for all of them");
        assert!(!denied.contradicts(session(1), UserId::random(), 0), "the session goes on");
        denied.forget(NOW.plus(KEPT), KEPT);
        assert!(denied.is_empty());
    }
}

#[test]
fn a_line_about_a_client_denies_its_tokens_from_before_that_revision() {
    let denied = listed([client("reports", 5_000)]);
    for make in [of_service, through] {
        for revision in [0, 1, 4_999] {
            assert!(denied.denies(&make("reports", revision)), "{revision}");
        }
        for revision in [5_000, 5_001, u64::MAX] {
            assert!(!denied.denies(&make("reports", revision)), "{revision}");
        }
        for other in ["Reports", "report", "reports2", "c", "first-party"] {
            assert!(!denied.denies(&make(other, 0)), "{other}");
        }
    }
    let without = claims_with(json!({ "sub": "reports", "client_id": "reports" }));
    assert!(denied.denies(&without), "one that names no revision is from before any");
    // The subject is not the client.
    let user = claims_with(json!({ "sub": "reports", "sid": "s", "client_id": "c", "rev": 1 }));
    assert!(!denied.denies(&user));
}

#[test]
fn of_several_lines_about_a_client_the_greatest_revision_counts() {
    for lines in [[5_000, 6_000, 4_000], [6_000, 4_000, 5_000], [4_000, 5_000, 6_000]] {
        let denied = listed(lines.map(|revision| client("reports", revision)));
        assert!(denied.denies(&of_service("reports", 5_999)), "{lines:?}");
        assert!(!denied.denies(&of_service("reports", 6_000)), "{lines:?}");
        assert_eq!(denied.len(), 1);
    }
}

#[test]
fn the_end_of_the_built_in_client_is_no_users_end() {
    let user = UserId::random();
    let denied = listed([RevokedSubject::User(user, 7), client("first-party", 1)]);
    let of = |sub: UserId, revision: u64, client: &str, crev: u64| {
        let sid = session(1).to_string();
        claims_with(json!({ "sub": sub, "sid": sid, "rev": revision, "client_id": client, "crev": crev }))
    };
    assert!(denied.denies(&of(user, 6, "reports", 9)), "the user's revision and the client's are two things");
    assert!(!denied.denies(&of(user, 7, "reports", 0)));
    assert!(denied.denies(&of(user, 7, "first-party", 0)));
    assert!(!denied.denies(&of(user, 7, "first-party", 1)));
}

#[test]
fn a_line_is_forgotten_when_no_token_that_it_denies_can_live_and_not_before() {
    let denied = listed([token(1), client("reports", 5_000)]);
    let mut again = line(3, token(2));
    again.at = NOW.plus(Duration::from_secs(10));
    // An older line that is read after it does not have it forgotten earlier.
    for (at, subject) in
        [(again.at, token(2)), (NOW, token(2)), (again.at, client("late", 1)), (NOW, client("late", 1))]
    {
        again.at = at;
        again.subject = subject;
        denied.note(&again, KEPT, Duration::ZERO);
    }
    let seconds = |seconds| NOW.plus(KEPT).plus(Duration::from_secs(seconds));
    let answers = || {
        [&of_token(1), &of_service("reports", 4_999), &of_token(2), &of_service("late", 0)]
            .map(|claims| denied.denies(claims))
    };
    for (now, expected, left) in [
        (UnixTime(0), [true; 4], 4),
        (seconds(0).minus(Duration::from_secs(1)), [true; 4], 4),
        (seconds(0), [false, false, true, true], 2),
        (seconds(9), [false, false, true, true], 2),
        (seconds(10), [false; 4], 0),
    ] {
        denied.forget(now, KEPT);
        assert_eq!((answers(), denied.len(), denied.is_empty()), (expected, left, left == 0), "at {now}");
    }
}

#[test]
fn a_line_is_kept_until_both_clocks_say_that_its_tokens_have_expired() {
    let second = Duration::from_secs(1);
    for (now, monotonic, is_kept) in [
        (NOW.plus(KEPT), KEPT - second, true),
        (NOW.plus(KEPT).minus(second), KEPT, true),
        (NOW.plus(KEPT), KEPT, false),
        (UnixTime(u64::MAX), Duration::ZERO, true),
        (UnixTime(0), Duration::MAX, true),
    ] {
        let denied = DenyList::default();
        denied.note(&line(1, token(1)), KEPT, Duration::ZERO);
        denied.forget(now, monotonic);
        assert_eq!(denied.denies(&of_token(1)), is_kept, "{now} {monotonic:?}");
    }
    let denied = DenyList::default();
    denied.note(&line(1, token(1)), KEPT, second);
    denied.note(&line(1, token(1)), KEPT, Duration::ZERO);
    denied.forget(NOW.plus(KEPT), KEPT);
    assert!(denied.denies(&of_token(1)), "a line that is read twice is not forgotten earlier");
}

#[test]
fn a_line_about_a_token_or_a_client_contradicts_no_session() {
    let (user, id) = (UserId::random(), session(1));
    let denied = listed([token(1), client("reports", u64::MAX), client("first-party", u64::MAX)]);
    assert!(!denied.contradicts(id, user, 0));
    denied.note(&line(9, RevokedSubject::User(user, 7)), KEPT, Duration::ZERO);
    assert!(denied.contradicts(id, user, 6) && !denied.contradicts(id, user, 7));
}

#[test]
fn a_follower_refuses_by_lines_of_all_kinds() {
    let clock = Arc::new(ManualClock::new(NOW));
    let follower = Follower::new(clock.clone(), TOKEN_LIFE);
    let all = [
        line(1, token(1)),
        line(2, client("reports", 5_000)),
        line(4, RevokedSubject::Session(session(7))),
        line(5, client("reports", 6_000)),
    ];
    // One line at a time, and the last is of a kind of its own.
    while follower.take(&page(1, &all, follower.from(), 2), Instant::now()) {}
    assert!(follower.is_caught_up() && follower.from() == 5);
    let claims = [of_token(1), of_service("reports", 5_999), through("reports", 0), of_token(7)];
    let others = [of_token(2), of_service("reports", 6_000), through("other", 0)];
    let denies_all = || claims.each_ref().map(|claims| follower.denies(claims));
    assert_eq!(denies_all(), [true; 4]);
    assert_eq!(others.each_ref().map(|claims| follower.denies(claims)), [false; 3]);

    // A list that begins anew makes nothing good again.
    while follower.take(&page(2, &[], follower.from(), 2), Instant::now()) {}
    assert_eq!(denies_all(), [true; 4]);
    clock.set(NOW.plus(KEPT).minus(Duration::from_secs(1)));
    follower.forget();
    assert_eq!(denies_all(), [true; 4]);
    clock.set(NOW.plus(KEPT));
    follower.forget();
    assert_eq!(denies_all(), [false; 4]);
}

#[tokio::test]
async fn what_a_store_is_told_of_tokens_and_clients_is_denied_by_whoever_follows_it() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(NOW)));
    let open = async || {
        Revocations::open(store.clone(), clock.clone(), TOKEN_LIFE).await.expect("the store answers")
    };
    let early = open().await;
    let epoch = early.page(0).await.expect("a page").list.epoch;
    let now = clock.now();
    store.revoke_token(TokenId::from_bytes([1; 16]), now).await.expect("revoked");
    store.revoke_client(&"reports".parse().expect("a client's id"), 1 << 62, now).await.expect("revoked");
    early.catch_up().await.expect("caught up");
    for revocations in [&early, &open().await] {
        let jti = TokenId::from_bytes([1; 16]).to_string();
        let denied = |crev: u64, jti: &str| {
            let members =
                json!({ "sub": "reports", "client_id": "reports", "crev": crev, "jti": jti, "rev": epoch });
            revocations.denies(&claims_with(members))
        };
        assert!(denied(u64::MAX, &jti) && denied(1, "j") && !denied(u64::MAX, "j"));
        assert_eq!(revocations.denied(), 2);
    }

    // The store forgets: a client's revision says nothing of which epoch is new enough.
    let anew = store.begin_epoch(epoch).await.expect("begun");
    early.catch_up().await.expect("caught up");
    assert_eq!(early.page(0).await.expect("a page").list.epoch, anew);
}

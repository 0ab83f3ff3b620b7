//! How sessions and access tokens are revoked, and how everybody hears of it.

use super::*;

/// One login cannot fill every server's deny list with access tokens.
pub(super) async fn many_access_tokens_of_a_session_are_revoked_by_one_entry(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    let [session, other] = [fresh(a).await, fresh(b).await];
    let from = position(a).await + 1;
    let token = |number: u32| TokenId::from_bytes([number as u8; 16]);
    let issued = |number: u32| later(number.into());
    let few = TOKENS_BY_THEMSELVES;
    for number in 1..=few + 3 {
        let store = if number.is_multiple_of(2) { a } else { b };
        store.revoke_token_of(session.id, token(number), issued(number), NOW).await.expect("revoke_token_of");
    }
    a.revoke_token_of(other.id, token(99), issued(99), NOW).await.expect("revoke_token_of");
    let unknown = SessionId::random().expect("randomness");
    b.revoke_token_of(unknown, token(98), issued(98), NOW).await.expect("revoke_token_of");
    let by_themselves = (1..=few).map(|number| RevokedSubject::Token(token(number)));
    let of_session =
        (few + 1..=few + 3).map(|number| RevokedSubject::SessionTokens(session.id, issued(number)));
    let of_others = [99, 98].map(|number| RevokedSubject::Token(token(number)));
    let expected: Vec<_> = by_themselves.chain(of_session).chain(of_others).collect();
    for store in [a, b] {
        let subjects: Vec<_> = lines(store, from).await.into_iter().map(|line| line.subject).collect();
        assert_eq!(subjects, expected, "from the eleventh on an entry is about the session's tokens");
        assert!(is_live(store, &session).await && is_live(store, &other).await, "sessions go on");
    }
    assert_eq!(advance(b, &session, 0, NOW).await, Advance::Advanced(1));
}

pub(super) async fn of_many_tokens_revoked_at_once_no_more_than_ten_have_an_entry_each(a: &Store, b: &Store) {
    let session = fresh(&**a).await;
    let from = position(&**a).await + 1;
    let revoke = |number: u8| {
        let store = if number.is_multiple_of(2) { a } else { b }.clone();
        let (session, id) = (session.id, TokenId::from_bytes([number; 16]));
        tokio::spawn(
            async move { store.revoke_token_of(session, id, NOW, NOW).await.expect("revoke_token_of") },
        )
    };
    for task in (0..30).map(revoke).collect::<Vec<_>>() {
        task.await.expect("the task ends");
    }
    let subjects: Vec<_> = lines(&**b, from).await.into_iter().map(|line| line.subject).collect();
    let tokens = subjects.iter().filter(|subject| matches!(subject, RevokedSubject::Token(_))).count();
    assert_eq!((tokens, subjects.len()), (TOKENS_BY_THEMSELVES as usize, 30));
}

pub(super) async fn an_epoch_is_begun_once_and_only_grows(a: &Store, b: &Store) {
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
pub(super) async fn a_feed_tells_of_what_anybody_revokes(a: &dyn SessionStore, b: &dyn SessionStore) {
    let mut feed = a.feed().await.expect("feed");
    for what in 0..6 {
        let session = fresh(b).await;
        let before = position(a).await;
        match what % 3 {
            0 => assert!(b.revoke(session.id, NOW).await.expect("revoke")),
            1 => b.revoke_token(TokenId::random().expect("randomness"), NOW).await.expect("revoke_token"),
            _ => b.revoke_client(&ClientId::first_party(), 0, NOW).await.expect("revoke_client"),
        }
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

pub(super) async fn nothing_advances_once_a_revocation_has_answered(a: &Store, b: &Store) {
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

pub(super) async fn each_way_of_revoking_ends_what_it_says(a: &dyn SessionStore, b: &dyn SessionStore) {
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

pub(super) async fn a_login_that_races_a_revocation_loses(a: &dyn SessionStore, b: &dyn SessionStore) {
    let session = session(UserId::random());
    let revision = a.revision(session.user).await.expect("revision");
    b.revoke_user(session.user, NOW).await.expect("revoke_user");
    assert_eq!(a.create(&session, revision, 50).await.expect("create"), Creation::Overtaken);
    assert!(!is_live(b, &session).await, "what was overtaken was not created");
    created(a, &session).await;
    assert!(is_live(b, &session).await);
}

pub(super) async fn the_list_of_revocations_is_complete_and_in_order(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
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
    let token = TokenId::random().expect("randomness");
    a.revoke_token(token, later(6)).await.expect("revoke_token");
    let client: ClientId = "some.client_1-A".parse().expect("a client's id");
    b.revoke_client(&client, 7_000_000_000_001, later(7)).await.expect("revoke_client");
    let lines = self::lines(b, start + 1).await;
    let found: Vec<_> = lines.iter().map(|line| (line.at, line.subject.clone())).collect();
    let first = epoch(a).await;
    let expected = [
        (later(1), RevokedSubject::Session(one.id)),
        (later(2), RevokedSubject::Session(two.id)),
        (later(3), RevokedSubject::User(user, first + 1)),
        (later(4), RevokedSubject::Session(kept.id)),
        (later(5), RevokedSubject::User(user, first + 2)),
        (later(6), RevokedSubject::Token(token)),
        (later(7), RevokedSubject::Client(client, 7_000_000_000_001)),
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

/// A new epoch may end all sessions from before it, in the same step.
pub(super) async fn an_epoch_may_begin_without_the_sessions_from_before(
    a: &dyn SessionStore,
    b: &dyn SessionStore,
) {
    let [one, other] = [fresh(a).await, fresh(b).await];
    let present = epoch(a).await;
    let same = b.begin_epoch_without_sessions(present - 1).await.expect("begin_epoch_without_sessions");
    assert_eq!(same, present, "a greater epoch is left alone");
    assert!(is_live(a, &one).await, "and so are its sessions");
    let next = a.begin_epoch(present).await.expect("begin_epoch");
    assert!(next > present && is_live(b, &one).await, "sessions go on in a new epoch");
    assert_eq!(advance(b, &one, 0, NOW).await, Advance::Advanced(1));

    let before = position(a).await;
    let last = b.begin_epoch_without_sessions(next).await.expect("begin_epoch_without_sessions");
    assert!(last > next, "a new epoch is greater than whatever is remembered");
    for store in [a, b] {
        assert_eq!(epoch(store).await, last);
        for session in [&one, &other] {
            assert!(!is_live(store, session).await, "a session from before is over");
            for generation in 0..3 {
                assert_eq!(
                    advance(store, session, generation, NOW).await,
                    Advance::Gone,
                    "it never advances"
                );
            }
            let sessions = store.sessions_of(session.user, NOW).await.expect("sessions_of");
            assert_eq!(sessions, [], "nor is it listed");
        }
        let all = UnixTime(0)..UnixTime(u64::MAX);
        assert_eq!(store.count(all, NOW).await.expect("count"), 0, "nor counted");
    }
    assert_eq!(position(a).await, before, "the epoch says it, so there are no lines");

    let later = session(one.user);
    let revision = a.revision(one.user).await.expect("revision");
    assert_eq!(a.create(&later, revision, 1).await.expect("create"), Creation::Created);
    assert_eq!(position(b).await, before, "a session that has ended does not count for the cap");
    assert!(is_live(b, &later).await, "whoever logs in from then on has a session");
    assert_eq!(advance(b, &later, 0, NOW).await, Advance::Advanced(1));
    let again = b.begin_epoch(last).await.expect("begin_epoch");
    assert!(again > last && is_live(a, &later).await && !is_live(a, &one).await);
}

//! A follower of pages against lists that grow, lose something, and begin anew.

use crate::jws::{good_header, sign, signing_key};
use countersign::{
    Claims,
    clock::{Clock, ManualClock, UnixTime},
    jwt::{AccessTokens, KeyRing, Rules},
    revocation::{Follower, Page, Revocations},
    session::SessionId,
    store::{Revocation, RevocationList, RevokedSubject, SessionStore, memory::MemoryStore},
    user::UserId,
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::time::Instant;

pub const NOW: UnixTime = UnixTime(1_000_000);
pub const TOKEN_LIFE: Duration = Duration::from_secs(900);
/// As long as a store keeps a line: the longest life and leeway of a token, and a minute.
const KEPT: Duration = Duration::from_secs(86_400 + 60 + 60);

fn follower() -> (Follower, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(NOW));
    (Follower::new(clock.clone(), TOKEN_LIFE), clock)
}

pub fn session(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

/// What a good token says that says this and what every token does.
pub fn claims_with(members: Value) -> Claims {
    static TOKENS: LazyLock<AccessTokens> = LazyLock::new(|| {
        let (issuer, audience) = ("https://issuer.example".into(), "api".into());
        let rules = Rules { issuer, audience, leeway: Duration::ZERO, max_lifetime: TOKEN_LIFE };
        AccessTokens::new(KeyRing::new(signing_key(), UnixTime(0)), rules)
    });
    let mut payload = json!({
        "iss": "https://issuer.example", "aud": "api", "client_id": "c", "jti": "j", "rev": 100, "iat": NOW,
        "exp": NOW.plus(TOKEN_LIFE),
    });
    let all = payload.as_object_mut().expect("an object");
    all.append(&mut members.as_object().expect("an object").clone());
    let token = sign(good_header().as_bytes(), payload.to_string().as_bytes());
    TOKENS.verify(token.as_bytes(), NOW).expect("a good token")
}

/// What a good token of this session says.
fn claims(session: SessionId, user: &str, revision: u64) -> Claims {
    claims_with(json!({ "sub": user, "sid": session.to_string(), "rev": revision }))
}

fn of_session(number: u8) -> Claims {
    claims(session(number), &UserId::random().to_string(), 100)
}

pub fn line(position: u64, subject: RevokedSubject) -> Revocation {
    Revocation { position, at: NOW, written_at: NOW.0 * 1_000, subject }
}

/// Sessions of these numbers, at positions from 1.
fn lines(sessions: impl IntoIterator<Item = u8>) -> Vec<Revocation> {
    let lines = sessions.into_iter().zip(1..);
    lines.map(|(number, position)| line(position, RevokedSubject::Session(session(number)))).collect()
}

/// What a server with this list answers.
pub fn page(epoch: u64, all: &[Revocation], from: u64, limit: usize) -> Page {
    let mut lines: Vec<_> = all.iter().filter(|line| line.position >= from).cloned().collect();
    let more = lines.len() > limit;
    lines.truncate(limit);
    let newest = all.iter().map(|line| line.at).max().unwrap_or(NOW);
    Page { from, list: RevocationList { epoch, read_at: newest.0 * 1_000 + 7, lines }, more, keys: None }
}

/// Reads such a list to its end; says how many pages that took.
fn read(follower: &Follower, epoch: u64, all: &[Revocation], limit: usize) -> u32 {
    let more = |_: &u32| follower.take(&page(epoch, all, follower.from(), limit), Instant::now());
    (1..100).find(|at| !more(at)).expect("an end")
}

#[test]
fn it_is_not_caught_up_before_the_end_of_the_list() {
    let (follower, _) = follower();
    let all = lines(1..=10);
    assert!(!follower.is_caught_up() && follower.from() == 0 && follower.epoch() == 0);
    assert!(follower.take(&page(100, &all, 0, 4), Instant::now()), "there is more");
    assert!(!follower.is_caught_up() && follower.from() == 4 && follower.epoch() == 0);
    assert!(follower.denies(&of_session(4)) && !follower.denies(&of_session(5)), "as far as it has read");
    assert_eq!(read(&follower, 100, &all, 4), 2, "each page begins with the last line of the one before");
    assert!(follower.is_caught_up() && follower.from() == 10 && follower.epoch() == 100);
    assert!((1..=10).all(|number| follower.denies(&of_session(number))));
    assert!(!follower.denies(&of_session(11)));
    assert_eq!(follower.lag(), None, "what was there before says nothing of how long it takes");
    read(&follower, 100, &lines(1..=11), 4);
    assert_eq!(follower.lag().map(|lag| (lag.count, lag.p50)), Some((1, Duration::from_millis(7))));
}

#[test]
fn how_stale_it_is_counts_from_when_the_last_page_was_asked_for() {
    let (follower, _) = follower();
    assert!(follower.staleness() < Duration::from_secs(60), "since it was made");
    let all = lines(1..=10);
    let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).expect("an uptime");
    follower.take(&page(100, &all, 0, 20), ago(100));
    assert!(follower.staleness() >= Duration::from_secs(100), "{:?}", follower.staleness());
    follower.take(&page(100, &all, 10, 20), ago(50));
    assert!((50..100).contains(&follower.staleness().as_secs()), "{:?}", follower.staleness());
    follower.take(&page(100, &all, 10, 20), ago(90));
    assert!((50..90).contains(&follower.staleness().as_secs()), "an older word makes it no staler");
    follower.take(&page(100, &all, 0, 20), Instant::now());
    follower.take(&page(100, &lines(1..=30), 10, 3), Instant::now());
    follower.take(&page(0, &[], 10, 3), Instant::now());
    assert!(follower.staleness().as_secs() >= 50, "and one that is not of the end is no word");
}

#[test]
fn the_first_page_begins_the_epoch() {
    let (follower, _) = follower();
    let user = UserId::random();
    follower.take(&page(100, &[line(1, RevokedSubject::User(user, 120))], 0, 10), Instant::now());
    for (whose, revision, denied) in [
        (user.to_string(), 119, true),
        (user.to_string(), 120, false),
        (UserId::random().to_string(), 99, true),
        (UserId::random().to_string(), 100, false),
        ("whoever another issuer means".into(), 99, true),
        ("whoever another issuer means".into(), 100, false),
    ] {
        assert_eq!(follower.denies(&claims(session(1), &whose, revision)), denied, "{whose} {revision}");
    }
}

/// What `lost` is answered from the last position on, for a follower that has read ten lines.
fn reads_anew(lost: &[Revocation], epoch: u64) {
    let (follower, _) = follower();
    read(&follower, 100, &lines(1..=10), 20);
    assert!(follower.take(&page(epoch, lost, follower.from(), 20), Instant::now()), "there is more to read");
    assert_eq!((follower.from(), follower.epoch()), (0, 0));
    assert!(follower.is_caught_up(), "it has been once");
    read(&follower, epoch, lost, 20);
    assert_eq!(follower.epoch(), epoch);
    assert!((1..=10).all(|number| follower.denies(&of_session(number))), "what was refused stays so");
    let fresh = |number| claims(session(number), &UserId::random().to_string(), epoch);
    for line in lost {
        let RevokedSubject::Session(id) = line.subject else { unreachable!("sessions alone") };
        assert!(follower.denies(&claims(id, &UserId::random().to_string(), epoch)));
    }
    assert!(!follower.denies(&fresh(99)));
    assert!(follower.denies(&claims(session(99), "u", epoch - 1)), "tokens from before");
}

#[test]
fn a_list_without_the_last_line_is_read_anew() {
    reads_anew(&lines(1..=9), 100);
    reads_anew(&[], 100);
}

#[test]
fn a_list_with_another_last_line_is_read_anew() {
    reads_anew(&lines((1..=9).chain([20, 21])), 100);
}

#[test]
fn a_list_with_a_gap_is_read_anew() {
    let mut lines = lines(1..=12);
    lines.remove(9);
    reads_anew(&lines, 100);
}

#[test]
fn another_epoch_is_read_anew() {
    reads_anew(&lines(1..=10), 101);
    reads_anew(&lines(30..=60), 101);
    reads_anew(&[], 101);
}

#[test]
fn a_lesser_epoch_makes_nothing_good_again() {
    let (follower, _) = follower();
    read(&follower, 100, &lines(1..=3), 20);
    read(&follower, 90, &lines(11..=12), 20);
    assert!([1, 2, 3, 11, 12].into_iter().all(|number| follower.denies(&of_session(number))));
    assert!(
        follower.denies(&claims(session(99), "u", 99)) && !follower.denies(&claims(session(99), "u", 100))
    );
}

#[test]
fn a_store_without_an_epoch_says_nothing() {
    let (follower, _) = follower();
    assert!(!follower.take(&page(0, &[], 0, 20), Instant::now()), "to ask again at once is of no use");
    assert!(!follower.is_caught_up() && follower.epoch() == 0);
    read(&follower, 100, &lines(1..=3), 20);
    assert!(!follower.take(&page(0, &[], 3, 20), Instant::now()));
    assert_eq!((follower.from(), follower.epoch()), (3, 100), "it waits for what comes of it");
}

#[test]
fn a_purged_last_line_is_no_loss_once_it_is_old() {
    let (follower, clock) = follower();
    let mut all = lines(1..=12);
    read(&follower, 100, &all[..10], 20);
    all.drain(..10);
    clock.set(NOW.plus(KEPT));
    for line in &mut all {
        line.at = clock.now();
    }
    assert!(!follower.take(&page(100, &all, 10, 20), Instant::now()), "that was all");
    assert_eq!(follower.from(), 12);
}

#[test]
fn a_page_that_comes_late_or_twice_is_passed_over() {
    let (follower, _) = follower();
    let all = lines(1..=9);
    let [first, second] = [page(100, &all, 0, 4), page(100, &all, 4, 4)];
    assert!(follower.take(&second, Instant::now()), "nothing was asked for there");
    assert_eq!(follower.from(), 0);
    for _ in 0..2 {
        assert!(follower.take(&first, Instant::now()));
        assert_eq!(follower.from(), 4);
    }
    follower.take(&second, Instant::now());
    // The epoch changes, and the page that says so comes twice: it is not the new list's first.
    let anew = page(101, &lines(11..=19), 7, 20);
    for _ in 0..2 {
        assert!(follower.take(&anew, Instant::now()));
        assert_eq!((follower.from(), follower.epoch()), (0, 0));
    }
    read(&follower, 101, &lines(11..=19), 20);
    assert!((1..=7).chain(11..=19).all(|number| { follower.denies(&claims(session(number), "u", 101)) }));
}

#[test]
fn what_no_longer_matters_is_forgotten_and_nothing_else() {
    let (follower, clock) = follower();
    let mut all = lines(1..=2);
    all[1].at = NOW.plus(Duration::from_secs(1));
    read(&follower, 100, &all, 20);
    // The life of a token and a minute for clocks that differ.
    clock.set(NOW.plus(Duration::from_secs(959)));
    follower.forget();
    assert!(follower.denies(&of_session(1)) && follower.denies(&of_session(2)));
    clock.set(NOW.plus(Duration::from_secs(960)));
    follower.forget();
    assert!(!follower.denies(&of_session(1)) && follower.denies(&of_session(2)));
    assert_eq!(follower.from(), 2, "how far it has read is not");
}

#[tokio::test]
async fn a_list_of_many_pages_is_read_to_its_last_line() {
    for count in [4_999, 5_000, 5_001, 9_999] {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(NOW)));
        let revocations =
            Revocations::open(store.clone(), clock.clone(), TOKEN_LIFE).await.expect("the store answers");
        let users: Vec<_> = (0..count).map(|_| UserId::random()).collect();
        for user in &users {
            store.revoke_access(*user, NOW).await.expect("revoked");
        }
        let follower = Follower::new(clock, TOKEN_LIFE);
        let mut pages = 0;
        loop {
            let page = revocations.page(follower.from()).await.expect("a page");
            assert!(page.list.lines.len() <= 5_000);
            pages += 1;
            if !follower.take(&page, Instant::now()) {
                break;
            }
        }
        assert!(pages <= 3 && follower.is_caught_up() && follower.from() == count, "{count} in {pages}");
        let epoch = follower.epoch();
        for user in &users {
            assert!(follower.denies(&claims(session(1), &user.to_string(), epoch)));
            assert!(!follower.denies(&claims(session(1), &user.to_string(), epoch + 1)));
        }
    }
}

/// What may happen to a list, and to the pages of it on their way.
#[derive(Clone, Debug)]
enum Step {
    Revoke(u8),
    /// The last lines are lost, and their positions will be given again.
    LoseTail(usize),
    /// All is lost.
    BeginAnew,
    /// A page of so many lines is asked for and is on its way.
    Ask(usize),
    /// Any page that was ever on its way comes, perhaps again.
    Arrive(Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_u8).prop_map(Step::Revoke),
        1 => (1..4_usize).prop_map(Step::LoseTail),
        1 => Just(Step::BeginAnew),
        5 => (2..5_usize).prop_map(Step::Ask),
        8 => any::<Index>().prop_map(Step::Arrive),
    ]
}

proptest! {
    /// However pages come, whoever then reads to the end misses nothing, forgets nothing and makes
    /// up nothing.
    #[test]
    fn in_the_end_a_follower_refuses_what_was_revoked(steps in prop::collection::vec(step(), 1..80)) {
        let (follower, _) = follower();
        let (mut epoch, mut all, mut on_their_way) = (100_u64, vec![], vec![]);
        let (mut ever, mut refused) = ([false; 40], [false; 40]);
        // Of so late a revision that it is their sessions alone that can be refused.
        let denied = |number: u8| {
            static CLAIMS: LazyLock<Vec<Claims>> =
                LazyLock::new(|| (0..40).map(|number| claims(session(number), "u", 1_000)).collect());
            follower.denies(&CLAIMS[usize::from(number)])
        };
        for step in steps {
            match step {
                Step::Revoke(number) => {
                    all.push(line(all.len() as u64 + 1, RevokedSubject::Session(session(number))));
                    ever[usize::from(number)] = true;
                }
                Step::LoseTail(count) => all.truncate(all.len().saturating_sub(count)),
                Step::BeginAnew => {
                    epoch += 1;
                    all.clear();
                }
                Step::Ask(limit) => on_their_way.push(page(epoch, &all, follower.from(), limit)),
                Step::Arrive(_) if on_their_way.is_empty() => {}
                Step::Arrive(which) => {
                    follower.take(which.get(&on_their_way), Instant::now());
                }
            }
            for (number, refused) in (0..).zip(&mut refused) {
                prop_assert!(denied(number) || !*refused, "{number} was refused and is taken again");
                *refused = denied(number);
            }
        }
        read(&follower, epoch, &all, 3);
        for number in 0..40 {
            let listed = all.iter().any(|line| line.subject == RevokedSubject::Session(session(number)));
            prop_assert!(denied(number) || !listed, "{number} was missed");
            prop_assert!(!denied(number) || ever[usize::from(number)], "{number} was never revoked");
        }
        prop_assert!(follower.denies(&claims(session(50), "u", epoch - 1)));
        prop_assert!(!follower.denies(&claims(session(50), "u", epoch)));
    }
}

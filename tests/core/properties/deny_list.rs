//! A deny list against a model that keeps every line it was told.

use crate::follower::{NOW, claims_with};
use countersign::{
    Claims,
    clock::UnixTime,
    revocation::DenyList,
    session::SessionId,
    store::{Revocation, RevokedSubject},
    token::TokenId,
    user::UserId,
};
use proptest::{prelude::*, sample::Index};
use serde_json::json;
use std::{sync::LazyLock, time::Duration};

/// A few of each, so that lines meet.
const MANY: usize = 3;
static USERS: LazyLock<[UserId; MANY]> = LazyLock::new(|| [(); MANY].map(|()| UserId::random()));

fn session(at: usize) -> SessionId {
    SessionId::from_bytes([at as u8; 16])
}

fn token(at: usize) -> TokenId {
    TokenId::from_bytes([at as u8; 16])
}

#[derive(Clone, Debug)]
enum Step {
    Note {
        what: RevokedSubject,
        at: u64,
        keep: u64,
    },
    BeginEpoch(u64),
    /// The time of day may be any, by a clock that was set wrong; the other only passes.
    Forget {
        now: u64,
        passed: u64,
    },
}

/// What a token says of itself that lines are about.
#[derive(Clone, Debug)]
struct Token {
    user: Option<usize>,
    session: usize,
    token: usize,
    client: usize,
    /// How many seconds ago it was issued.
    age: u64,
    revision: u64,
    client_revision: u64,
}

impl Token {
    fn claims(&self) -> Claims {
        let client = format!("client-{}", self.client);
        let subject = self.user.map_or_else(|| client.clone(), |user| USERS[user].to_string());
        let mut members = json!({
            "sub": subject, "client_id": client, "jti": token(self.token).to_string(),
            "rev": self.revision, "crev": self.client_revision, "iat": NOW.0 - self.age,
            "exp": NOW.0 - self.age + 900,
        });
        if self.user.is_some() {
            members["sid"] = session(self.session).to_string().into();
        }
        claims_with(members)
    }

    /// Whether this line is about it.
    fn is_meant(&self, line: &RevokedSubject) -> bool {
        match line {
            RevokedSubject::Session(id) => self.user.is_some() && *id == session(self.session),
            RevokedSubject::Token(id) => *id == token(self.token),
            RevokedSubject::SessionTokens(id, until) => {
                self.user.is_some() && *id == session(self.session) && NOW.0 - self.age <= until.0
            }
            RevokedSubject::User(id, revision) => {
                self.user.is_some_and(|user| USERS[user] == *id) && self.revision < *revision
            }
            RevokedSubject::Client(id, revision) => {
                id.as_str() == format!("client-{}", self.client) && self.client_revision < *revision
            }
        }
    }
}

fn revision() -> impl Strategy<Value = u64> {
    prop_oneof![0..4_u64, Just(u64::MAX)]
}

fn second() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..60_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 20)]
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        (0..MANY).prop_map(|at| RevokedSubject::Session(session(at))),
        (0..MANY).prop_map(|at| RevokedSubject::Token(token(at))),
        (0..MANY, 0..4_u64)
            .prop_map(|(at, age)| { RevokedSubject::SessionTokens(session(at), UnixTime(NOW.0 - age)) }),
        (0..MANY, revision()).prop_map(|(at, revision)| RevokedSubject::User(USERS[at], revision)),
        (0..MANY, revision()).prop_map(|(at, revision)| {
            RevokedSubject::Client(format!("client-{at}").parse().expect("an id"), revision)
        }),
    ];
    let note = (what, second(), prop_oneof![Just(10), 0..30_u64]);
    prop_oneof![
        12 => note.prop_map(|(what, at, keep)| Step::Note { what, at, keep }),
        4 => (second(), prop_oneof![Just(0), 0..30_u64]).prop_map(|(now, passed)| Step::Forget { now, passed }),
        1 => (0..4_u64).prop_map(Step::BeginEpoch),
    ]
}

fn a_token() -> impl Strategy<Value = Token> {
    let which = (proptest::option::weighted(0.8, 0..MANY), 0..MANY, 0..MANY, 0..MANY);
    (which, 0..4_u64, revision(), revision()).prop_map(
        |((user, session, token, client), age, revision, client_revision)| Token {
            user,
            session,
            token,
            client,
            age,
            revision,
            client_revision,
        },
    )
}

/// Two lines about one thing, whatever they say of revisions.
fn are_of_one(a: &RevokedSubject, b: &RevokedSubject) -> bool {
    match (a, b) {
        (RevokedSubject::User(a, _), RevokedSubject::User(b, _)) => a == b,
        (RevokedSubject::Client(a, _), RevokedSubject::Client(b, _)) => a == b,
        (RevokedSubject::SessionTokens(a, _), RevokedSubject::SessionTokens(b, _)) => a == b,
        (a, b) => a == b,
    }
}

/// The lines that it was told, each with the seconds of both clocks from which on it may be forgotten.
#[derive(Default)]
struct Model {
    lines: Vec<(RevokedSubject, u64, u64)>,
    epoch: u64,
    monotonic: u64,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Note { what, at, keep } => {
                self.lines.push((what.clone(), at.saturating_add(*keep), self.monotonic + keep));
            }
            Step::BeginEpoch(epoch) => self.epoch = self.epoch.max(*epoch),
            Step::Forget { now, passed } => {
                self.monotonic += passed;
                let monotonic = self.monotonic;
                // A line is needed as long as the last one about the same thing.
                let all = self.lines.clone();
                let needed = |line: &RevokedSubject| {
                    all.iter().any(|(other, until, monotonic_until)| {
                        are_of_one(line, other) && (*now < *until || monotonic < *monotonic_until)
                    })
                };
                self.lines.retain(|(line, ..)| needed(line));
            }
        }
    }

    fn denies(&self, token: &Token) -> bool {
        token.revision < self.epoch || self.lines.iter().any(|(line, ..)| token.is_meant(line))
    }

    /// How many things it is about.
    fn len(&self) -> usize {
        let first =
            |at: &usize| !self.lines[..*at].iter().any(|(line, ..)| are_of_one(line, &self.lines[*at].0));
        (0..self.lines.len()).filter(first).count()
    }
}

/// Takes a step at this second of the clock that only passes.
fn told(list: &DenyList, step: &Step, monotonic: u64) {
    let monotonic = Duration::from_secs(monotonic);
    match step {
        Step::Note { what, at, keep } => {
            let line = Revocation { position: 1, at: UnixTime(*at), written_at: 0, subject: what.clone() };
            list.note(&line, Duration::from_secs(*keep), monotonic);
        }
        Step::BeginEpoch(epoch) => list.begin_epoch(*epoch),
        Step::Forget { now, passed } => {
            list.forget(UnixTime(*now), monotonic + Duration::from_secs(*passed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_deny_list_denies_what_it_was_told_of_and_forgets_when_it_may(
        steps in proptest::collection::vec(step(), 1..24),
        tokens in proptest::collection::vec(a_token(), 1..6),
    ) {
        let (list, mut model) = (DenyList::default(), Model::default());
        let claims: Vec<_> = tokens.iter().map(Token::claims).collect();
        for step in &steps {
            told(&list, step, model.monotonic);
            model.take(step);
            for (token, claims) in tokens.iter().zip(&claims) {
                prop_assert_eq!(list.denies(claims), model.denies(token), "after {:?}: {:?}", step, token);
                if let Some(user) = token.user {
                    let of_token = |line: &RevokedSubject| matches!(line, RevokedSubject::Session(_) | RevokedSubject::User(..)) && token.is_meant(line);
                    let revoked = token.revision < model.epoch || model.lines.iter().any(|(line, ..)| of_token(line));
                    prop_assert_eq!(list.contradicts(session(token.session), USERS[user], token.revision), revoked);
                }
            }
            prop_assert_eq!((list.len(), list.is_empty()), (model.len(), model.len() == 0));
        }
    }

    /// The store that tells of them may be read in any order, and some of it twice.
    #[test]
    fn lines_say_the_same_in_any_order_and_any_number_of_times(
        lines in proptest::collection::vec(step().prop_filter("lines", |step| !matches!(step, Step::Forget { .. })), 1..12),
        again in proptest::collection::vec(any::<Index>(), 0..6),
        order in any::<u64>(),
        token in a_token(),
        now in second(),
        passed in 0..40_u64,
    ) {
        let (one, other) = (DenyList::default(), DenyList::default());
        lines.iter().for_each(|line| told(&one, line, 0));
        let mut shuffled: Vec<_> = lines.iter().chain(again.iter().map(|at| at.get(&lines))).collect();
        let length = shuffled.len();
        (0..length).for_each(|at| shuffled.swap(at, (order.rotate_left(at as u32) % length as u64) as usize));
        shuffled.iter().for_each(|line| told(&other, line, 0));
        for list in [&one, &other] {
            list.forget(UnixTime(now), Duration::from_secs(passed));
        }
        let claims = token.claims();
        prop_assert_eq!((one.denies(&claims), one.len()), (other.denies(&claims), other.len()));
    }
}

//! Threads that refresh, revoke and log in at once.

use super::{
    history::{Call, is_one_by_one, promises_are_kept},
    model::{Answer, GRACE, Model, Question},
};
use countersign::{
    clock::UnixTime,
    refresh_token::Salt,
    scope::Scope,
    session::SessionId,
    store::{
        Advance, Creation, Device, RevokedSubject, Session, SessionStore, Transport, memory::MemoryStore,
    },
    user::UserId,
};
use proptest::prelude::*;
use shuttle::{
    Config, Runner,
    scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler},
};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

const START: u64 = 1_000;
/// Out of every grace.
const LATE: u64 = START + 500;

/// The memory store never waits for anything but its locks.
fn answer<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

type Advancing = fn(&MemoryStore, SessionId, u64, UnixTime, Duration) -> Advance;

/// As the store does it.
fn whole(store: &MemoryStore, id: SessionId, generation: u64, now: UnixTime, grace: Duration) -> Advance {
    answer(store.advance(id, generation, now, grace)).expect("an answer")
}

/// As it must not be done: it looks, lets go of the lock, and writes then.
fn split(store: &MemoryStore, id: SessionId, generation: u64, now: UnixTime, grace: Duration) -> Advance {
    match answer(store.find(id, now)).expect("an answer") {
        Some((session, _)) if session.generation == generation => {
            whole(store, id, generation, now, Duration::MAX);
            Advance::Advanced(generation + 1)
        }
        _ => whole(store, id, generation, now, grace),
    }
}

struct Shop {
    store: MemoryStore,
    user: UserId,
    epoch: u64,
    advance: Advancing,
    turn: AtomicUsize,
}

fn id(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

impl Shop {
    fn open(advance: Advancing) -> Self {
        let (store, user) = (MemoryStore::new(), UserId::random());
        let epoch = answer(store.begin_epoch(0)).expect("an epoch");
        let shop = Self { store, user, epoch, advance, turn: AtomicUsize::new(0) };
        let first = Question::Create { session: 0, now: START, cap: 100 };
        assert_eq!(shop.ask(&first), Answer::Created(true));
        shop
    }

    fn session(&self, number: u8, now: u64) -> Session {
        Session {
            id: id(number),
            user: self.user,
            client_id: "first-party".into(),
            scope: Scope::default(),
            transport: Transport::Body,
            created_at: UnixTime(now),
            last_used_at: UnixTime(now),
            expires_at: UnixTime(u64::MAX),
            idle: Duration::from_secs(100_000),
            generation: 0,
            salt: Salt::random().expect("randomness"),
            device: Device::default(),
        }
    }

    fn ask(&self, question: &Question) -> Answer {
        match *question {
            Question::Advance { generation, now, grace } => {
                let grace = Duration::from_secs(grace);
                match (self.advance)(&self.store, id(0), generation, UnixTime(now), grace) {
                    Advance::Advanced(next) => Answer::Advanced(next),
                    Advance::Repeated(next) => Answer::Repeated(next),
                    Advance::Reused => Answer::Reused,
                    Advance::Gone => Answer::Gone,
                }
            }
            Question::Find { session, now } => {
                let found = answer(self.store.find(id(session), UnixTime(now))).expect("an answer");
                Answer::Found(found.map(|(session, _)| session.generation))
            }
            Question::Revoke { session, now } => {
                Answer::Revoked(answer(self.store.revoke(id(session), UnixTime(now))).expect("an answer"))
            }
            Question::RevokeUser { now } => {
                let revoked = answer(self.store.revoke_user(self.user, UnixTime(now)));
                Answer::RevokedAll(revoked.expect("an answer"))
            }
            Question::Create { session, now, cap } => {
                let session = self.session(session, now);
                let created = answer(self.store.create(&session, self.epoch, cap)).expect("an answer");
                Answer::Created(created == Creation::Created)
            }
            Question::List => {
                let list = answer(self.store.revocations(1, u32::MAX)).expect("an answer");
                let (mut listed, mut revoked_all) = (vec![], 0);
                for line in list.lines {
                    match line.subject {
                        RevokedSubject::Session(of) => {
                            listed.extend((0..=u8::MAX).find(|number| id(*number) == of));
                        }
                        RevokedSubject::User(..) => revoked_all += 1,
                        other => panic!("{other:?}"),
                    }
                }
                listed.sort_unstable();
                Answer::Listed(listed, revoked_all)
            }
        }
    }

    fn call(&self, question: &Question) -> Call {
        let began = self.turn.fetch_add(1, Relaxed);
        let answer = self.ask(question);
        Call { question: question.clone(), answer, began, ended: self.turn.fetch_add(1, Relaxed) }
    }
}

/// Each thread's questions, one after the other.
type Program = Vec<Vec<Question>>;

/// Runs the program once, looks at what is left, and holds all answers against the model.
fn run(program: &Program, oldest_first: bool, advance: Advancing) -> Vec<Call> {
    let shop = Arc::new(Shop::open(advance));
    let start = |questions: &Vec<Question>| {
        let (shop, questions) = (shop.clone(), questions.clone());
        shuttle::thread::spawn(move || {
            questions.iter().map(|question| shop.call(question)).collect::<Vec<_>>()
        })
    };
    let threads: Vec<_> = program.iter().map(start).collect();
    let mut calls: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect();

    let sessions = 0..=program.iter().flatten().count() as u8;
    let looks = sessions.map(|session| Question::Find { session, now: LATE });
    calls.extend(looks.chain([Question::List]).map(|look| shop.call(&look)).collect::<Vec<_>>());
    // Whoever was handed a token presents it.
    let handed = |call: &Call| match call.answer {
        Answer::Advanced(generation) | Answer::Repeated(generation) => Some(generation),
        _ => None,
    };
    let mut leaves: Vec<_> = calls.iter().filter_map(handed).chain([0]).collect();
    leaves.sort_unstable();
    leaves.dedup();
    if !oldest_first {
        leaves.reverse();
    }
    let presented: Vec<_> = leaves
        .into_iter()
        .map(|generation| shop.call(&Question::Advance { generation, now: LATE, grace: 0 }))
        .collect();
    let live = presented.iter().filter(|call| handed(call).is_some()).count();
    assert!(live <= 1, "there are never two live leaves: {calls:?}, then {presented:?}");
    calls.extend(presented);

    promises_are_kept(&calls);
    let all: Vec<_> = calls.iter().collect();
    assert!(is_one_by_one(&Model::new(START), &all), "no order of these explains them: {calls:#?}");
    calls
}

fn try_out(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    // The search in a history goes as deep as that is long.
    config.stack_size = 1 << 20;
    Runner::new(scheduler, config).run(test);
}

fn advance(generation: u64, now: u64) -> Question {
    Question::Advance { generation, now, grace: GRACE }
}

fn without_grace(generation: u64) -> Question {
    Question::Advance { generation, now: START, grace: 0 }
}

/// Every order that there is; `check` is told what the threads were answered.
fn every_order(program: Program, check: impl Fn(&[Answer]) + Send + Sync + 'static) {
    let count = program.iter().flatten().count();
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = orders.clone();
    let checked = move || {
        counted.fetch_add(1, Relaxed);
        let answers: Vec<_> = run(&program, true, whole).into_iter().map(|call| call.answer).collect();
        check(&answers[..count]);
    };
    try_out(DfsScheduler::new(None, false), checked);
    assert!(orders.load(Relaxed) > 1, "there is more than one order");
}

fn count(answers: &[Answer], wanted: Answer) -> usize {
    answers.iter().filter(|answer| **answer == wanted).count()
}

// R02
#[test]
fn of_three_refreshes_with_one_token_one_wins_and_the_others_get_its_successor() {
    every_order(vec![vec![advance(0, START)]; 3], |answers| {
        assert_eq!((count(answers, Answer::Advanced(1)), count(answers, Answer::Repeated(1))), (1, 2));
    });
}

// R01
#[test]
fn without_grace_the_second_of_three_ends_the_session() {
    every_order(vec![vec![without_grace(0)]; 3], |answers| {
        let counts = [Answer::Advanced(1), Answer::Reused, Answer::Gone].map(|of| count(answers, of));
        assert_eq!(counts, [1, 1, 1]);
    });
}

// R05
#[test]
fn a_refresh_that_races_a_revocation_wins_before_it_or_not_at_all() {
    for revoke in [Question::Revoke { session: 0, now: START }, Question::RevokeUser { now: START }] {
        every_order(vec![vec![advance(0, START), advance(1, START)], vec![revoke]], |answers| {
            let [first, second, _] = answers else { panic!("{answers:?}") };
            assert!(matches!(
                (first, second),
                (Answer::Advanced(1), Answer::Advanced(2) | Answer::Gone) | (Answer::Gone, Answer::Gone)
            ));
        });
    }
}

#[test]
fn a_login_over_the_cap_ends_the_session_for_whoever_refreshes_it() {
    let login = Question::Create { session: 1, now: START, cap: 1 };
    every_order(vec![vec![advance(0, START)], vec![advance(0, START)], vec![login]], |answers| {
        assert_eq!(answers[2], Answer::Created(true));
        assert!(
            answers[..2]
                .iter()
                .all(|answer| matches!(answer, Answer::Advanced(1) | Answer::Repeated(1) | Answer::Gone))
        );
    });
}

// R03
#[test]
fn a_grandparent_ends_the_session_in_every_order() {
    every_order(vec![vec![advance(0, START), advance(1, START)], vec![advance(0, START)]], |answers| {
        // Before the first, it is the first; between them, its twin; behind them, a copy.
        let (twin, copies) = (count(answers, Answer::Repeated(1)), count(answers, Answer::Reused));
        assert_eq!((count(answers, Answer::Advanced(1)), twin + copies), (1, 1));
    });
}

#[test]
#[should_panic(expected = "one caller, ever, advances to a generation")]
fn a_store_that_looks_under_one_lock_and_writes_under_the_next_is_found_out() {
    let program = vec![vec![advance(0, START)], vec![advance(0, START)]];
    try_out(DfsScheduler::new(None, false), move || drop(run(&program, true, split)));
}

fn question() -> impl Strategy<Value = Question> {
    let now = || prop_oneof![Just(START), Just(START + GRACE - 1), Just(START + GRACE), START..START + 40];
    let generation = prop_oneof![4 => Just(0_u64), 3 => Just(1_u64), 1 => 2..4_u64];
    let grace = prop_oneof![3 => Just(GRACE), 1 => Just(0)];
    prop_oneof![
        12 => (generation, now(), grace)
            .prop_map(|(generation, now, grace)| Question::Advance { generation, now, grace }),
        1 => now().prop_map(|now| Question::Find { session: 0, now }),
        1 => now().prop_map(|now| Question::Revoke { session: 0, now }),
        1 => now().prop_map(|now| Question::RevokeUser { now }),
        2 => (1..4_u32).prop_map(|cap| Question::Create { session: 0, now: START, cap }),
    ]
}

/// Up to four threads with up to three questions each; each login makes a session of its own, in a second
/// of its own, as nobody says which of two that began and were used together is the older one.
fn program() -> impl Strategy<Value = Program> {
    let thread = proptest::collection::vec(question(), 1..4);
    proptest::collection::vec(thread, 2..5).prop_map(|mut program| {
        for (at, question) in (1..).zip(program.iter_mut().flatten()) {
            if let Question::Create { session, now, .. } = question {
                (*session, *now) = (at, START + u64::from(at));
            }
        }
        program
    })
}

/// How many orders of each program are tried out.
const ORDERS: usize = 30;

proptest! {
    // R02, R05
    #[test]
    fn whatever_threads_do_at_once_could_have_been_done_one_by_one(
        program in program(),
        oldest_first in any::<bool>(),
        depth in 1..4_usize,
    ) {
        let again = program.clone();
        try_out(RandomScheduler::new(ORDERS), move || drop(run(&program, oldest_first, whole)));
        try_out(PctScheduler::new(depth, ORDERS), move || drop(run(&again, oldest_first, whole)));
    }
}

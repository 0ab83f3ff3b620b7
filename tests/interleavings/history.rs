//! What several threads asked and were answered, and whether it could have been one by one.

use super::model::{Answer, Model, Question};
use std::collections::BTreeMap;

/// One call: when it began and when it had its answer, both by one counter of all threads.
#[derive(Clone, Debug)]
pub struct Call {
    pub question: Question,
    pub answer: Answer,
    pub began: usize,
    pub ended: usize,
}

/// Whether there is an order of all calls in which the model answers the same, and in which no call
/// comes before one that had its answer before it began (linearizability, Herlihy and Wing 1990).
pub fn is_one_by_one(model: &Model, calls: &[&Call]) -> bool {
    calls.is_empty()
        || calls.iter().enumerate().any(|(at, next)| {
            let mut model = model.clone();
            let may_be_next = calls.iter().all(|other| other.ended >= next.began);
            may_be_next && model.ask(&next.question) == next.answer && {
                let rest: Vec<_> = [&calls[..at], &calls[at + 1..]].concat();
                is_one_by_one(&model, &rest)
            }
        })
}

/// The promises, said once more without the model.
pub fn promises_are_kept(calls: &[Call]) {
    let mut winners = BTreeMap::<_, u32>::new();
    for call in calls {
        if let Answer::Advanced(generation) = call.answer {
            *winners.entry(generation).or_default() += 1;
        }
    }
    assert!(winners.values().all(|count| *count == 1), "one caller, ever, advances to a generation");
    for call in calls {
        match (&call.question, &call.answer) {
            (Question::Advance { generation, .. }, Answer::Advanced(next)) => {
                assert_eq!(*next, generation + 1)
            }
            (Question::Advance { generation, grace, .. }, Answer::Repeated(next)) => {
                assert_eq!(*next, generation + 1, "a parent is answered with its own successor");
                assert!(winners.contains_key(next) && *grace > 0, "which somebody has won");
            }
            (_, Answer::Reused | Answer::Revoked(true) | Answer::RevokedAll(_))
                if !matches!(call.question, Question::Revoke { session: 1.., .. }) =>
            {
                let later = calls.iter().filter(|later| later.began > call.ended);
                let mut minted =
                    later.filter(|later| matches!(later.answer, Answer::Advanced(_) | Answer::Repeated(_)));
                assert!(minted.next().is_none(), "nothing is minted once the session is said to be over");
            }
            _ => {}
        }
    }
}

//! Asks the stores whether they answer, once a second at most, however many callers ask for it.

use super::readiness::Answers;
use crate::{
    clock::Clock,
    store::{StoreError, Stores},
    web::complaint::complain,
};
use rocket::tokio::{join, sync::Mutex, time::timeout};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a store may take to answer, so that the caller is answered in time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer is cached.
const REUSED: Duration = Duration::from_secs(1);

/// Whether each of the stores answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoreAnswers {
    pub(super) users: Answers,
    pub(super) sessions: Answers,
    pub(super) clients: Answers,
    pub(super) attempts: Answers,
    /// By how much this server's clock and the stores' differ, if all of them say.
    pub(super) clock_difference: Option<Duration>,
}

/// The cached answers. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Probe(Arc<Mutex<Option<(Instant, StoreAnswers)>>>);

impl Probe {
    /// Returns answers that are at most a second old, and asks for new ones otherwise. One caller asks at
    /// a time; the others wait for its answers and use them.
    pub(super) async fn answers(&self, stores: &Stores, clock: &dyn Clock) -> StoreAnswers {
        let mut last = self.0.lock().await;
        if let Some((at, answers)) = *last
            && at.elapsed() < REUSED
        {
            return answers;
        }
        let answers = ask(stores, clock).await;
        *last = Some((Instant::now(), answers));
        answers
    }
}

/// Asks each store once, all at the same time, and waits for none longer than two seconds.
async fn ask(stores: &Stores, clock: &dyn Clock) -> StoreAnswers {
    let (users, sessions, clients, attempts, clock_difference) = join!(
        answer("users", stores.users.ping()),
        answer("sessions", stores.sessions.probe()),
        of_clients(stores),
        of_attempts(stores),
        timeout(PATIENCE, stores.clock_difference(clock))
    );
    // What is in a store that was asked already is as well as that.
    let shared = |own: Option<Answers>, is_in: fn(&Stores) -> Place| {
        own.unwrap_or(match is_in(stores) {
            Place::Users => users,
            Place::Sessions => sessions,
            Place::Own => Answers::Up,
        })
    };
    let (clients, attempts) = (shared(clients, place_of_clients), shared(attempts, place_of_attempts));
    // That a store does not answer is said by its own state.
    let clock_difference = clock_difference.ok().and_then(Result::ok);
    StoreAnswers { users, sessions, clients, attempts, clock_difference }
}

async fn answer(what: &str, asked: impl Future<Output = Result<(), StoreError>>) -> Answers {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Answers::Up,
        Ok(Err(error)) => {
            complain(&format!("not ready: {what}"), &error);
            Answers::Down
        }
        Err(late) => {
            complain(&format!("not ready: {what}, no answer within {} s", PATIENCE.as_secs()), &late);
            Answers::Slow
        }
    }
}

/// In which store something is kept.
#[derive(PartialEq)]
enum Place {
    Users,
    Sessions,
    /// One of its own, or this process's memory.
    Own,
}

impl Place {
    fn of<T: ?Sized>(stores: &Stores, store: Option<&Arc<T>>) -> Self {
        let Some(store) = store.map(Arc::as_ptr) else { return Self::Own };
        if std::ptr::addr_eq(store, Arc::as_ptr(&stores.users)) {
            Self::Users
        } else if std::ptr::addr_eq(store, Arc::as_ptr(&stores.sessions)) {
            Self::Sessions
        } else {
            Self::Own
        }
    }
}

fn place_of_clients(stores: &Stores) -> Place {
    Place::of(stores, stores.clients.as_ref())
}

fn place_of_attempts(stores: &Stores) -> Place {
    Place::of(stores, stores.attempts.as_ref())
}

/// `None`: they are not in a store of their own.
async fn of_clients(stores: &Stores) -> Option<Answers> {
    let own = stores.clients.as_ref().filter(|_| place_of_clients(stores) == Place::Own)?;
    Some(answer("clients", async { own.list(None, 1).await.map(drop) }).await)
}

async fn of_attempts(stores: &Stores) -> Option<Answers> {
    let own = stores.attempts.as_ref().filter(|_| place_of_attempts(stores) == Place::Own)?;
    // Removes nothing, and is a question all the same.
    Some(answer("attempts", async { own.purge(0).await.map(drop) }).await)
}

//! What the server depends on, and how it is.

use crate::{
    config::WhenStale,
    grant::Authority,
    revocation::Lag,
    store::{StoreError, Stores},
    web::{answer::Private, catcher, complaint::complain, drain::Drain},
};
use rocket::{
    Request,
    http::{Header, Status},
    response::{self, Responder},
    tokio::{join, time::timeout},
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;

/// How long a store may take to answer, so that whoever asks hears of it in time.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long lines of the audit trail may wait before it is said to be behind.
const BEHIND: Duration = Duration::from_secs(10);

/// Whether requests can be served, and what that depends on.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Readiness)]
pub(in crate::web) struct Readiness {
    /// `ready`, `not ready` or `draining`.
    status: &'static str,
    #[schema(inline)]
    users: Answers,
    #[schema(inline)]
    sessions: Answers,
    #[schema(inline)]
    clients: Answers,
    #[schema(inline)]
    attempts: Answers,
    #[schema(inline)]
    audit: Audit,
    #[schema(inline)]
    keys: Keys,
    #[schema(inline)]
    revocation: Revocation,
    #[schema(inline)]
    hashing: Hashing,
}

/// Whether a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Answers {
    Up,
    Down,
    /// Not within two seconds.
    Slow,
}

/// What is kept up to date by following it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Followed {
    Up,
    /// The last look has failed.
    Failing,
    /// For longer than access tokens may be taken without word of it.
    Stale,
}

/// How far the store of the audit trail is behind.
#[derive(Serialize, ToSchema)]
struct Audit {
    /// `up`, or `behind` for more than ten seconds.
    state: &'static str,
    /// Lines that wait for the store.
    waiting: usize,
    /// How long the first of them has.
    #[schema(value_type = u64)]
    oldest_ms: u128,
    /// Lines that are in the log alone.
    lost: u64,
}

/// How well this process knows the keys.
#[derive(Serialize, ToSchema)]
struct Keys {
    #[schema(inline)]
    state: Followed,
    /// Since they were last read.
    #[schema(value_type = u64)]
    staleness_ms: u128,
}

/// How busy the threads are that hash passwords.
#[derive(Serialize, ToSchema)]
struct Hashing {
    /// `up`, or `full` while no more can wait.
    state: &'static str,
    /// Passwords that wait.
    waiting: usize,
    /// How many can.
    queue: usize,
    /// Passwords that are hashed at this moment.
    running: usize,
    /// How many can be.
    threads: usize,
}

/// How well this process knows what was revoked.
#[derive(Serialize, ToSchema)]
struct Revocation {
    #[schema(inline)]
    state: Followed,
    /// Since the list was last read to its end.
    #[schema(value_type = u64)]
    staleness_ms: u128,
    /// How long tokens are taken without word.
    #[schema(value_type = u64)]
    max_staleness_ms: u128,
    /// And then: `refuse` or `accept`.
    when_stale: &'static str,
    /// From a revocation to its being refused here; `null` if nothing was revoked lately.
    #[schema(inline, required = true)]
    lag: Option<LagMillis>,
}

#[derive(Serialize, ToSchema)]
struct LagMillis {
    /// Half of them took no longer.
    #[schema(value_type = u64)]
    p50_ms: u128,
    /// And 99 in a hundred.
    #[schema(value_type = u64)]
    p99_ms: u128,
    /// Of so many.
    count: usize,
}

impl From<Lag> for LagMillis {
    fn from(lag: Lag) -> Self {
        Self { p50_ms: lag.p50.as_millis(), p99_ms: lag.p99.as_millis(), count: lag.count }
    }
}

impl Readiness {
    /// Asks each store once, all at the same time, and waits for none longer than two seconds.
    pub(in crate::web) async fn of(authority: &Authority, drain: &Drain) -> Self {
        let stores = &authority.stores;
        let (users, sessions, clients, attempts) = join!(
            answer("users", stores.users.ping()),
            answer("sessions", stores.sessions.probe()),
            of_clients(stores),
            of_attempts(stores)
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
        let answers = [users, sessions, clients, attempts];
        let is_ready = answers.iter().all(|answer| *answer == Answers::Up) && authority.is_informed();
        Self {
            status: match is_ready {
                _ if drain.has_begun() => "draining",
                true => "ready",
                false => "not ready",
            },
            users,
            sessions,
            clients,
            attempts,
            audit: Audit::of(authority),
            keys: Keys::of(authority),
            revocation: Revocation::of(authority),
            hashing: Hashing::of(authority),
        }
    }

    pub(in crate::web) fn is_ready(&self) -> bool {
        self.status == "ready"
    }

    /// Whether each of the stores answers.
    pub(in crate::web) fn stores(&self) -> [(&'static str, Answers); 4] {
        [
            ("users", self.users),
            ("sessions", self.sessions),
            ("clients", self.clients),
            ("attempts", self.attempts),
        ]
    }
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
    Some(answer("attempts", async { own.purge(crate::clock::UnixTime(0), 0).await.map(drop) }).await)
}

impl Audit {
    fn of(authority: &Authority) -> Self {
        let backlog = authority.audit.backlog();
        Self {
            state: if backlog.oldest > BEHIND { "behind" } else { "up" },
            waiting: backlog.waiting,
            oldest_ms: backlog.oldest.as_millis(),
            lost: backlog.lost,
        }
    }
}

impl Keys {
    fn of(authority: &Authority) -> Self {
        let (keys, staleness) = (&authority.keys, authority.keys.staleness());
        let state = match () {
            () if staleness > authority.revocation.max_staleness => Followed::Stale,
            () if keys.is_unread() => Followed::Failing,
            () => Followed::Up,
        };
        Self { state, staleness_ms: staleness.as_millis() }
    }
}

impl Revocation {
    fn of(authority: &Authority) -> Self {
        let (limits, staleness) = (&authority.revocation, authority.revocations.staleness());
        let is_stale = staleness > limits.max_staleness;
        Self {
            state: if is_stale { Followed::Stale } else { Followed::Up },
            staleness_ms: staleness.as_millis(),
            max_staleness_ms: limits.max_staleness.as_millis(),
            when_stale: WhenStale::as_str(limits.when_stale),
            lag: authority.revocations.lag().map(LagMillis::from),
        }
    }
}

impl Hashing {
    fn of(authority: &Authority) -> Self {
        let load = authority.hasher.load();
        Self {
            state: if load.waiting >= load.bound { "full" } else { "up" },
            waiting: load.waiting,
            queue: load.bound,
            running: load.running,
            threads: load.threads,
        }
    }
}

impl<'r> Responder<'r, 'static> for Readiness {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        if self.is_ready() {
            return Private(self).respond_to(request);
        }
        let problem = catcher::problem(Status::ServiceUnavailable);
        let mut body = serde_json::json!(self);
        body["error"] = problem.error.into();
        body["error_description"] = problem.description.into();
        let mut response = Private(body).respond_to(request)?;
        response.set_status(problem.status);
        response.set_header(Header::new("Retry-After", "1"));
        Ok(response)
    }
}

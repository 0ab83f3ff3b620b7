//! What the server depends on, and how it is.

use super::{HealthCheck, probe::StoreAnswers};
use crate::{
    config::WhenStale,
    grant::Authority,
    revocation::Lag,
    store::MAX_DIFFERENCE,
    web::{answer::Private, catcher},
};
use rocket::{
    Request,
    http::{Header, Status},
    response::{self, Responder},
};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use utoipa::ToSchema;

/// How long lines of the audit trail may wait before it is said to be behind.
const BEHIND: Duration = Duration::from_secs(10);

/// Whether requests can be served, and, where the metrics can be read, what that depends on.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Readiness)]
pub(in crate::web) struct Readiness {
    /// `ready`, `not ready` or `draining`. Where the metrics cannot be read, nothing else is said.
    status: &'static str,
    #[schema(inline, required = false)]
    users: Answers,
    #[schema(inline, required = false)]
    sessions: Answers,
    #[schema(inline, required = false)]
    clients: Answers,
    #[schema(inline, required = false)]
    attempts: Answers,
    #[schema(inline, required = false)]
    audit: Audit,
    #[schema(inline, required = false)]
    keys: Keys,
    #[schema(inline, required = false)]
    revocation: Revocation,
    #[schema(inline, required = false)]
    hashing: Hashing,
    #[schema(inline, required = false)]
    clock: Clock,
    #[serde(skip)]
    has_details: bool,
}

/// Whether this server's clock and the stores' agree.
#[derive(Serialize, ToSchema)]
struct Clock {
    /// `up`, `off` by more than a minute, or `unknown` while a store does not answer.
    state: &'static str,
    /// By how many seconds it differs from a store's at most; `null` while unknown.
    #[schema(required = true)]
    difference_s: Option<u64>,
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
    /// How things stand, by answers of the stores that are at most a second old.
    pub(in crate::web) async fn of(health: &HealthCheck) -> Self {
        let HealthCheck { authority, drain, probe, has_details } = health;
        let answers = probe.answers(&authority.stores, &*authority.clock).await;
        let StoreAnswers { users, sessions, clients, attempts, clock_difference } = answers;
        let clock = Clock::of(clock_difference);
        let answers = [users, sessions, clients, attempts];
        let is_ready =
            answers.iter().all(|answer| *answer == Answers::Up) && authority.is_informed() && clock.is_up();
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
            clock,
            has_details: *has_details,
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

impl Clock {
    /// `None`: a store did not say what time it is.
    fn of(difference: Option<Duration>) -> Self {
        let state = match difference {
            Some(apart) if apart > MAX_DIFFERENCE => "off",
            Some(_) => "up",
            None => "unknown",
        };
        Self { state, difference_s: difference.map(|apart| apart.as_secs()) }
    }

    fn is_up(&self) -> bool {
        self.state == "up"
    }
}

impl<'r> Responder<'r, 'static> for Readiness {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut body = if self.has_details { json!(self) } else { json!({ "status": self.status }) };
        if self.is_ready() {
            return Private(body).respond_to(request);
        }
        let problem = catcher::problem(Status::ServiceUnavailable);
        body["error"] = problem.error.into();
        body["error_description"] = problem.description.into();
        let mut response = Private(body).respond_to(request)?;
        response.set_status(problem.status);
        response.set_header(Header::new("Retry-After", "1"));
        Ok(response)
    }
}

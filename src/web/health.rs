//! `/health/live` and `/health/ready`, for load balancers and orchestrators.

use super::{
    answer::{Private, unavailable},
    catcher,
};
use crate::{grant::Authority, revocation::Lag, store::StoreError};
use rocket::{
    Request, State, get,
    http::{Header, Status},
    response::{self, Responder},
};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
}

/// The process runs and answers, whatever the stores do.
#[get("/health/live")]
pub(super) fn live() -> Private<Health> {
    Private(Health { status: "up" })
}

/// Whether requests can be served, and what that depends on.
#[derive(Serialize)]
pub(super) struct Readiness {
    status: &'static str,
    users: &'static str,
    sessions: &'static str,
    revocation: Revocation,
}

/// How well this process knows what was revoked.
#[derive(Serialize)]
struct Revocation {
    /// Since the list was last read to its end.
    staleness_ms: u128,
    max_staleness_ms: u128,
    when_stale: &'static str,
    /// From a revocation to its being refused here.
    lag: Option<LagMillis>,
}

#[derive(Serialize)]
struct LagMillis {
    p50_ms: u128,
    p99_ms: u128,
    count: usize,
}

impl From<Lag> for LagMillis {
    fn from(lag: Lag) -> Self {
        Self { p50_ms: lag.p50.as_millis(), p99_ms: lag.p99.as_millis(), count: lag.count }
    }
}

/// 200 while both stores answer and access tokens can be taken, else 503.
#[get("/health/ready")]
pub(super) async fn ready(authority: &State<Authority>) -> Readiness {
    let state = |answer: Result<(), StoreError>| match answer.map_err(unavailable("not ready")) {
        Ok(()) => "up",
        Err(_) => "down",
    };
    let users = state(authority.stores.users.ping().await);
    let sessions = state(authority.stores.sessions.probe().await);
    let (limits, revocations) = (&authority.revocation, &authority.revocations);
    let is_ready = users == "up" && sessions == "up" && authority.is_informed();
    Readiness {
        status: if is_ready { "ready" } else { "not ready" },
        users,
        sessions,
        revocation: Revocation {
            staleness_ms: revocations.staleness().as_millis(),
            max_staleness_ms: limits.max_staleness.as_millis(),
            when_stale: limits.when_stale.as_str(),
            lag: revocations.lag().map(LagMillis::from),
        },
    }
}

impl<'r> Responder<'r, 'static> for Readiness {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        if self.status == "ready" {
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

//! `/health/live` and `/health/ready`, for load balancers and orchestrators.

use super::{
    answer::{Private, unavailable},
    catcher,
    openapi::tag,
};
use crate::{grant::Authority, revocation::Lag, store::StoreError};
use rocket::{
    Request, State, get,
    http::{Header, Status},
    response::{self, Responder},
};
use serde::Serialize;
use utoipa::ToSchema;

/// That the process runs.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Health)]
pub(super) struct Health {
    /// `up`.
    status: &'static str,
}

#[utoipa::path(
    operation_id = "live",
    tag = tag::HEALTH,
    summary = "Whether the process answers",
    description = "Whatever the stores do.",
    responses((status = 200, description = "It does", body = Health, example = json!({ "status": "up" }))),
)]
#[get("/health/live")]
pub(super) fn live() -> Private<Health> {
    Private(Health { status: "up" })
}

/// Whether requests can be served, and what that depends on.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Readiness)]
pub(super) struct Readiness {
    /// `ready` or `not ready`.
    status: &'static str,
    /// Whether the store of users answers: `up` or `down`.
    users: &'static str,
    /// Whether the store of sessions answers.
    sessions: &'static str,
    #[schema(inline)]
    revocation: Revocation,
}

/// How well this process knows what was revoked.
#[derive(Serialize, ToSchema)]
struct Revocation {
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

/// 200 while both stores answer and access tokens can be taken, else 503.
#[utoipa::path(
    operation_id = "ready",
    tag = tag::HEALTH,
    summary = "Whether requests can be served",
    description = "They can while both stores answer and it is known what was revoked.",
    responses(
        (
            status = 200,
            description = "They can",
            body = Readiness,
            example = json!({ "status": "ready", "users": "up", "sessions": "up", "revocation": {
                "staleness_ms": 40, "max_staleness_ms": 30000, "when_stale": "refuse", "lag": null,
            } }),
        ),
        (
            status = 503,
            description = "They cannot; what is the matter is said beside the error",
            body = Readiness,
            headers(("Retry-After" = u64, description = "Seconds")),
            example = json!({ "status": "not ready", "users": "down", "sessions": "up", "revocation": {
                "staleness_ms": 40, "max_staleness_ms": 30000, "when_stale": "refuse", "lag": null,
            }, "error": "temporarily_unavailable",
               "error_description": "The service cannot answer right now; try again shortly" }),
        ),
    ),
)]
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

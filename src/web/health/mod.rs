//! `/health/live` and `/health/ready`, for load balancers and orchestrators.

mod probe;
mod readiness;

pub(super) use readiness::{Answers, Readiness};

use super::{answer::Private, drain::Drain, openapi::tag};
use crate::grant::Authority;
use probe::Probe;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

/// What readiness depends on. Clones share the cached answers of the stores.
#[derive(Clone)]
pub(super) struct HealthCheck {
    authority: Authority,
    drain: Drain,
    probe: Probe,
    /// Whether answers have details, and not only the status.
    has_details: bool,
}

impl HealthCheck {
    pub(super) fn of(authority: &Authority, drain: &Drain, has_details: bool) -> Self {
        Self { authority: authority.clone(), drain: drain.clone(), probe: Probe::default(), has_details }
    }

    /// Returns a clone whose answers have details.
    pub(super) fn detailed(&self) -> Self {
        Self { has_details: true, ..self.clone() }
    }
}

/// That the process runs.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Health)]
pub(super) struct Health {
    /// `up`.
    status: &'static str,
}

/// The process runs and answers, whatever the stores do.
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

/// 200 while the stores answer and access tokens can be taken, else 503; and 503 once the server is
/// about to end. The stores are asked once a second at most.
#[utoipa::path(
    operation_id = "ready",
    tag = tag::HEALTH,
    summary = "Whether requests can be served",
    description = "They can while the stores answer, their clocks and this server's differ by a minute at most, and it is \
        known what was revoked, until the server is about to end. \
        The stores are asked once a second at most. Where the metrics cannot be read, only `status` is there.",
    responses(
        (
            status = 200,
            description = "They can",
            body = Readiness,
            example = json!({
                "status": "ready", "users": "up", "sessions": "up", "clients": "up", "attempts": "up",
                "audit": { "state": "up", "waiting": 0, "oldest_ms": 0, "lost": 0 },
                "keys": { "state": "up", "staleness_ms": 400 },
                "revocation": {
                    "state": "up", "staleness_ms": 40, "max_staleness_ms": 30000, "when_stale": "refuse", "lag": null,
                },
                "hashing": { "state": "up", "waiting": 0, "queue": 64, "running": 0, "threads": 1 },
                "clock": { "state": "up", "difference_s": 0 },
            }),
        ),
        (
            status = 503,
            description = "They cannot; what is the matter is said beside the error",
            body = Readiness,
            headers(("Retry-After" = u64, description = "Seconds")),
            example = json!({
                "status": "not ready", "users": "down", "sessions": "up", "clients": "down", "attempts": "up",
                "audit": { "state": "behind", "waiting": 12, "oldest_ms": 11000, "lost": 0 },
                "keys": { "state": "up", "staleness_ms": 400 },
                "revocation": {
                    "state": "up", "staleness_ms": 40, "max_staleness_ms": 30000, "when_stale": "refuse", "lag": null,
                },
                "hashing": { "state": "up", "waiting": 0, "queue": 64, "running": 0, "threads": 1 },
                "clock": { "state": "up", "difference_s": 0 },
                "error": "temporarily_unavailable",
                "error_description": "The service cannot answer right now; try again shortly",
            }),
        ),
    ),
)]
#[get("/health/ready")]
pub(super) async fn ready(health: &State<HealthCheck>) -> Readiness {
    Readiness::of(health).await
}

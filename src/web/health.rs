//! `/health/live` and `/health/ready`, for load balancers and orchestrators.

use super::answer::{Private, Problem, unavailable};
use crate::grant::Authority;
use rocket::{State, get};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
}

/// The process runs and answers, whatever the store does.
#[get("/health/live")]
pub(super) fn live() -> Private<Health> {
    Private(Health { status: "up" })
}

/// The store answers too.
#[get("/health/ready")]
pub(super) async fn ready(authority: &State<Authority>) -> Result<Private<Health>, Problem> {
    authority.stores.users.ping().await.map_err(unavailable("not ready"))?;
    Ok(Private(Health { status: "ready" }))
}

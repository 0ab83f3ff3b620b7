//! 429: too many guesses have failed, or there were too many requests (RFC 6585 §4).

use super::refused::problem;
use crate::{allowance::Allowance, grant::GrantError, rate_limit::RateLimited, throttle::TooMany};
use rocket::{
    Request,
    http::Header,
    response::{self, Responder},
};
use std::time::Duration;

/// When to try again: in `Retry-After` (RFC 9110 §10.2.3) and in the fields of
/// draft-ietf-httpapi-ratelimit-headers-10. They tell of a name that was typed and of an address, and
/// so nothing of whether there is such an account.
pub(super) struct Limited(pub(super) TooMany);

impl<'r> Responder<'r, 'static> for Limited {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let TooMany { limit, allowance, wait } = self.0;
        respond(&GrantError::TooMany(self.0), headers(limit, allowance, wait), request)
    }
}

/// A session or a client has asked too often, and when it may again.
pub(super) struct TooOften(pub(super) RateLimited);

impl<'r> Responder<'r, 'static> for TooOften {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let RateLimited { limit, allowance, wait } = self.0;
        respond(&GrantError::RateLimited(self.0), headers(limit, allowance, wait), request)
    }
}

fn respond(
    error: &GrantError,
    headers: [(&'static str, String); 3],
    request: &Request<'_>,
) -> response::Result<'static> {
    let mut response = problem(error).respond_to(request)?;
    for (name, value) in headers {
        response.set_header(Header::new(name, value));
    }
    Ok(response)
}

/// The headers and their values.
pub(super) fn headers(limit: &str, allowance: Allowance, wait: Duration) -> [(&'static str, String); 3] {
    let seconds = wait.as_secs();
    let per_day = 86_400_000 / allowance.forgets.as_millis().max(1);
    [
        ("Retry-After", seconds.to_string()),
        ("RateLimit-Policy", format!("\"{limit}\";q={per_day};w=86400")),
        ("RateLimit", format!("\"{limit}\";r=0;t={seconds}")),
    ]
}

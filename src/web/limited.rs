//! 429: too many guesses have failed (RFC 6585 §4).

use super::answer::Problem;
use crate::{grant::GrantError, throttle::TooMany};
use rocket::{
    Request,
    http::{Header, Status},
    response::{self, Responder},
};

/// When to try again: in `Retry-After` (RFC 9110 §10.2.3) and in the fields of
/// draft-ietf-httpapi-ratelimit-headers-10. They tell of a name that was typed and of an address, and
/// so nothing of whether there is such an account.
pub(super) struct Limited(pub(super) TooMany);

impl<'r> Responder<'r, 'static> for Limited {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let TooMany { limit, allowance, wait } = self.0;
        let (error, description) = GrantError::TooMany(self.0).public();
        let problem = Problem { status: Status::TooManyRequests, error, description };
        let mut response = problem.respond_to(request)?;
        let seconds = wait.as_secs();
        let per_day = 86_400_000 / allowance.forgets.as_millis().max(1);
        response.set_header(Header::new("Retry-After", seconds.to_string()));
        let policy = format!("\"{limit}\";q={per_day};w=86400");
        response.set_header(Header::new("RateLimit-Policy", policy));
        response.set_header(Header::new("RateLimit", format!("\"{limit}\";r=0;t={seconds}")));
        Ok(response)
    }
}

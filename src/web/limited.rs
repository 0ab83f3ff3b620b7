//! 429: too many guesses have failed (RFC 6585 §4).

use super::refused::problem;
use crate::{grant::GrantError, throttle::TooMany};
use rocket::{
    Request,
    http::Header,
    response::{self, Responder},
};

/// When to try again: in `Retry-After` (RFC 9110 §10.2.3) and in the fields of
/// draft-ietf-httpapi-ratelimit-headers-10. They tell of a name that was typed and of an address, and
/// so nothing of whether there is such an account.
pub(super) struct Limited(pub(super) TooMany);

impl<'r> Responder<'r, 'static> for Limited {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = problem(&GrantError::TooMany(self.0)).respond_to(request)?;
        for (name, value) in headers(self.0) {
            response.set_header(Header::new(name, value));
        }
        Ok(response)
    }
}

/// The headers and their values.
pub(super) fn headers(TooMany { limit, allowance, wait }: TooMany) -> [(&'static str, String); 3] {
    let seconds = wait.as_secs();
    let per_day = 86_400_000 / allowance.forgets.as_millis().max(1);
    [
        ("Retry-After", seconds.to_string()),
        ("RateLimit-Policy", format!("\"{limit}\";q={per_day};w=86400")),
        ("RateLimit", format!("\"{limit}\";r=0;t={seconds}")),
    ]
}

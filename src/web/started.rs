//! When a request came, for whatever measures how long it takes.

use rocket::Request;
use std::time::Instant;

/// Kept with the request.
pub(super) struct Started(Instant);

impl Started {
    /// When this request came: when this was first called for it, which fairings do before any route.
    pub(super) fn of(request: &Request<'_>) -> Instant {
        request.local_cache(|| Self(Instant::now())).0
    }
}

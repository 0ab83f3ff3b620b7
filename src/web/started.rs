//! When a request began.

use rocket::Request;
use std::time::Instant;

/// When a request was first asked this, which a fairing does as soon as it comes.
pub(super) struct Started(Instant);

impl Started {
    pub(super) fn of(request: &Request<'_>) -> Instant {
        request.local_cache(|| Self(Instant::now())).0
    }
}

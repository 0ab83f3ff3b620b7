//! The request's cache of what guards found out about the caller.

use super::{CurrentUser, Rejection};
use crate::jwt::Claims;
use rocket::{Request, tokio::sync::OnceCell};
use std::sync::OnceLock;

/// What the guards of a request found out, so that each question is asked once however many guards
/// ask it. An answer from before the body says nothing about the time after it, so the arrival of a
/// body [renews](Self::renew) the cache.
#[derive(Default)]
pub(super) struct Cache {
    pub(super) claims: OnceCell<Result<Claims, Rejection>>,
    pub(super) user: OnceCell<Result<CurrentUser, Rejection>>,
    /// The cache that took this one's place. Guards lend from the older ones, so these stay.
    next: OnceLock<Box<Cache>>,
}

impl Cache {
    /// The cache that holds now.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        let mut newest = request.local_cache(Self::default);
        while let Some(next) = newest.next.get() {
            newest = next;
        }
        newest
    }

    /// Puts an empty cache in the place of the present one.
    pub(super) fn renew(request: &Request<'_>) {
        Self::of(request).next.get_or_init(Box::default);
    }
}

//! What a request is called, so that a client, a proxy and the log can speak of the same one.

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};
use std::{convert::Infallible, fmt};
use uuid::Uuid;

/// The header that brings the name in and takes it out.
pub(super) const HEADER: &str = "X-Request-Id";

/// What this request is called: as the one header `X-Request-Id` says, if that is 1 to 64 letters, digits,
/// `.`, `_` and `-`, else a UUID. Whoever sends a request chooses it: it identifies nobody.
///
/// A guard that lets everybody in:
///
/// ```
/// # use rocket::get;
/// use countersign::web::RequestId;
///
/// #[get("/order")]
/// fn order(id: &RequestId) -> String {
///     format!("Tell us {id} if something went wrong")
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The same however often it is asked for.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let mut brought = request.headers().get(HEADER);
            let only = brought.next().filter(|_| brought.next().is_none());
            Self(only.filter(|id| is_plain(id)).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned))
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r RequestId {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(RequestId::of(request))
    }
}

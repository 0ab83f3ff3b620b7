//! CORS (Fetch §3.3): pages of other origins, those in `ORIGINS`, may read what is answered here.

use super::{answer::Problem, method};
use rocket::{
    Request, Response,
    http::{Header, Method, Status},
    response::Responder,
};

/// How long a browser may go on without asking again, in seconds.
const MAX_AGE: &str = "3600";

/// What a page may read of an answer besides the body and what it may anyhow.
const EXPOSED: &str = "ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id";

const REFUSED: Problem = Problem {
    status: Status::Forbidden,
    error: "cross_origin",
    description: "Pages of this origin may not use this service",
};

/// Tells the browser whether a page of another origin may read this answer, and answers a preflight
/// that no route has answered. An origin is one of `allowed` byte for byte, or it is none.
///
/// Those that are allowed may send cookies and any header: they are trusted with the refresh cookie.
/// Whoever has set an answer's `Access-Control-Allow-Origin` already is left to it.
pub(super) fn allow<'r>(request: &'r Request<'_>, response: &mut Response<'r>, allowed: &[String]) {
    if allowed.is_empty() || response.headers().contains("Access-Control-Allow-Origin") {
        return;
    }
    let mut origins = request.headers().get("Origin");
    let origin = origins.next().filter(|_| origins.next().is_none());
    let origin = origin.filter(|origin| allowed.iter().any(|known| known == origin));
    if is_preflight(request) && response.status().code >= 400 {
        answer_preflight(request, response, origin.is_some());
    }
    // Whoever keeps this answer must not give it to a page of another origin.
    vary(response, "Origin");
    if let Some(origin) = origin {
        response.set_raw_header("Access-Control-Allow-Origin", origin.to_owned());
        response.set_raw_header("Access-Control-Allow-Credentials", "true");
        response.set_raw_header("Access-Control-Expose-Headers", EXPOSED);
    }
}

/// Whether a browser asks what another request would be allowed (Fetch §4.8).
fn is_preflight(request: &Request<'_>) -> bool {
    request.method() == Method::Options
        && request.headers().contains("Origin")
        && request.headers().contains("Access-Control-Request-Method")
}

fn answer_preflight<'r>(request: &'r Request<'_>, response: &mut Response<'r>, is_allowed: bool) {
    let methods = method::allowed(request);
    if !is_allowed {
        if let Ok(refused) = REFUSED.respond_to(request) {
            *response = refused;
        }
    } else if !methods.is_empty() {
        *response = Response::build().status(Status::NoContent).finalize();
        response.set_raw_header("Access-Control-Allow-Methods", methods);
        let asked = request.headers().get("Access-Control-Request-Headers").next();
        if let Some(asked) = asked.filter(|asked| is_list_of_names(asked)) {
            response.set_raw_header("Access-Control-Allow-Headers", asked.to_owned());
        }
        response.set_raw_header("Access-Control-Max-Age", MAX_AGE);
    }
    vary(response, "Access-Control-Request-Headers, Access-Control-Request-Method");
}

fn is_list_of_names(text: &str) -> bool {
    text.len() <= 1_024 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_, ".contains(&byte))
}

/// Adds to what an answer depends on (RFC 9110 §12.5.5).
fn vary(response: &mut Response<'_>, on: &'static str) {
    let before: Vec<_> = response.headers().get("Vary").collect();
    let all = if before.is_empty() { on.to_owned() } else { format!("{}, {on}", before.join(", ")) };
    response.set_header(Header::new("Vary", all));
}

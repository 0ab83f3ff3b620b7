//! Refuses malformed requests before they are routed. Rocket hides these errors: a body that breaks off within
//! its first bytes, a header line that is not UTF-8, a `Host` that is missing, repeated or invalid.

use super::{answer::Problem, body, dropped_headers, form_method};
use rocket::{
    Request, Response,
    data::Data,
    http::{Header, Method, Status, uri::Host},
    response::Responder,
};

/// Why a request is refused, and its original method.
struct Malformed(Problem, Method);

/// The request's cache entry.
#[derive(Default)]
struct Found(Option<Malformed>);

const NO_HOST: Problem = bad("The header Host is missing");
const TWO_HOSTS: Problem = bad("There is more than one header Host");
const NO_SUCH_HOST: Problem = bad("The header Host is not a host");

const fn bad(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

/// Refuses the request if it is malformed, and returns whether it is. Must be called once for each request,
/// before anything else reads the body.
///
/// `needs_host` also refuses a missing `Host`. HTTP/1.1 requires one; Rocket does not tell HTTP/1.0 apart.
pub(super) async fn check(request: &mut Request<'_>, data: &mut Data<'_>, needs_host: bool) -> bool {
    let dropped = dropped_headers::of_this_request();
    let problem = match dropped.map(bad) {
        Some(problem) => Some(problem),
        None => wrong_host(request, needs_host),
    };
    let is_broken = body::is_broken(data, form_method::LOOKED_AT).await;
    let problem = problem.or(is_broken.then_some(body::UNREADABLE));
    problem.map(|problem| refuse(request, problem)).is_some()
}

/// RFC 9112 §3.2.
fn wrong_host(request: &Request<'_>, needs_host: bool) -> Option<Problem> {
    let mut hosts = request.headers().get("Host");
    match (hosts.next(), hosts.next()) {
        // HTTP/2 has `:authority` instead.
        (None, _) => (needs_host && request.host().is_none()).then_some(NO_HOST),
        (Some(_), Some(_)) => Some(TWO_HOSTS),
        (Some(host), None) => Host::parse(host).is_err().then_some(NO_SUCH_HOST),
    }
}

/// Keeps the request from all routes; [`answer`] sends the problem.
pub(super) fn refuse(request: &mut Request<'_>, problem: Problem) {
    let method = request.method();
    request.local_cache(|| Found(Some(Malformed(problem, method))));
    // A fairing cannot answer. `CONNECT` is for proxies, so no route takes it.
    request.set_method(Method::Connect);
}

/// Replaces the response to a refused request by the refusal.
pub(super) fn answer<'r>(request: &'r Request<'_>, response: &mut Response<'r>) {
    if let Some(Malformed(problem, _)) = found(request)
        && let Ok(mut refusal) = problem.respond_to(request)
    {
        // A proxy may see another end of this request than we do.
        refusal.set_header(Header::new("Connection", "close"));
        *response = refusal;
    }
}

/// Returns the request's original method.
pub(super) fn method(request: &Request<'_>) -> Method {
    found(request).map_or(request.method(), |Malformed(_, method)| *method)
}

fn found<'r>(request: &'r Request<'_>) -> Option<&'r Malformed> {
    // Spares all other requests the look into their cache.
    if request.method() != Method::Connect {
        return None;
    }
    request.local_cache(Found::default).0.as_ref()
}

//! Requests that are refused before they are routed, since Rocket hides what is wrong with them: a body that
//! breaks off at its beginning, a header line that is not UTF-8, a `Host` that is missing, repeated or invalid.

use super::{answer::Problem, body, dropped_headers, form_method};
use rocket::{
    Request, Response,
    data::Data,
    http::{Header, Method, Status, uri::Host},
    response::Responder,
};

/// Why a request is refused, and the method that it came with.
struct Malformed(Problem, Method);

/// Kept with each request; most are not malformed.
#[derive(Default)]
struct Found(Option<Malformed>);

const NO_HOST: Problem = bad("The header Host is missing");
const TWO_HOSTS: Problem = bad("There is more than one header Host");
const NO_SUCH_HOST: Problem = bad("The header Host is not a host");

const fn bad(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

/// Refuses the request if it is malformed; says whether it is. To be called once for each request, before
/// anything else looks at the body.
///
/// `needs_host` is for a server of our own: whether a request came by HTTP/1.1, which demands a `Host`,
/// or by HTTP/1.0 nobody can see.
pub(super) async fn check(request: &mut Request<'_>, data: &mut Data<'_>, needs_host: bool) -> bool {
    let dropped = dropped_headers::of_this_request();
    let problem = match dropped.map(bad) {
        Some(problem) => Some(problem),
        None => wrong_host(request, needs_host),
    };
    // Looked at in any case: a fairing behind this one may read on.
    let is_broken = body::is_broken(data, form_method::LOOKED_AT).await;
    let problem = problem.or(is_broken.then_some(body::UNREADABLE));
    problem.map(|problem| refuse(request, problem)).is_some()
}

/// RFC 9112 §3.2.
fn wrong_host(request: &Request<'_>, needs_host: bool) -> Option<Problem> {
    let mut hosts = request.headers().get("Host");
    match (hosts.next(), hosts.next()) {
        // By HTTP/2 it is not a header.
        (None, _) => (needs_host && request.host().is_none()).then_some(NO_HOST),
        (Some(_), Some(_)) => Some(TWO_HOSTS),
        (Some(host), None) => Host::parse(host).is_err().then_some(NO_SUCH_HOST),
    }
}

/// Refuses the request: no route sees it, and [`answer`] says why.
pub(super) fn refuse(request: &mut Request<'_>, problem: Problem) {
    let method = request.method();
    request.local_cache(|| Found(Some(Malformed(problem, method))));
    // A fairing cannot answer. `CONNECT` is for proxies, so nobody has a route for it.
    request.set_method(Method::Connect);
}

/// Puts the refusal in the place of whatever the answer is.
pub(super) fn answer<'r>(request: &'r Request<'_>, response: &mut Response<'r>) {
    if let Some(Malformed(problem, _)) = found(request)
        && let Ok(mut refusal) = problem.respond_to(request)
    {
        // Where one request ends and another begins may be read in two ways.
        refusal.set_header(Header::new("Connection", "close"));
        *response = refusal;
    }
}

/// The method that the request came with.
pub(super) fn method(request: &Request<'_>) -> Method {
    found(request).map_or(request.method(), |Malformed(_, method)| *method)
}

fn found<'r>(request: &'r Request<'_>) -> Option<&'r Malformed> {
    // To look for what is not there costs each request something.
    if request.method() != Method::Connect {
        return None;
    }
    request.local_cache(Found::default).0.as_ref()
}

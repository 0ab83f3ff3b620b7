//! Errors that no route answers: JSON with constant texts, and the challenge of RFC 6750 §3.

use super::{answer::Problem, guard::Rejection, method};
use rocket::{
    Build, Catcher, Request, Response, Rocket,
    catcher::{self, BoxFuture},
    http::{Header, Status},
    response::Responder,
};
use std::future::ready;

/// Registers one catcher for everything. An application that has one of its own keeps it.
pub(super) fn register(rocket: Rocket<Build>) -> Rocket<Build> {
    fn handle<'r>(status: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
        Box::pin(ready(respond(status, request)))
    }
    let taken = rocket.catchers().any(|catcher| catcher.base == "/" && catcher.code.is_none());
    if taken { rocket } else { rocket.register("/", vec![Catcher::new(None, handle)]) }
}

fn respond<'r>(status: Status, request: &'r Request<'_>) -> catcher::Result<'r> {
    if let Some(rejection) = Rejection::behind(request, status) {
        return rejection.problem().respond_to(request);
    }
    if status == Status::NotFound {
        let allowed = method::allowed(request);
        // A route that takes the method and forwarded meant what it said.
        let is_taken = allowed.split(", ").any(|method| method == request.method().as_str());
        if !allowed.is_empty() && !is_taken {
            let mut response = problem(Status::MethodNotAllowed).respond_to(request)?;
            response.set_header(Header::new("Allow", allowed));
            return Ok(response);
        }
    }
    problem(status).respond_to(request)
}

/// The constant answer of a status.
pub(super) fn problem(status: Status) -> Problem {
    let (error, description) = match status.code {
        400 => ("bad_request", "The request is malformed"),
        401 => ("unauthorized", "Authentication is needed"),
        403 => ("forbidden", "This is not allowed"),
        404 => ("not_found", "There is nothing here"),
        405 => ("method_not_allowed", "There is nothing here for this method"),
        408 => ("request_timeout", "The body did not come in time"),
        413 => ("payload_too_large", "The body is too large"),
        415 => ("unsupported_media_type", "The body is of a type that is not accepted here"),
        422 => ("unprocessable", "The body could not be understood"),
        431 => ("headers_too_large", "The header fields are too large"),
        503 => ("temporarily_unavailable", "The service cannot answer right now; try again shortly"),
        _ if status.class().is_client_error() => ("request_refused", "The request was refused"),
        _ => ("server_error", "Something went wrong here"),
    };
    Problem { status, error, description }
}

/// Adds the challenge to whatever answer a refused guard led to.
pub(super) fn challenge(request: &Request<'_>, response: &mut Response<'_>) {
    let rejection = Rejection::behind(request, response.status());
    if let Some(challenge) = rejection.and_then(|rejection| rejection.challenge()) {
        response.set_header(Header::new("WWW-Authenticate", challenge));
    }
}

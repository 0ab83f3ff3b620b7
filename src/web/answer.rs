//! JSON answers: what succeeds, and the one shape of every error.

use rocket::{
    Request, Response,
    http::{Header, Status},
    response::{self, Responder},
};
use serde::Serialize;
use std::io::Cursor;

/// A JSON body about somebody in particular, never to be kept by a cache.
pub(super) struct Private<T>(pub(super) T);

impl<'r, T: Serialize> Responder<'r, 'static> for Private<T> {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        json(Status::Ok, &self.0)
    }
}

/// An error: a status, a code for programs and a constant sentence for people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    pub(super) status: Status,
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

impl<'r> Responder<'r, 'static> for Problem {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        #[derive(Serialize)]
        struct Body {
            error: &'static str,
            error_description: &'static str,
        }
        let body = Body { error: self.error, error_description: self.description };
        let mut response = json(self.status, &body)?;
        if self.status == Status::ServiceUnavailable {
            response.set_header(Header::new("Retry-After", "1"));
        }
        if self.status == Status::RequestTimeout {
            // The rest of the body may still come, and is no request (RFC 9110 §15.5.9).
            response.set_header(Header::new("Connection", "close"));
        }
        Ok(response)
    }
}

/// Notes the cause of a failure in the log and tells the caller nothing of it but 503.
pub(super) fn unavailable<E: std::error::Error + 'static>(what: &'static str) -> impl Fn(E) -> Problem {
    move |error| {
        super::complaint::complain(what, &error);
        super::catcher::problem(Status::ServiceUnavailable)
    }
}

/// 503 for a change that was made, whose second revocation failed and is retried.
pub(super) const NOT_REVOKED: Problem = Problem {
    status: Status::ServiceUnavailable,
    error: "not_revoked",
    description: "The change was made. Revoking the sessions and tokens from before it has failed, and is retried",
};

/// RFC 6749 §5.1 wants both headers; errors and personal data are no more for caches.
fn json(status: Status, value: &impl Serialize) -> response::Result<'static> {
    // Most have room in it.
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, value).map_err(|_| Status::InternalServerError)?;
    Ok(Response::build()
        .status(status)
        // Rocket would spell its own type out each time.
        .header(Header::new("Content-Type", "application/json"))
        .header(Header::new("Cache-Control", "no-store"))
        .header(Header::new("Pragma", "no-cache"))
        .sized_body(body.len(), Cursor::new(body))
        .finalize())
}

//! One line in the log for each request.

use super::{RequestId, guard, malformed, request_id, started::Started};
use crate::grant::Authority;
use rocket::{
    Config, Request, Response, async_trait,
    data::Data,
    fairing::{Fairing, Info, Kind},
};
use std::time::Duration;

/// A fairing that tells of each request in one structured line (target `countersign::request`): what it is
/// called, its method, the pattern of its route, the status of the answer, how long it took until that
/// began, in milliseconds, and who sent it, by the pseudonym that the audit trail has for them. Never
/// a path, a query or a header.
///
/// The answer has the header `X-Request-Id`, and in the debug profile `Server-Timing`. Health checks
/// that succeed are told at the level DEBUG, all else at INFO. Attach it after others, since it tells of the
/// answer as they leave it.
///
/// ```
/// use countersign::{stage, web::RequestLog};
///
/// let rocket = rocket::build().attach(stage()).attach(RequestLog);
/// ```
pub struct RequestLog;

#[async_trait]
impl Fairing for RequestLog {
    fn info(&self) -> Info {
        Info { name: "Countersign's log of requests", kind: Kind::Request | Kind::Response }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        Started::of(request);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let took = Started::of(request).elapsed();
        log(request, response.status().code, took);
        response.set_raw_header(request_id::HEADER, RequestId::of(request).as_str());
        if request.rocket().figment().profile() == Config::DEBUG_PROFILE {
            response.set_raw_header("Server-Timing", format!("total;dur={:.3}", millis(took)));
        }
    }
}

fn log(request: &Request<'_>, status: u16, took: Duration) {
    /// The level has to be known when this is compiled.
    macro_rules! line {
        ($level:ident, $route:expr) => {
            tracing::$level!(
                target: "countersign::request",
                id = %RequestId::of(request),
                method = %malformed::method(request),
                route = $route,
                status,
                duration_ms = millis(took),
                user = user(request),
            )
        };
    }
    match request.route().map(|route| route.uri.path()) {
        Some(route) if status < 400 && route.contains("/health/") => line!(debug, route),
        Some(route) => line!(info, route),
        None => line!(info, "unmatched"),
    }
}

/// Whoever a guard has let in, if it is a person.
fn user(request: &Request<'_>) -> Option<String> {
    let claims = guard::recognised(request).filter(|claims| !claims.is_service())?;
    let authority = request.rocket().state::<Authority>()?;
    Some(authority.audit.pseudonyms().user(claims.subject()))
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1_000.0
}

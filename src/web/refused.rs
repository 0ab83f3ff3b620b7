//! Why nothing was granted, as an answer (RFC 6749 §5.2).

use super::{
    answer::Problem,
    complaint::complain,
    cookie,
    guard::Rejection,
    limited::{Limited, TooOften},
};
use crate::grant::GrantError;
use rocket::{
    Request,
    http::{Header, Status},
    response::{self, Responder},
};

/// The scheme by which clients authenticate here.
pub(super) const CLIENT_CHALLENGE: &str = "Basic realm=\"countersign\"";

/// Why a token was not granted, revoked or told of.
pub(super) enum Refused {
    Grant(GrantError),
    /// `invalid_grant` for what came by cookie.
    DeadCookie,
    /// What a guard would have refused.
    Caller(Rejection),
    Other(Problem),
}

impl From<GrantError> for Refused {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

impl<'r> Responder<'r, 'static> for Refused {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let error = match self {
            Self::Grant(GrantError::TooMany(too_many)) => return Limited(too_many).respond_to(request),
            Self::Grant(GrantError::RateLimited(limited)) => return TooOften(limited).respond_to(request),
            Self::Grant(error) => error,
            Self::DeadCookie => {
                let mut response = Self::Grant(GrantError::InvalidGrant).respond_to(request)?;
                cookie::clear(&mut response);
                return Ok(response);
            }
            Self::Caller(rejection) => return rejection.respond_to(request),
            Self::Other(problem) => return problem.respond_to(request),
        };
        if error.is_internal() {
            complain("a request about a token failed", &error);
        }
        let problem = problem(&error);
        let mut response = problem.respond_to(request)?;
        if problem.status == Status::Unauthorized {
            response.set_header(Header::new("WWW-Authenticate", CLIENT_CHALLENGE));
        }
        Ok(response)
    }
}

/// What a caller is told of an error; of too many guesses [`Limited`] tells more.
pub(super) fn problem(error: &GrantError) -> Problem {
    let status = match error {
        GrantError::InvalidClient => Status::Unauthorized,
        GrantError::TooMany(_) | GrantError::RateLimited(_) => Status::TooManyRequests,
        _ if error.is_internal() => Status::ServiceUnavailable,
        _ => Status::BadRequest,
    };
    let (error, description) = error.public();
    Problem { status, error, description }
}

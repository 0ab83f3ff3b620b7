//! Why nothing was granted, as an answer (RFC 6749 §5.2).

use super::{answer::Problem, complaint::complain, cookie, limited::Limited};
use crate::grant::GrantError;
use rocket::{
    Request,
    http::{Header, Status},
    response::{self, Responder},
};

/// Why a token was not granted, revoked or told of.
pub(super) enum Refused {
    Grant(GrantError),
    /// `invalid_grant` for what came by cookie.
    DeadCookie,
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
            Self::Grant(error) => error,
            Self::DeadCookie => {
                let mut response = Self::Grant(GrantError::InvalidGrant).respond_to(request)?;
                cookie::clear(&mut response);
                return Ok(response);
            }
            Self::Other(problem) => return problem.respond_to(request),
        };
        if error.is_internal() {
            complain("a request about a token failed", &error);
        }
        let status = match error {
            GrantError::InvalidClient => Status::Unauthorized,
            _ if error.is_internal() => Status::ServiceUnavailable,
            _ => Status::BadRequest,
        };
        let is_unauthorized = status == Status::Unauthorized;
        let (error, description) = error.public();
        let mut response = Problem { status, error, description }.respond_to(request)?;
        if is_unauthorized {
            // The scheme by which clients authenticate here.
            response.set_header(Header::new("WWW-Authenticate", "Basic realm=\"countersign\""));
        }
        Ok(response)
    }
}

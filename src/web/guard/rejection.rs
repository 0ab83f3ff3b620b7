//! Why a guard turned a request away.

use crate::{jwt::JwtError, web::answer::Problem};
use rocket::{
    Request,
    http::Status,
    request::Outcome,
    response::{self, Responder},
};
use std::{
    borrow::Cow,
    sync::{LazyLock, Mutex},
};
use thiserror::Error;

/// Why a guard turned a request away. The caller is told less: see [`Rejection::status`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Rejection {
    /// No token was sent.
    #[error("no credentials")]
    NoCredentials,
    /// Several tokens, or one in several places.
    #[error("more than one set of credentials")]
    Ambiguous,
    /// The token is not good.
    #[error("invalid token: {0}")]
    InvalidToken(#[from] JwtError),
    /// The token was good until it was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// What was sent is not the secret of the feed of revocations.
    #[error("not the secret of the feed")]
    FeedSecret,
    /// The token is good, but its subject is unknown, gone or disabled.
    #[error("the subject may not act")]
    Subject,
    /// The token is good, but it is a service's ([`Claims::is_service`](crate::Claims::is_service)).
    #[error("a service called where only a person may")]
    Service,
    /// The token or its user lacks the role.
    #[error("a role is missing")]
    MissingRole,
    /// The token lacks this scope.
    #[error("the scope {0} is missing")]
    MissingScope(&'static str),
    /// The store did not answer, or the issuer's keys are not known.
    #[error("the store or the issuer failed")]
    Unavailable,
}

const INVALID_TOKEN: &str = "The access token is malformed, expired, revoked or not for this service";

impl Rejection {
    /// 400, 401, 403 or 503.
    pub const fn status(self) -> Status {
        match self {
            Self::NoCredentials
            | Self::InvalidToken(_)
            | Self::Revoked
            | Self::FeedSecret
            | Self::Subject => Status::Unauthorized,
            Self::Ambiguous => Status::BadRequest,
            Self::Service | Self::MissingRole | Self::MissingScope(_) => Status::Forbidden,
            Self::Unavailable => Status::ServiceUnavailable,
        }
    }

    /// The error code of RFC 6750 §3.1 and a constant sentence.
    const fn public(self) -> (&'static str, &'static str) {
        match self {
            Self::NoCredentials => ("unauthorized", "An access token is needed"),
            Self::Ambiguous => ("invalid_request", "There is more than one access token"),
            Self::InvalidToken(_) | Self::Revoked | Self::FeedSecret | Self::Subject => {
                ("invalid_token", INVALID_TOKEN)
            }
            Self::Service => ("insufficient_scope", "Only a person may do this"),
            Self::MissingRole | Self::MissingScope(_) => {
                ("insufficient_scope", "This needs more than the access token allows")
            }
            Self::Unavailable => {
                ("temporarily_unavailable", "The service cannot answer right now; try again shortly")
            }
        }
    }

    pub(in crate::web) const fn problem(self) -> Problem {
        let (error, description) = self.public();
        Problem { status: self.status(), error, description }
    }

    /// RFC 6750 §3: the value of `WWW-Authenticate`, without an error code where nothing was sent,
    /// and with the scope that is needed where it is missing.
    pub(in crate::web) fn challenge(self) -> Option<Cow<'static, str>> {
        // Made once: nobody's requests are refused as often as those of whoever does not stop.
        static OF_A_BAD_TOKEN: LazyLock<String> = LazyLock::new(|| Rejection::Revoked.formatted());
        match self {
            Self::Unavailable => None,
            Self::NoCredentials => Some("Bearer".into()),
            Self::InvalidToken(_) | Self::Revoked | Self::FeedSecret | Self::Subject => {
                Some(OF_A_BAD_TOKEN.as_str().into())
            }
            Self::MissingScope(scope) => Some(format!("{}, scope=\"{scope}\"", self.formatted()).into()),
            Self::Ambiguous | Self::Service | Self::MissingRole => Some(self.formatted().into()),
        }
    }

    fn formatted(self) -> String {
        let (error, description) = self.public();
        format!("Bearer error=\"{error}\", error_description=\"{description}\"")
    }

    /// Notes the rejection for the catcher and turns it into a guard's outcome.
    pub(in crate::web) fn outcome<T>(self, request: &Request<'_>) -> Outcome<T, Self> {
        tracing::debug!(reason = %self, "a guard refused");
        self.note(request);
        Outcome::Error((self.status(), self))
    }

    fn note(self, request: &Request<'_>) {
        if let Ok(mut last) = request.local_cache(Last::default).0.lock() {
            *last = Some(self);
        }
    }

    /// What led to this answer, if a guard's refusal did.
    pub(in crate::web) fn behind(request: &Request<'_>, status: Status) -> Option<Self> {
        // Most requests are not refused, and to look costs them something.
        if status.code < 400 {
            return None;
        }
        let last = *request.local_cache(Last::default).0.lock().ok()?;
        last.filter(|rejection| rejection.status() == status)
    }
}

/// What the guard would have led to by itself, for a route that took the [`Rejection`] to decide and
/// refuses all the same.
impl<'r> Responder<'r, 'static> for Rejection {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        self.note(request);
        self.problem().respond_to(request)
    }
}

/// Catchers see only a status and the request, so the reason travels with the request.
#[derive(Default)]
struct Last(Mutex<Option<Rejection>>);

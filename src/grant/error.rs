//! The error of the token endpoint (RFC 6749 §5.2).

use crate::{
    audit::TOO_MANY,
    jwt::IssueError,
    password::HasherError,
    rate_limit::{RateError, RateLimited},
    store::StoreError,
    throttle::{ThrottleError, TooMany},
};
use thiserror::Error;

/// What [`GrantError::InvalidRequest`] says of a request that leaves something out or says it twice.
pub(crate) mod sentence {
    pub(crate) const NO_GRANT_TYPE: &str = "The parameter grant_type is missing";
    pub(crate) const NO_LOGIN: &str = "The parameters username and password are needed";
    pub(crate) const NO_REFRESH_TOKEN: &str = "The parameter refresh_token is missing";
    pub(crate) const TWO_REFRESH_TOKENS: &str = "There are two refresh tokens";
    pub(crate) const NO_TOKEN: &str = "The parameter token is missing";
    pub(crate) const TWO_CLIENTS: &str = "The client is named in two ways";
    pub(crate) const HALF_AN_ASSERTION: &str =
        "The parameters client_assertion and client_assertion_type go together";
}

/// Why no token was granted.
#[derive(Debug, Error)]
pub enum GrantError {
    /// `invalid_request`: a parameter is missing, stands twice or cannot be read.
    #[error("invalid request: {0}")]
    InvalidRequest(&'static str),
    /// `invalid_client`: the client is unknown or could not prove who it is.
    #[error("invalid client")]
    InvalidClient,
    /// `invalid_grant`: the login failed, for whatever reason.
    #[error("invalid grant")]
    InvalidGrant,
    /// `invalid_grant` too: the token is good, and another client's (RFC 6749 §5.2).
    #[error("another client's token")]
    OtherClient,
    /// `unauthorized_client`: the client is who it says, and may not do this.
    #[error("unauthorized client")]
    UnauthorizedClient,
    /// `unsupported_grant_type`.
    #[error("unsupported grant type")]
    UnsupportedGrantType,
    /// `invalid_scope`: malformed, or nothing of it can be granted.
    #[error("invalid scope")]
    InvalidScope,
    /// Too many guesses have failed, so nobody has looked at this one.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The session or the client has asked too often.
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    /// The client was changed at that very moment; whoever asked may try again.
    #[error("the client was changed meanwhile")]
    Overtaken,
    /// There has been no word for too long of what was revoked, or none of a key.
    #[error("no word of revocations or keys")]
    Uninformed,
    /// The store did not answer; whoever asked may try again.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error("hashing failed")]
    Hashing(#[from] HasherError),
    /// The token could not be made.
    #[error("issuing failed")]
    Issuing(#[from] IssueError),
    /// There is no randomness.
    #[error("no randomness")]
    Randomness(#[from] getrandom::Error),
}

impl GrantError {
    /// The value of `error`, and a constant sentence for `error_description` that tells nothing
    /// about accounts or causes.
    pub const fn public(&self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidRequest(description) => ("invalid_request", description),
            Self::InvalidClient => ("invalid_client", "The client is unknown or its authentication failed"),
            Self::UnauthorizedClient => ("unauthorized_client", "The client is not allowed to do this"),
            Self::InvalidGrant | Self::OtherClient => {
                ("invalid_grant", "The credentials are wrong or no longer valid")
            }
            Self::UnsupportedGrantType => ("unsupported_grant_type", "This grant type is not offered here"),
            Self::TooMany(_) => (TOO_MANY, "Too many attempts have failed; try again later"),
            Self::RateLimited(_) => (TOO_MANY, "Too many requests; try again later"),
            Self::InvalidScope => ("invalid_scope", "The scope is malformed or cannot be granted"),
            _ => ("temporarily_unavailable", "The service cannot answer right now; try again shortly"),
        }
    }

    /// Whether it is this server's fault rather than the caller's.
    pub const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Overtaken
                | Self::Uninformed
                | Self::Store(_)
                | Self::Hashing(_)
                | Self::Issuing(_)
                | Self::Randomness(_)
        )
    }
}

impl From<RateError> for GrantError {
    fn from(error: RateError) -> Self {
        match error {
            RateError::Limited(limited) => Self::RateLimited(limited),
            RateError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ThrottleError> for GrantError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(too_many) => Self::TooMany(too_many),
            ThrottleError::Store(error) => Self::Store(error),
        }
    }
}

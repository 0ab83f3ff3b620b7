//! Grants: how a caller turns what they know into tokens (RFC 6749).
//!
//! A file for each grant, named by its `grant_type`; [`Authority`] is what they need. Plain
//! async functions on plain types: nothing here knows HTTP.

mod client;
mod error;
mod password;

pub use client::{BasicCredentials, FIRST_PARTY};
pub use error::GrantError;

use crate::{clock::Clock, jwt::AccessTokens, password::Hasher, scope::Scope, store::UserStore};
use std::{fmt, sync::Arc, time::Duration};

/// All that it takes to sign somebody in and to recognise them again.
pub struct Authority {
    /// Who there is.
    pub users: Arc<dyn UserStore>,
    /// Checks passwords.
    pub hasher: Hasher,
    /// Issues and verifies access tokens.
    pub tokens: AccessTokens,
    /// All scopes that can be granted.
    pub scopes: Scope,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

/// The parameters of a token request, each at most once; an empty one counts as left out
/// (RFC 6749 §3.2). Not `Debug`, since most of it is secret.
#[derive(Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// `grant_type`.
    pub grant_type: Option<String>,
    /// `username`.
    pub username: Option<String>,
    /// `password`.
    pub password: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
    /// `client_secret`.
    pub client_secret: Option<String>,
    /// `refresh_token`.
    pub refresh_token: Option<String>,
}

/// What a successful request is answered with (RFC 6749 §5.1).
#[derive(Debug)]
pub struct Tokens {
    /// The access token, of type `Bearer`.
    pub access_token: String,
    /// How long it is good for, from now.
    pub expires_in: Duration,
    /// What it may be used for.
    pub scope: Scope,
}

impl Authority {
    /// Answers a token request. `basic` is what came in the `Authorization` header.
    pub async fn token(
        &self,
        request: TokenRequest,
        basic: Option<BasicCredentials>,
    ) -> Result<Tokens, GrantError> {
        let client = client::authenticate(&request, basic)?;
        match request.grant_type.as_deref() {
            Some("password") => self.password(request, client).await,
            Some(_) => Err(GrantError::UnsupportedGrantType),
            // FastAPI's form does not insist on it, so the tutorial's curl leaves it out.
            None if request.username.is_some() && request.password.is_some() => {
                self.password(request, client).await
            }
            None => Err(GrantError::InvalidRequest("The parameter grant_type is missing")),
        }
    }
}

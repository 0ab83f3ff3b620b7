//! Grants: how a caller turns what they know into tokens (RFC 6749).
//!
//! A file for each grant, named by its `grant_type`; [`Authority`] is what they need. Plain
//! async functions on plain types: nothing here knows HTTP.

mod client;
mod error;
mod password;
mod refresh_token;

pub use client::{BasicCredentials, FIRST_PARTY};
pub use error::GrantError;

use crate::{
    account::Accounts,
    clock::{Clock, UnixTime},
    config::{RefreshSettings, RevocationSettings, Settings, WhenStale},
    jwt::{AccessTokens, Issuance},
    keys::Keys,
    password::Hasher,
    revocation::Revocations,
    scope::Scope,
    store::{Device, Session, Stores, Transport, User},
};
use std::{error::Error, fmt, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// The scope by which a client asks for its refresh token in the body (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

const CREDENTIALS_NEEDED: &str = "The parameters username and password are needed";

/// All that it takes to sign somebody in and to recognise them again.
pub struct Authority {
    /// Who there is, and which sessions they have.
    pub stores: Stores,
    /// Checks passwords.
    pub hasher: Hasher,
    /// What tokens are signed with, and how that changes.
    pub keys: Arc<Keys>,
    /// Issues and verifies access tokens.
    pub tokens: Arc<AccessTokens>,
    /// How long sessions live.
    pub refresh: RefreshSettings,
    /// Ends sessions, and knows which tokens are revoked.
    pub revocations: Arc<Revocations>,
    /// How long access tokens are taken without word of what was revoked, and who else has it.
    pub revocation: RevocationSettings,
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
    pub password: Option<Zeroizing<String>>,
    /// `scope`.
    pub scope: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
    /// `client_secret`.
    pub client_secret: Option<Zeroizing<String>>,
    /// `refresh_token`.
    pub refresh_token: Option<Zeroizing<String>>,
    /// `device_name`: what the client calls itself in the list of sessions.
    pub device_name: Option<String>,
}

/// What came along with a token request, outside its form.
#[derive(Default)]
pub struct Caller {
    /// Client credentials from the header.
    pub basic: Option<BasicCredentials>,
    /// The refresh token from the cookie.
    pub cookie: Option<Zeroizing<String>>,
    /// What the caller can be recognised by.
    pub device: Device,
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
    /// The refresh token.
    pub refresh_token: Zeroizing<String>,
    /// How the refresh token has to travel.
    pub transport: Transport,
    /// How long the refresh token is good for, from now.
    pub refresh_expires_in: Duration,
}

impl TokenRequest {
    /// Whether this is a refresh, and thus no login.
    pub fn is_refresh(&self) -> bool {
        self.grant_type.as_deref() == Some("refresh_token")
    }

    /// How the refresh token of this request's answer is to travel: for a login as it asks, for
    /// a refresh as it came.
    pub fn transport(&self) -> Transport {
        let offline =
            self.scope.iter().flat_map(|scope| scope.split(' ')).any(|token| token == OFFLINE_ACCESS);
        let in_body = if self.is_refresh() { self.refresh_token.is_some() } else { offline };
        if in_body { Transport::Body } else { Transport::Cookie }
    }
}

impl Authority {
    /// An authority over these stores. Reads the keys, makes the first in development, and reads
    /// what was revoked.
    ///
    /// # Errors
    /// When the keys cannot be used, there is no randomness, or the store does not answer.
    pub async fn open(
        settings: &Settings,
        stores: Stores,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let keys = Keys::open(settings, &stores, clock.clone()).await?;
        let token_life = settings.access.max_lifetime + settings.access.leeway;
        let revocations = Revocations::open(stores.sessions.clone(), clock.clone(), token_life).await?;
        Ok(Self {
            stores,
            hasher: Hasher::new(settings.password.params, settings.password.permits)?,
            tokens: keys.tokens().clone(),
            keys: Arc::new(keys),
            refresh: settings.refresh.clone(),
            revocations: Arc::new(revocations),
            revocation: settings.revocation.clone(),
            scopes: settings.scopes.clone(),
            clock,
        })
    }

    /// The accounts that can sign in here.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.stores.users.clone(), self.hasher.clone(), self.revocations.clone())
    }

    /// Whether access tokens can be taken at all: not when there has been no word for too long of
    /// what was revoked, be it tokens or keys, unless the settings say so.
    pub fn is_informed(&self) -> bool {
        let staleness = self.revocations.staleness().max(self.keys.staleness());
        self.revocation.when_stale == WhenStale::Accept || staleness <= self.revocation.max_staleness
    }

    /// Answers a token request.
    pub async fn token(&self, request: TokenRequest, caller: Caller) -> Result<Tokens, GrantError> {
        let client = client::authenticate(&request, caller.basic.as_ref())?;
        match request.grant_type.as_deref() {
            Some("password") => self.password(request, client, caller.device).await,
            Some("refresh_token") => self.refresh_token(request, client, caller.cookie).await,
            Some(_) => Err(GrantError::UnsupportedGrantType),
            // FastAPI's form does not insist on it, so the tutorial's curl leaves it out.
            None if request.username.is_some() && request.password.is_some() => {
                self.password(request, client, caller.device).await
            }
            None if request.username.is_some() || request.password.is_some() => {
                Err(GrantError::InvalidRequest(CREDENTIALS_NEEDED))
            }
            None => Err(GrantError::InvalidRequest("The parameter grant_type is missing")),
        }
    }

    /// Both tokens of a session at this generation. `now` is from before the store was asked, so
    /// that a token made while its session was being revoked does not outlive the deny list.
    fn tokens(
        &self,
        session: &Session,
        user: &User,
        scope: Scope,
        revision: u64,
        now: UnixTime,
    ) -> Result<Tokens, GrantError> {
        let issuance = Issuance {
            subject: user.id.to_string(),
            client_id: &session.client_id,
            client_revision: 0,
            session_id: Some(session.id),
            revision,
            roles: &user.roles,
            scope: &scope,
            lifetime: self.tokens.lifetime(),
            session_ends: session.ends_at(),
        };
        let left = Duration::from_secs(session.ends_at().0.saturating_sub(now.0));
        Ok(Tokens {
            access_token: self.tokens.issue(&issuance, now)?,
            expires_in: self.tokens.lifetime().min(left),
            scope,
            refresh_token: self.keys.refresh().seal(session.id, session.generation, &session.salt),
            transport: session.transport,
            refresh_expires_in: left,
        })
    }
}

//! Grants: how a caller turns what they know into tokens (RFC 6749).
//!
//! A file for each grant, named by its `grant_type`, and for what else is done with tokens;
//! [`Authority`] is what they need. Plain async functions on plain types: nothing here knows HTTP.

mod client;
mod client_credentials;
mod error;
mod guess;
mod introspect;
mod password;
mod refresh_token;
mod revoke;
mod scope;

pub use client::{BasicCredentials, ClientCredentials};
pub use error::GrantError;
pub(crate) use error::sentence;
pub use guess::{ChangeError, KnownDevice};
pub use introspect::Introspection;

use crate::{
    account::Accounts,
    audit::{Action, Actor, Event, Outcome, Trail, Witness},
    client::GrantType,
    clock::{Clock, UnixTime},
    config::{PasswordSettings, RefreshSettings, RevocationSettings, ScopeSettings, Settings, WhenStale},
    jwt::{AccessTokens, Claims, Issuance, JwtError},
    keys::Keys,
    password::{Hasher, Hashing},
    rate_limit::RateLimit,
    registration::{Clients, Limits},
    revocation::Revocations,
    scope::Scope,
    store::{Client, Device, LocalAttempts, Session, Stores, Transport, User},
    throttle::Throttle,
};
use std::{error::Error, fmt, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// The scope by which a client asks for its refresh token in the body (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// All that it takes to sign somebody in and to recognise them again. Cheap to clone; clones are one.
#[derive(Clone)]
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
    /// Counts guesses at passwords.
    pub throttle: Throttle,
    /// Counts what sessions and clients ask for.
    pub rate: RateLimit,
    /// What can be granted, and to whom.
    pub scopes: ScopeSettings,
    /// Where it is noted who did what.
    pub audit: Trail,
    /// How long that is kept.
    pub audit_retention: Duration,
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
    /// Which client asks.
    pub client: ClientCredentials,
    /// `refresh_token`.
    pub refresh_token: Option<Zeroizing<String>>,
    /// `device_name`: what the client calls itself in the list of sessions.
    pub device_name: Option<String>,
}

/// A question about a token, or a word to end it; the same parameters (RFC 7009 §2.1, RFC 7662 §2.1).
/// What kind of token it is its form tells, so `token_type_hint` is not needed. Not `Debug`, since
/// all of it is secret.
#[derive(Default, PartialEq, Eq)]
pub struct TokenQuery {
    /// `token`.
    pub token: Option<Zeroizing<String>>,
    /// Which client asks.
    pub client: ClientCredentials,
}

/// What came along with a token request, and is not about its client.
#[derive(Default)]
pub struct Caller {
    /// The refresh token from the cookie.
    pub cookie: Option<Zeroizing<String>>,
    /// What the browser was given when it logged in before ([`KnownDevice`]), from its cookie.
    pub known_device: Option<String>,
    /// What the caller can be recognised by.
    pub device: Device,
}

/// What a successful request is answered with (RFC 6749 §5.1).
pub struct Tokens {
    /// The access token, of type `Bearer`.
    pub access_token: String,
    /// How long it is good for, from now.
    pub expires_in: Duration,
    /// What it may be used for, if anything was asked for or granted before.
    pub scope: Option<Scope>,
    /// By what the next one is had, if the client may refresh.
    pub refresh: Option<Refresh>,
    /// What a browser that has logged in is known by next time.
    pub known_device: Option<KnownDevice>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// A refresh token to be handed out. Not `Debug`, since it is secret.
pub struct Refresh {
    /// The refresh token.
    pub token: Zeroizing<String>,
    /// How it has to travel.
    pub transport: Transport,
    /// How long it is good for, from now.
    pub expires_in: Duration,
}

impl TokenRequest {
    /// Whether its answer may set the cookie.
    pub fn wants_cookie(&self) -> bool {
        self.transport() == Transport::Cookie
            && self.grant_type.as_deref() != Some(GrantType::ClientCredentials.as_str())
    }

    /// Whether this is a refresh, and thus no login.
    pub fn is_refresh(&self) -> bool {
        self.grant_type.as_deref() == Some("refresh_token")
    }

    /// The grant that is asked for.
    fn grant(&self) -> Result<GrantType, GrantError> {
        match self.grant_type.as_deref() {
            Some(grant) => grant.parse().map_err(|_| GrantError::UnsupportedGrantType),
            // FastAPI's form does not insist on it, so the tutorial's curl leaves it out. What else it
            // takes, the grant itself says.
            None if self.username.is_some() || self.password.is_some() => Ok(GrantType::Password),
            None => Err(GrantError::InvalidRequest(sentence::NO_GRANT_TYPE)),
        }
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

impl TokenQuery {
    fn needed(&self) -> Result<&str, GrantError> {
        let token = self.token.as_ref().ok_or(GrantError::InvalidRequest(sentence::NO_TOKEN))?;
        Ok(token)
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
        let audit = Trail::open(stores.audit.clone(), clock.clone()).await?;
        let keys = Keys::open(settings, &stores, clock.clone(), &audit).await?;
        let token_life = settings.access.max_lifetime + settings.access.leeway;
        let revocations = Revocations::open(stores.sessions.clone(), clock.clone(), token_life).await?;
        let PasswordSettings { params, permits, queue, firebase_key: firebase, .. } =
            settings.password.clone();
        let hasher = Hasher::start(Hashing { params, permits, queue, firebase, ..Hashing::default() })?;
        let keys = Arc::new(keys);
        // Whoever brings stores of their own need not bring one for this.
        let attempts = stores.attempts.clone().unwrap_or_else(|| Arc::new(LocalAttempts::new(clock.clone())));
        Ok(Self {
            audit,
            audit_retention: settings.audit_retention,
            rate: RateLimit::new(attempts.clone(), settings.rate.clone()),
            throttle: Throttle::new(attempts, settings.login.clone(), keys.clone(), clock.clone()),
            stores,
            hasher,
            tokens: keys.tokens().clone(),
            keys,
            refresh: settings.refresh.clone(),
            revocations: Arc::new(revocations),
            revocation: settings.revocation.clone(),
            scopes: settings.scopes.clone(),
            clock,
        })
    }

    /// The accounts that can sign in here, in the hands of whoever acts.
    pub fn accounts(&self, by: Actor) -> Accounts {
        let witness = Witness::of(by, &self.audit);
        Accounts::new(self.stores.users.clone(), self.hasher.clone(), self.revocations.clone(), witness)
    }

    /// The clients that are registered here, if there is a store for them, in the hands of whoever acts.
    pub fn clients(&self, by: Actor) -> Option<Clients> {
        let limits = Limits::of(&self.scopes, self.tokens.lifetime(), &self.refresh);
        let store = self.stores.clients.clone()?;
        Some(Clients::new(store, self.revocations.clone(), limits, Witness::of(by, &self.audit)))
    }

    /// Whether access tokens can be taken at all: not when there has been no word for too long of
    /// what was revoked, be it tokens or keys, unless the settings say so.
    pub fn is_informed(&self) -> bool {
        let staleness = self.revocations.staleness().max(self.keys.staleness());
        self.revocation.when_stale == WhenStale::Accept || staleness <= self.revocation.max_staleness
    }

    /// Answers a token request.
    pub async fn token(&self, request: TokenRequest, caller: Caller) -> Result<Tokens, GrantError> {
        let mut event = Event::new(Action::Login);
        event.address = caller.device.address;
        let answer = self.answer(request, caller, &mut event).await;
        self.record(event, answer.as_ref().err());
        answer
    }

    /// The same, and says what happened.
    async fn answer(
        &self,
        request: TokenRequest,
        caller: Caller,
        event: &mut Event,
    ) -> Result<Tokens, GrantError> {
        event.action = Action::ClientAuthentication;
        let client = match self.authenticate(&request.client).await {
            Ok(client) => client,
            Err(error) => return Err(self.noted(error, &request, caller.device.address).await),
        };
        event.client = Some(client.id.to_string());
        let grant = request.grant()?;
        event.action = match grant {
            GrantType::Password => Action::Login,
            GrantType::RefreshToken => Action::Refresh,
            GrantType::ClientCredentials => Action::ServiceToken,
        };
        // RFC 6749 §5.2: the client is known, and may not use this grant.
        if !client.grants.contains(&grant) {
            return Err(GrantError::UnauthorizedClient);
        }
        match grant {
            GrantType::Password => self.password(request, &client, caller, event).await,
            GrantType::RefreshToken => self.refresh_token(request, &client, caller.cookie, event).await,
            GrantType::ClientCredentials => self.client_credentials(request, &client).await,
        }
    }

    /// Notes what came of a request.
    fn record(&self, mut event: Event, error: Option<&GrantError>) {
        if let Some(error) = error {
            event.outcome = if error.is_internal() { Outcome::Failed } else { Outcome::Refused };
            event.reason = event.reason.or(Some(error.public().0));
        }
        self.audit.record(&event);
    }

    /// Verifies the signature, the type and every claim of an access token; whether it was revoked
    /// since is another question. A key that is not known is looked for before it is refused.
    pub async fn verify(&self, token: &[u8]) -> Result<Claims, JwtError> {
        let verdict = || self.tokens.verify(token, self.clock.now());
        match verdict() {
            Err(JwtError::UnknownKey) if self.keys.look_again().await => verdict(),
            verdict => verdict,
        }
    }

    /// What an access token says that somebody asks about; `None` if it is none, or not ours.
    ///
    /// # Errors
    /// [`GrantError::Uninformed`] if it names a key that may be newer than what could be read.
    async fn claims(&self, token: &str) -> Result<Option<Claims>, GrantError> {
        match self.verify(token.as_bytes()).await {
            Ok(claims) => Ok(Some(claims)),
            Err(JwtError::UnknownKey) if self.keys.is_unread() => Err(GrantError::Uninformed),
            Err(_) => Ok(None),
        }
    }

    /// How long a client's access tokens are good for.
    fn access_life(&self, client: &Client) -> Duration {
        least(self.tokens.lifetime(), client.lifetimes.access)
    }

    /// Both tokens of a session at this generation. `now` is from before the store was asked, so
    /// that a token made while its session was being revoked does not outlive the deny list.
    fn tokens(
        &self,
        session: &Session,
        client: &Client,
        user: &User,
        scope: Scope,
        revision: u64,
        now: UnixTime,
    ) -> Result<Tokens, GrantError> {
        let issuance = Issuance {
            subject: user.id.to_string(),
            client_id: &session.client_id,
            client_revision: client.revision,
            session_id: Some(session.id),
            revision,
            roles: scope::roles(client, &scope, user),
            scope: &scope,
            lifetime: self.access_life(client),
            session_ends: session.ends_at(),
        };
        let left = Duration::from_secs(session.ends_at().0.saturating_sub(now.0));
        Ok(Tokens {
            access_token: self.tokens.issue(&issuance, now)?,
            expires_in: self.access_life(client).min(left),
            scope: (!session.scope.is_empty()).then_some(scope),
            refresh: client.grants.contains(&GrantType::RefreshToken).then(|| Refresh {
                token: self.keys.refresh().seal(session.id, session.generation, &session.salt),
                transport: session.transport,
                expires_in: left,
            }),
            known_device: None,
        })
    }
}

/// A lifetime of the server's, or a client's own where that is shorter.
fn least(ours: Duration, own: Option<Duration>) -> Duration {
    own.map_or(ours, |own| own.min(ours))
}

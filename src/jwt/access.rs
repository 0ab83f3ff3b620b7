//! Countersign's own access tokens: issued and verified by the same rules.

use super::{
    Claims, JwtError, KeyRing, Rules, jws,
    profile::{Expected, TYPE},
    verified::VerifiedTokens,
};
use crate::{clock::UnixTime, scope::Scope, session::SessionId, token::TokenId, user::RoleName};
use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use thiserror::Error;

/// Issues and verifies access tokens by a key ring that can be replaced at any time. The clock is
/// an argument of each call.
#[derive(Debug)]
pub struct AccessTokens {
    present: RwLock<Arc<Present>>,
    expected: Expected,
}

/// A ring, and what it has verified.
#[derive(Debug)]
struct Present {
    ring: Arc<KeyRing>,
    verified: VerifiedTokens,
}

impl Present {
    fn new(ring: KeyRing) -> Arc<Self> {
        Arc::new(Self { ring: Arc::new(ring), verified: VerifiedTokens::new() })
    }
}

/// Whom a new access token is for, and what it allows.
#[derive(Clone, Debug)]
pub struct Issuance<'a> {
    /// `sub`: a user's id, or, for a client that calls in its own name, the client's.
    pub subject: String,
    /// `client_id`.
    pub client_id: &'a str,
    /// `crev`: the client's revision; 0 for the built-in one, which does not change.
    pub client_revision: u64,
    /// `sid`: a client that calls in its own name has no session.
    pub session_id: Option<SessionId>,
    /// `rev`.
    pub revision: u64,
    /// `roles`.
    pub roles: &'a BTreeSet<RoleName>,
    /// `scope`.
    pub scope: &'a Scope,
    /// How long it is good for at most, in whole seconds.
    pub lifetime: Duration,
    /// When the session ends; no token outlives it.
    pub session_ends: UnixTime,
}

/// A token could not be made.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The operating system gave no randomness for the `jti`.
    #[error("no randomness for a token id")]
    Randomness,
    /// The signature failed.
    #[error("signing failed")]
    Signing(#[source] jsonwebtoken::errors::Error),
}

impl AccessTokens {
    /// `rules.max_lifetime` is the lifetime of what it issues.
    pub fn new(ring: KeyRing, rules: Rules) -> Self {
        Self { present: RwLock::new(Present::new(ring)), expected: Expected::countersign(rules) }
    }

    /// The keys at this moment.
    pub fn ring(&self) -> Arc<KeyRing> {
        self.present().ring.clone()
    }

    fn present(&self) -> Arc<Present> {
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes other keys. Whatever is being issued or verified goes on with those it began with.
    pub fn replace(&self, ring: KeyRing) {
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Present::new(ring);
    }

    /// How long a new token is good for at most.
    pub fn lifetime(&self) -> Duration {
        self.expected.rules.max_lifetime
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.expected.rules.issuer
    }

    /// `aud`.
    pub fn audience(&self) -> &str {
        &self.expected.rules.audience
    }

    /// How far clocks may be apart.
    pub fn leeway(&self) -> Duration {
        self.expected.rules.leeway
    }

    /// A new token (RFC 9068 §2.2) from `now` for its lifetime or ours, or to the end of its session,
    /// with a `jti` of 128 random bits and nothing personal in it.
    pub fn issue(&self, issuance: &Issuance<'_>, now: UnixTime) -> Result<String, IssueError> {
        let jti = TokenId::random().map_err(|_| IssueError::Randomness)?;
        let lifetime = issuance.lifetime.min(self.lifetime());
        let mut claims = serde_json::json!({
            "iss": self.expected.rules.issuer,
            "aud": self.expected.rules.audience,
            "sub": issuance.subject,
            "client_id": issuance.client_id,
            "jti": jti.to_string(),
            "iat": now,
            "exp": now.plus(lifetime).min(issuance.session_ends),
            "rev": issuance.revision,
            "roles": issuance.roles,
            "scope": issuance.scope,
        });
        if let Some(session) = issuance.session_id {
            claims["sid"] = session.to_string().into();
        }
        if issuance.client_revision != 0 {
            claims["crev"] = issuance.client_revision.into();
        }
        jws::sign(claims.to_string().as_bytes(), TYPE, self.ring().signing(now)).map_err(IssueError::Signing)
    }

    /// Verifies the signature, the type and every claim. What came of it is remembered: the next time
    /// only the key and the times of that very token are looked at.
    pub fn verify(&self, token: &[u8], now: UnixTime) -> Result<Claims, JwtError> {
        let Present { ring, verified } = &*self.present();
        self.expected.verify(token, |kid| ring.choose(kid, now), verified, now)
    }

    /// Forgets tokens that have expired.
    pub fn forget(&self, now: UnixTime) {
        self.present().verified.forget(&self.expected.rules, now);
    }
}

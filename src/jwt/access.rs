//! Countersign's own access tokens: issued and verified by the same rules.

use super::{
    Claims, JwtError, KeySet, KeySetError, Rules, SigningKey, jws,
    profile::{Expected, TYPE},
};
use crate::{
    clock::UnixTime,
    scope::Scope,
    session::SessionId,
    user::{RoleName, UserId},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::collections::BTreeSet;
use std::time::Duration;
use thiserror::Error;

/// Issues and verifies access tokens. The clock is an argument of each call.
#[derive(Debug)]
pub struct AccessTokens {
    signing: SigningKey,
    keys: KeySet,
    expected: Expected,
}

/// Whom a new access token is for, and what it allows.
#[derive(Clone, Debug)]
pub struct Issuance<'a> {
    /// `sub`.
    pub subject: UserId,
    /// `client_id`.
    pub client_id: &'a str,
    /// `sid`.
    pub session_id: SessionId,
    /// `rev`.
    pub revision: u64,
    /// `roles`.
    pub roles: &'a BTreeSet<RoleName>,
    /// `scope`.
    pub scope: &'a Scope,
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
    /// Signs with `signing`; verifies what that key and the `previous` ones signed.
    /// `rules.max_lifetime` is the lifetime of what it issues.
    ///
    /// # Errors
    /// When the same key is given twice.
    pub fn new(signing: SigningKey, previous: &[SigningKey], rules: Rules) -> Result<Self, KeySetError> {
        let keys = KeySet::of(std::iter::once(&signing).chain(previous))?;
        Ok(Self { signing, keys, expected: Expected::countersign(rules) })
    }

    /// How long a new token is good for.
    pub fn lifetime(&self) -> Duration {
        self.expected.rules.max_lifetime
    }

    /// A new token (RFC 9068 §2.2) from `now` for [`lifetime`](Self::lifetime) or to the end of
    /// its session, with a `jti` of 128 random bits and nothing personal in it.
    pub fn issue(&self, issuance: &Issuance<'_>, now: UnixTime) -> Result<String, IssueError> {
        let mut jti = [0; 16];
        getrandom::fill(&mut jti).map_err(|_| IssueError::Randomness)?;
        let claims = serde_json::json!({
            "iss": self.expected.rules.issuer,
            "aud": self.expected.rules.audience,
            "sub": issuance.subject,
            "client_id": issuance.client_id,
            "sid": issuance.session_id.to_string(),
            "jti": BASE64_URL_SAFE_NO_PAD.encode(jti),
            "iat": now,
            "exp": now.plus(self.lifetime()).min(issuance.session_ends),
            "rev": issuance.revision,
            "roles": issuance.roles,
            "scope": issuance.scope.to_string(),
        });
        jws::sign(claims.to_string().as_bytes(), TYPE, &self.signing).map_err(IssueError::Signing)
    }

    /// Verifies the signature, the type and every claim.
    pub fn verify(&self, token: &[u8], now: UnixTime) -> Result<Claims, JwtError> {
        self.expected.verify(token, &self.keys, now)
    }
}

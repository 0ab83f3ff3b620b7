//! The kit: from keys, or from one good token, to all cases.

use super::{
    Answer, Case, bad,
    forge::{Forge, Signer, Token},
};
use crate::{
    clock::UnixTime,
    jwt::{AccessTokens, Issuance, IssueError, KeyRing, RingKey, Rules, SigningKey, Stage},
    scope::Scope,
    session::SessionId,
    user::UserId,
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt};
use thiserror::Error;

/// Makes bad tokens of every kind that we know, and good ones as controls.
///
/// Its tokens are Countersign's (RFC 9068). Whoever has but a good token can change it and sign with
/// keys of their own; with the key ring there are also all those that are rightly signed and
/// wrong nevertheless.
///
/// ```
/// use countersign::{
///     clock::UnixTime,
///     jwt::{AccessTokens, Algorithm, KeyRing, Rules, SigningKey},
///     testing::{Answer, Kit},
/// };
/// use std::time::Duration;
///
/// let now = UnixTime(1_800_000_000);
/// let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDsa)?, now);
/// let rules = Rules {
///     issuer: "https://login.example".into(),
///     audience: "orders".into(),
///     leeway: Duration::from_secs(5),
///     max_lifetime: Duration::from_secs(600),
/// };
/// let tokens = AccessTokens::new(ring.clone(), rules.clone());
/// for case in Kit::from_ring(&ring, &rules, now)?.cases() {
///     if let Some(token) = case.token() {
///         let accepted = tokens.verify(token.as_bytes(), now).is_ok();
///         assert_eq!(accepted, case.answer() == Answer::Accepted, "{case:?}");
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Kit {
    pub(super) text: String,
    pub(super) good: Token,
    now: UnixTime,
    published: Vec<Value>,
    keys: Option<Keys>,
    roles: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Clone)]
struct Keys {
    signing: SigningKey,
    others: Vec<SigningKey>,
}

/// Why there is no kit.
#[derive(Debug, Error)]
pub enum KitError {
    /// What should be a good token is not one of Countersign's at all.
    #[error("this is no access token: three parts in base64url, two of them JSON objects")]
    Token,
    /// The good token was not signed by a key of the ring.
    #[error("none of the ring's keys signed the token")]
    Key,
    /// The published keys are not a JWK Set.
    #[error("this is no JWK Set (RFC 7517 §5)")]
    Published,
    /// A good token could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// No randomness for the names in a token.
    #[error("no randomness for a token")]
    Randomness,
}

impl Kit {
    /// Everything, in the shape of a token of somebody who does not exist: for whatever looks at
    /// tokens alone. `now` is the time of whoever verifies.
    ///
    /// # Errors
    /// Without randomness, or if the key does not sign.
    pub fn from_ring(ring: &KeyRing, rules: &Rules, now: UnixTime) -> Result<Self, KitError> {
        let issuance = Issuance {
            subject: UserId::random().to_string(),
            client_id: crate::client::FIRST_PARTY,
            client_revision: 0,
            session_id: Some(SessionId::random().map_err(|_| KitError::Randomness)?),
            revision: 1,
            roles: &BTreeSet::new(),
            scope: &Scope::default(),
            lifetime: rules.max_lifetime,
            session_ends: UnixTime(u64::MAX),
        };
        let good = AccessTokens::new(ring.clone(), rules.clone()).issue(&issuance, now)?;
        Self::from_token(&good, now)?.with_ring(ring)
    }

    /// What anybody can make who has this good token, and no key. `now` is the time of whoever
    /// verifies.
    ///
    /// # Errors
    /// [`KitError::Token`] if it is none.
    pub fn from_token(good: &str, now: UnixTime) -> Result<Self, KitError> {
        let token = Token::parse(good).ok_or(KitError::Token)?;
        let text = good.to_owned();
        Ok(Self { text, good: token, now, published: vec![], keys: None, roles: vec![], scopes: vec![] })
    }

    /// And what can be made with its keys: one of them signed the good token.
    ///
    /// # Errors
    /// [`KitError::Key`] if none did.
    pub fn with_ring(mut self, ring: &KeyRing) -> Result<Self, KitError> {
        let verifies = |key: &&RingKey| !matches!(ring.stage(key, self.now), Stage::Gone | Stage::Revoked);
        let verifying = ring.keys().iter().filter(verifies);
        let (signing, others): (Vec<_>, Vec<_>) =
            verifying.map(|key| key.key().clone()).partition(|key| key.signed(self.text.as_bytes()));
        let signing = signing.into_iter().next().ok_or(KitError::Key)?;
        self.keys = Some(Keys { signing, others });
        let published = ring.jwks(self.now);
        self.with_published(&published)
    }

    /// And what can be made from the public keys, which everybody knows: a JWK Set (RFC 7517 §5).
    ///
    /// # Errors
    /// [`KitError::Published`] if it is none.
    pub fn with_published(mut self, jwks: &str) -> Result<Self, KitError> {
        let mut set: Value = serde_json::from_str(jwks).map_err(|_| KitError::Published)?;
        match set.get_mut("keys").map(Value::take) {
            Some(Value::Array(keys)) => self.published = keys,
            _ => return Err(KitError::Published),
        }
        Ok(self)
    }

    /// And, with the keys, tokens without this role, for a route that wants it: the good token has it.
    /// Of several, each is left out alone.
    pub fn with_role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }

    /// And, with the keys, tokens without this scope, for a route that wants it: the good token has it.
    /// Of several, each is left out alone.
    pub fn with_scope(mut self, scope: &str) -> Self {
        self.scopes.push(scope.to_owned());
        self
    }

    /// The controls: good tokens, the plain one first.
    pub fn good(&self) -> impl Iterator<Item = Case> + use<> {
        self.made().into_iter().filter(|case| case.answer == Answer::Accepted)
    }

    /// All that must not get in.
    pub fn bad(&self) -> impl Iterator<Item = Case> + use<> {
        self.made().into_iter().filter(|case| case.answer != Answer::Accepted)
    }

    /// Both: the plain good token, all others, and the good token once more, since what was bad must
    /// not have changed what becomes of it.
    pub fn cases(&self) -> impl Iterator<Item = Case> + use<> {
        let again = bad::plain(&self.text, "the good token, after all these");
        self.made().into_iter().chain([again])
    }

    fn made(&self) -> Vec<Case> {
        let forge = Forge {
            text: &self.text,
            good: &self.good,
            now: self.now,
            published: &self.published,
            roles: &self.roles,
            scopes: &self.scopes,
        };
        let keys = self.keys.as_ref();
        let signer = keys.map(|keys| Signer { forge: &forge, key: &keys.signing, others: &keys.others });
        bad::all(&forge, signer.as_ref())
    }
}

/// Does not show the token.
impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").field("signs", &self.keys.is_some()).finish_non_exhaustive()
    }
}

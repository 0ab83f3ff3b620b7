//! The claims of an access token (RFC 7519 §4.1, RFC 9068 §2.2), each with its exact type.

use super::{
    JwtError,
    json::{self, Members, Typed, typed},
    profile::{Expected, Profile, ROLES_AT},
};
use crate::{
    clock::UnixTime,
    scope::Scope,
    session::SessionId,
    token::TokenId,
    user::{RoleName, UserId},
};
use serde::{
    Deserialize,
    de::{IgnoredAny, MapAccess},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// What a verified access token says. As a request guard in Rocket it needs the token alone,
/// so it costs no look-up, and it lets services pass as well as people; which of them is calling,
/// [`is_service`](Self::is_service) says. Cheap to clone; clones share what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(Arc<Said>);

#[derive(Debug, PartialEq, Eq)]
struct Said {
    subject: String,
    client_id: String,
    session_id: String,
    jti: String,
    revision: u64,
    client_revision: u64,
    roles: BTreeSet<RoleName>,
    scope: Scope,
    issued_at: UnixTime,
    expires_at: UnixTime,
    /// The later of `iat` and `nbf`.
    not_before: UnixTime,
    /// The subject, where it is the id of a user.
    user: Option<UserId>,
    /// The session's id, where it could be one of ours.
    session: Option<SessionId>,
    /// The token's own, where it could be one of ours.
    token: Option<TokenId>,
}

impl Claims {
    /// `sub`: whom the token is about; for a person, their [`UserId`](crate::user::UserId).
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Whether a service is calling in its own name, and no person: the subject is the client itself
    /// (RFC 9068 §2.2). No [`UserId`](crate::user::UserId) is a client's id.
    pub fn is_service(&self) -> bool {
        self.0.subject == self.0.client_id
    }

    /// `client_id`: which application logged in. Another issuer's token may have none: `""`.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// `sid`: the session that the token belongs to. A service's has none, and another issuer's may
    /// have none: `""`.
    pub fn session_id(&self) -> &str {
        &self.0.session_id
    }

    /// `jti`: the token's own name, never given to another. Another issuer's token may have none:
    /// `""`.
    pub fn token_id(&self) -> &str {
        &self.0.jti
    }

    /// `rev`: the subject's revision when this one was issued; it grows each time all their tokens
    /// are revoked. Another issuer's token may have none: 0.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// `crev`: the client's revision when this one was issued; it grows with each change of what the
    /// client may do. 0 for the built-in client, and where another issuer's token has none.
    pub fn client_revision(&self) -> u64 {
        self.0.client_revision
    }

    /// `roles` at the time of issue. Names that could not be ours are left out.
    pub fn roles(&self) -> &BTreeSet<RoleName> {
        &self.0.roles
    }

    /// `scope`: what the token may be used for.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// `iat`: when it was issued.
    pub fn issued_at(&self) -> UnixTime {
        self.0.issued_at
    }

    /// `exp`: from this second on it is refused.
    pub fn expires_at(&self) -> UnixTime {
        self.0.expires_at
    }

    /// The subject as the id of a user, if it is one.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.0.user
    }

    /// The session as the id of one of ours, if it is one.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.0.session
    }

    /// The token's own name as an id of ours, if it is one.
    pub(crate) fn token(&self) -> Option<TokenId> {
        self.0.token
    }

    /// Checks the payload of a well signed token, but for whether this is the time for it:
    /// [`timely`](Self::timely).
    pub(super) fn check(payload: &[u8], expected: &Expected) -> Result<Self, JwtError> {
        let raw: Raw = json::object(payload).ok_or(JwtError::Malformed)?;
        let rules = &expected.rules;
        let any = expected.profile == Profile::Any;

        // RFC 9068 §4: the issuer must be exactly ours.
        if raw.iss.right().as_deref() != Some(&*rules.issuer) {
            return Err(JwtError::Claim("iss"));
        }
        // RFC 7519 §4.1.3: with us among them.
        let audience = match raw.aud.right() {
            Some(Audience::One(aud)) => vec![aud],
            Some(Audience::Several(auds)) => auds,
            None => vec![],
        };
        if !audience.contains(&rules.audience) {
            return Err(JwtError::Claim("aud"));
        }
        let text = |claim: Typed<String>, name| match claim.right() {
            Some(text) if !text.is_empty() && !text.contains(char::is_control) => Ok(text),
            _ => Err(JwtError::Claim(name)),
        };
        // What only Countersign promises to say; said at all, it must be right.
        let own = |claim, name| match claim {
            Typed::Absent if any => Ok(String::new()),
            claim => text(claim, name),
        };
        let subject = text(raw.sub, "sub")?;
        let client_id = match raw.client_id {
            Typed::Absent if any => own(raw.azp, "azp")?,
            client_id => text(client_id, "client_id")?,
        };
        let session_id = match raw.sid {
            // Nobody has logged in, so there is no session (RFC 6749 §4.4).
            Typed::Absent if subject == client_id => String::new(),
            sid => own(sid, "sid")?,
        };
        let jti = own(raw.jti, "jti")?;
        let revision = match raw.rev {
            Typed::Absent if any => 0,
            rev => rev.right().ok_or(JwtError::Claim("rev"))?,
        };
        let client_revision = match raw.crev {
            Typed::Absent => 0,
            crev => crev.right().ok_or(JwtError::Claim("crev"))?,
        };

        let (issued_at, not_before, expires_at) = rules.lifetime(raw.iat, raw.nbf, raw.exp)?;
        // Left out, or of another type, these give nothing (RFC 6750 §3.1).
        let roles = match &*expected.roles_at {
            ROLES_AT => raw.roles.right(),
            pointer => texts_at(pointer, payload),
        };
        let roles = roles.unwrap_or_default().iter().filter_map(|role| role.parse().ok()).collect();
        let scope = raw.scope.right().and_then(|scope| scope.parse().ok()).unwrap_or_default();
        Ok(Self(Arc::new(Said {
            user: subject.parse().ok(),
            session: session_id.parse().ok(),
            token: jti.parse().ok(),
            subject,
            client_id,
            session_id,
            jti,
            revision,
            client_revision,
            roles,
            scope,
            issued_at,
            expires_at,
            not_before,
        })))
    }

    /// Whether this is the time for them; what else they say does not depend on it.
    pub(super) fn timely(&self, rules: &Rules, now: UnixTime) -> Result<(), JwtError> {
        // RFC 7519 §4.1.4: on or after `exp` it must not be accepted.
        if now >= self.0.expires_at.plus(rules.leeway) {
            return Err(JwtError::Expired);
        }
        if self.0.not_before > now.plus(rules.leeway) {
            return Err(JwtError::NotYetValid);
        }
        Ok(())
    }
}

/// The array of texts that a JSON pointer (RFC 6901) leads to.
fn texts_at(pointer: &str, payload: &[u8]) -> Option<Vec<String>> {
    let mut payload: serde_json::Value = serde_json::from_slice(payload).ok()?;
    serde_json::from_value(payload.pointer_mut(pointer)?.take()).ok()
}

/// What an access token has to say to be taken.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The one accepted `iss`.
    pub issuer: String,
    /// What has to stand in `aud`.
    pub audience: String,
    /// How far clocks may be apart, in whole seconds.
    pub leeway: Duration,
    /// The longest time from `iat` to `exp`, in whole seconds.
    pub max_lifetime: Duration,
}

impl Rules {
    /// `iat`, the later of `iat` and `nbf`, and `exp`.
    fn lifetime(
        &self,
        iat: Typed<u64>,
        nbf: Typed<u64>,
        exp: Typed<u64>,
    ) -> Result<(UnixTime, UnixTime, UnixTime), JwtError> {
        let issued_at = UnixTime(iat.right().ok_or(JwtError::Claim("iat"))?);
        let expires_at = UnixTime(exp.right().ok_or(JwtError::Claim("exp"))?);
        if expires_at <= issued_at || expires_at > issued_at.plus(self.max_lifetime) {
            return Err(JwtError::Claim("exp"));
        }
        match nbf {
            Typed::Absent => Ok((issued_at, issued_at, expires_at)),
            Typed::Is(nbf) => Ok((issued_at, issued_at.max(UnixTime(nbf)), expires_at)),
            Typed::Wrong => Err(JwtError::Claim("nbf")),
        }
    }
}

/// RFC 7519 §4.1.3: one string, or an array of strings.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Default)]
struct Raw {
    iss: Typed<String>,
    aud: Typed<Audience>,
    sub: Typed<String>,
    client_id: Typed<String>,
    azp: Typed<String>,
    sid: Typed<String>,
    jti: Typed<String>,
    iat: Typed<u64>,
    exp: Typed<u64>,
    nbf: Typed<u64>,
    rev: Typed<u64>,
    crev: Typed<u64>,
    roles: Typed<Vec<String>>,
    scope: Typed<String>,
}

impl Members for Raw {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "iss" => self.iss = typed(map)?,
            "aud" => self.aud = typed(map)?,
            "sub" => self.sub = typed(map)?,
            "client_id" => self.client_id = typed(map)?,
            "azp" => self.azp = typed(map)?,
            "sid" => self.sid = typed(map)?,
            "jti" => self.jti = typed(map)?,
            "iat" => self.iat = typed(map)?,
            "exp" => self.exp = typed(map)?,
            "nbf" => self.nbf = typed(map)?,
            "rev" => self.rev = typed(map)?,
            "crev" => self.crev = typed(map)?,
            "roles" => self.roles = typed(map)?,
            "scope" => self.scope = typed(map)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

//! Client assertions: a client proves who it is by a signature (RFC 7523 §2.2, OpenID Connect Core §9
//! `private_key_jwt`).

use super::{
    JwtError, KeySet,
    claims::Audience,
    json::{self, Members, Typed, typed},
    jws, verify_jws,
};
use crate::{client::ClientId, clock::UnixTime};
use serde::de::{IgnoredAny, MapAccess};
use std::time::Duration;

/// The furthest that the `exp` of an assertion may lie ahead: one that was used has to be remembered
/// for as long as it would be good, and that must end some time.
pub const MAX_ASSERTION_LIFE: Duration = Duration::from_secs(3_600);

/// The media type of an assertion, without `application/` (draft-ietf-oauth-rfc7523bis §4).
const TYPE: &str = "client-authentication+jwt";

/// What an assertion is held against.
#[derive(Clone, Copy, Debug)]
pub struct AssertionRules<'a> {
    /// Whose it has to be.
    pub client: &'a ClientId,
    /// The server's own names, of which exactly one has to be the `aud`. The issuer's is the only one
    /// that draft-ietf-oauth-rfc7523bis §4 knows; OpenID Connect Core §9 has the token endpoint's.
    pub audiences: &'a [String],
    /// How far clocks may differ, in whole seconds.
    pub leeway: Duration,
}

/// A client's proof of who it is: a token about itself, signed by its own key.
///
/// ```
/// use countersign::{clock::UnixTime, jwt::{Assertion, AssertionRules, KeySet}};
/// use std::time::Duration;
///
/// let token = concat!(
///     "eyJhbGciOiJFZERTQSIsInR5cCI6ImNsaWVudC1hdXRoZW50aWNhdGlvbitqd3QifQ.",
///     "eyJpc3MiOiJyZXBvcnRzLXdvcmtlciIsInN1YiI6InJlcG9ydHMtd29ya2VyIiwiYXVkIjoiaHR0cHM6Ly9sb2dp",
///     "bi5leGFtcGxlIiwianRpIjoiYjRvVG5qQzYiLCJleHAiOjE4MDAwMDAwNjB9.",
///     "f9Hja-uN8EZxiuR95SQdC5jOcxBduMxG6U6mTHnF_IPKC474NBtGHwgcv3lx7WIb_ZNdH5ubrvQ9Xz9QDCc9AQ",
/// );
/// // It may come without a `client_id`, so it is asked for the client to look up.
/// let client = Assertion::claimed_subject(token.as_bytes()).expect("a client's id");
/// assert_eq!(client.as_str(), "reports-worker");
///
/// let keys = KeySet::registered(
///     r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
/// )?;
/// let audiences = ["https://login.example".to_owned()];
/// let leeway = Duration::from_secs(5);
/// let rules = AssertionRules { client: &client, audiences: &audiences, leeway };
/// let assertion = Assertion::verify(token.as_bytes(), &keys, &rules, UnixTime(1_800_000_000))?;
/// assert_eq!(assertion.id(), "b4oTnjC6");
/// assert_eq!(assertion.expires_at(), UnixTime(1_800_000_065));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    id: String,
    expires_at: UnixTime,
}

impl Assertion {
    /// Verifies the signature, the type and every claim (RFC 7523 §3). Whether it was used before is
    /// for the caller to find out, by its [`id`](Self::id): it may be used once.
    ///
    /// The `keys` are those of [`KeySet::registered`]; with several, its header has to say which.
    pub fn verify(
        token: &[u8],
        keys: &KeySet,
        rules: &AssertionRules<'_>,
        now: UnixTime,
    ) -> Result<Self, JwtError> {
        let jws = verify_jws(token, keys)?;
        // OpenID Connect Core §9: what is signed by a secret is `client_secret_jwt`, another method.
        if !jws.algorithm().is_asymmetric() {
            return Err(JwtError::Algorithm);
        }
        // RFC 8725 §3.11: made for something else, it is no assertion, though the client signed it.
        let takes = |typ: Option<&str>| matches!(typ, None | Some("jwt" | TYPE));
        if !takes(jws.media_type().as_deref()) || jws.is_nested() {
            return Err(JwtError::Type);
        }
        Self::check(jws.payload(), rules, now)
    }

    /// Which client it says that it is from, before anything is verified: with an assertion, the
    /// parameter `client_id` may be left out (RFC 7521 §4.2). Good for nothing but to look its keys up.
    pub fn claimed_subject(token: &[u8]) -> Option<ClientId> {
        let claims: Raw = json::object(&jws::unverified_payload(token).ok()?)?;
        claims.sub.right()?.parse().ok()
    }

    /// `jti`: no two of one client's have the same, so that by it a second use is known.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// From this second on it is refused, and its [`id`](Self::id) can be forgotten: `exp` and the
    /// leeway.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Checks the payload of a well signed assertion.
    fn check(payload: &[u8], rules: &AssertionRules<'_>, now: UnixTime) -> Result<Self, JwtError> {
        let raw: Raw = json::object(payload).ok_or(JwtError::Malformed)?;

        // RFC 7523 §3, points 1 and 2.B: a client speaks for itself and of itself.
        for (claim, name) in [(raw.iss, "iss"), (raw.sub, "sub")] {
            if claim.right().as_deref() != Some(rules.client.as_str()) {
                return Err(JwtError::Claim(name));
            }
        }
        // RFC 7523 §3, point 3, and draft-ietf-oauth-rfc7523bis §4: for us and nobody else. What is
        // good at two servers, the one can use at the other.
        let audience = match raw.aud.right() {
            Some(Audience::One(name)) => Some(name),
            Some(Audience::Several(names)) => <[String; 1]>::try_from(names).ok().map(|[name]| name),
            None => None,
        };
        if !audience.is_some_and(|name| rules.audiences.contains(&name)) {
            return Err(JwtError::Claim("aud"));
        }
        // RFC 7523 §3, point 7; OpenID Connect Core §9 requires it.
        let id = match raw.jti.right() {
            Some(id) if (1..=255).contains(&id.len()) && !id.contains(char::is_control) => id,
            _ => return Err(JwtError::Claim("jti")),
        };

        // RFC 7523 §3, point 4: refused on or after `exp`, and if that is unreasonably far ahead.
        let expires_at = UnixTime(raw.exp.right().ok_or(JwtError::Claim("exp"))?);
        let latest = now.plus(rules.leeway);
        if expires_at > latest.plus(MAX_ASSERTION_LIFE) {
            return Err(JwtError::Claim("exp"));
        }
        let expires_at = expires_at.plus(rules.leeway);
        if now >= expires_at {
            return Err(JwtError::Expired);
        }
        // RFC 7523 §3, points 5 and 6: they may be left out.
        for (claim, name) in [(raw.nbf, "nbf"), (raw.iat, "iat")] {
            match claim {
                Typed::Absent => {}
                Typed::Is(time) if UnixTime(time) <= latest => {}
                Typed::Is(_) => return Err(JwtError::NotYetValid),
                Typed::Wrong => return Err(JwtError::Claim(name)),
            }
        }
        Ok(Self { id, expires_at })
    }
}

#[derive(Default)]
struct Raw {
    iss: Typed<String>,
    sub: Typed<String>,
    aud: Typed<Audience>,
    jti: Typed<String>,
    iat: Typed<u64>,
    nbf: Typed<u64>,
    exp: Typed<u64>,
}

impl Members for Raw {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "iss" => self.iss = typed(map)?,
            "sub" => self.sub = typed(map)?,
            "aud" => self.aud = typed(map)?,
            "jti" => self.jti = typed(map)?,
            "iat" => self.iat = typed(map)?,
            "nbf" => self.nbf = typed(map)?,
            "exp" => self.exp = typed(map)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

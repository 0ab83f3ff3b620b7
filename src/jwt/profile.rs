//! Whose access tokens are taken, and what is asked of them.

use super::{
    Claims, JwtError, MAX_TOKEN_BYTES, Rules, jws,
    verified::{Verified, VerifiedTokens},
    verifying_key::VerifyingKey,
};
use crate::clock::UnixTime;

/// The media type of an access token, without `application/` (RFC 9068 §2.1).
pub(super) const TYPE: &str = "at+jwt";

/// Where Countersign's own tokens have their roles, as a JSON pointer (RFC 6901).
pub(crate) const ROLES_AT: &str = "/roles";

/// Whose access tokens are taken. Whoever they are from, `iss`, `aud`, `sub`, `iat` and `exp` must
/// be there with their exact types, and the issuer and the audience must be the ones expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Countersign's (RFC 9068): of the type `at+jwt`, with `client_id`, `sid`, `jti` and `rev`.
    #[default]
    Countersign,
    /// Any issuer's: the type may also be `JWT` or left out, and so may `client_id` (or `azp`, which
    /// stands in for it), `sid`, `jti` and `rev`; the texts are then empty and `rev` is 0.
    ///
    /// An ID token is told from an access token by its audience only: expect the API's own name
    /// there, never a client's id.
    Any,
}

/// What a token is held against.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) rules: Rules,
    pub(crate) profile: Profile,
    /// A JSON pointer to an array of texts.
    pub(crate) roles_at: String,
}

impl Expected {
    /// What Countersign itself issues.
    pub(crate) fn countersign(rules: Rules) -> Self {
        Self { rules, profile: Profile::Countersign, roles_at: ROLES_AT.into() }
    }

    /// Verifies the signature, the type and every claim, by the key that `choose` takes the
    /// header's `kid` for. A token that is among the `verified`, which have to be of the same keys,
    /// is looked at no further than its key and its times.
    pub(super) fn verify<'k>(
        &self,
        token: &[u8],
        choose: impl Fn(Option<&str>) -> Option<&'k VerifyingKey>,
        verified: Option<&VerifiedTokens>,
        now: UnixTime,
    ) -> Result<Claims, JwtError> {
        let verified = verified.filter(|_| token.len() <= MAX_TOKEN_BYTES);
        if let Some(Verified { kid, claims }) = verified.and_then(|verified| verified.find(token)) {
            choose(kid.as_deref()).ok_or(JwtError::UnknownKey)?;
            claims.timely(&self.rules, now)?;
            return Ok(claims);
        }
        let jws = jws::verify_with(token, choose)?;
        if !self.profile.takes(jws.media_type().as_deref()) || jws.is_nested() {
            return Err(JwtError::Type);
        }
        let claims = Claims::check(jws.payload(), self, now)?;
        if let Some(verified) = verified.filter(|_| jws.algorithm().is_asymmetric()) {
            verified.note(token, Verified { kid: jws.kid().map(str::to_owned), claims: claims.clone() });
        }
        Ok(claims)
    }
}

impl Profile {
    /// RFC 9068 §4.
    fn takes(self, media_type: Option<&str>) -> bool {
        match media_type {
            Some(TYPE) => true,
            None | Some("jwt") => self == Self::Any,
            Some(_) => false,
        }
    }
}

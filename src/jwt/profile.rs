//! Whose access tokens are taken, and what is asked of them.

use super::{
    Claims, JwtError, MAX_TOKEN_BYTES, Rules, jws,
    verified::{Verified, VerifiedTokens},
    verifying_key::VerifyingKey,
};
use crate::clock::UnixTime;
use std::sync::Arc;

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
        verified: &VerifiedTokens,
        now: UnixTime,
    ) -> Result<Claims, JwtError> {
        // None that is longer was ever remembered.
        let verified = (token.len() <= MAX_TOKEN_BYTES).then_some(verified);
        let claims = match verified.and_then(|verified| verified.find(token)) {
            Some(Ok(Verified { kid, claims })) => {
                choose(kid.as_deref()).ok_or(JwtError::UnknownKey)?;
                claims
            }
            Some(Err(reason)) => return Err(reason),
            None => self.lasting(token, choose, verified)?,
        };
        claims.timely(&self.rules, now)?;
        Ok(claims)
    }

    /// Verifies all that does not depend on the time, and remembers what came of it.
    fn lasting<'k>(
        &self,
        token: &[u8],
        choose: impl Fn(Option<&str>) -> Option<&'k VerifyingKey>,
        memory: Option<&VerifiedTokens>,
    ) -> Result<Claims, JwtError> {
        let found = jws::verify_with(token, choose).and_then(|jws| {
            if !self.profile.takes(jws.media_type().as_deref()) || jws.is_nested() {
                return Err(JwtError::Type);
            }
            Ok((Claims::check(jws.payload(), self)?, jws))
        });
        let Some(verified) = memory else { return found.map(|(claims, _)| claims) };
        match found {
            Ok((claims, jws)) => {
                verified.note(token, Verified { kid: jws.kid().map(Arc::from), claims: claims.clone() });
                Ok(claims)
            }
            Err(reason) => {
                // Only what took a signature to find out. A key that is not known may come to be.
                if matches!(reason, JwtError::Signature | JwtError::Type | JwtError::Claim(_)) {
                    verified.note_refused(token, reason);
                }
                Err(reason)
            }
        }
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

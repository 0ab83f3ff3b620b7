//! Whoever recognises the tokens of this Rocket.

use super::Rejection;
#[cfg(feature = "verifier")]
use crate::{Verifier, verifier::VerifyError};
use crate::{grant::Authority, jwt::Claims};
use rocket::{Phase, Rocket};

/// What the guards ask: one of the two is managed.
pub(super) enum Recogniser<'r> {
    /// Of [`stage()`](crate::stage()): tokens that are issued here.
    Issuer(&'r Authority),
    /// Of [`Verifier::stage`]: tokens that are issued elsewhere.
    #[cfg(feature = "verifier")]
    Verifier(&'r Verifier),
}

impl<'r> Recogniser<'r> {
    pub(super) fn of(rocket: &'r Rocket<impl Phase>) -> Option<Self> {
        let issuer = rocket.state().map(Self::Issuer);
        #[cfg(feature = "verifier")]
        let issuer = issuer.or_else(|| rocket.state().map(Self::Verifier));
        issuer
    }

    pub(super) async fn recognise(&self, token: &str) -> Result<Claims, Rejection> {
        match self {
            Self::Issuer(authority) => {
                let claims = authority.verify(token.as_bytes()).await?;
                if authority.revocations.denies(&claims) {
                    Err(Rejection::Revoked)
                } else if authority.is_informed() {
                    Ok(claims)
                } else {
                    Err(Rejection::Unavailable)
                }
            }
            #[cfg(feature = "verifier")]
            Self::Verifier(verifier) => {
                verifier.verify(token.as_bytes()).await.map_err(|error| match error {
                    VerifyError::Token(error) => error.into(),
                    VerifyError::Revoked => Rejection::Revoked,
                    VerifyError::NoKeys | VerifyError::NoWord => Rejection::Unavailable,
                })
            }
        }
    }
}

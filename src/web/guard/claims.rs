//! The token alone.

use super::{Rejection, stage_is_missing};
use crate::{grant::Authority, jwt::Claims, web::bearer};
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};

/// Verifies the request's token, once however many guards ask.
pub(super) fn verified<'r>(request: &'r Request<'_>) -> &'r Result<Claims, Rejection> {
    request.local_cache(|| {
        let authority = request.rocket().state::<Authority>().ok_or(Rejection::Unavailable)?;
        let token = bearer::presented(request)?;
        let claims = authority.tokens.verify(token.as_bytes(), authority.clock.now())?;
        if authority.revocations.denies(&claims) {
            Err(Rejection::Revoked)
        } else if authority.is_informed() {
            Ok(claims)
        } else {
            Err(Rejection::Unavailable)
        }
    })
}

#[async_trait]
impl<'r> FromRequest<'r> for &'r Claims {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        match verified(request) {
            Ok(claims) => Outcome::Success(claims),
            Err(rejection) => rejection.outcome(request),
        }
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Claims {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        <&Claims>::from_request(request).await.map(Claims::clone)
    }
}

impl Sentinel for Claims {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        stage_is_missing(rocket)
    }
}

impl Sentinel for &Claims {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        stage_is_missing(rocket)
    }
}

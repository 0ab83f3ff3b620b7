//! The token alone.

use super::{Recogniser, Rejection, cache::Cache, stage_is_missing};
use crate::{jwt::Claims, web::bearer};
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};

/// Verifies the request's token, once however many guards ask before the body, and once after it.
pub(super) async fn verified<'r>(request: &'r Request<'_>) -> &'r Result<Claims, Rejection> {
    let verify = async {
        let recogniser = Recogniser::of(request.rocket()).ok_or(Rejection::Unavailable)?;
        recogniser.recognise(bearer::presented(request)?).await
    };
    Cache::of(request).claims.get_or_init(|| verify).await
}

/// The claims that the guards accepted, if one has asked.
pub(in crate::web) fn recognised<'r>(request: &'r Request<'_>) -> Option<&'r Claims> {
    Cache::of(request).claims.get()?.as_ref().ok()
}

#[async_trait]
impl<'r> FromRequest<'r> for &'r Claims {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        match verified(request).await {
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

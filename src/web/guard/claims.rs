//! The token alone.

use super::{Recogniser, Rejection, stage_is_missing};
use crate::{jwt::Claims, web::bearer};
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};

/// Verifies the request's token, once however many guards ask.
pub(super) async fn verified<'r>(request: &'r Request<'_>) -> &'r Result<Claims, Rejection> {
    let verify = async {
        let recogniser = Recogniser::of(request.rocket()).ok_or(Rejection::Unavailable)?;
        recogniser.recognise(bearer::presented(request)?).await
    };
    request.local_cache_async(verify).await
}

/// Who was recognised, if a guard has asked.
pub(in crate::web) fn recognised<'r>(request: &'r Request<'_>) -> Option<&'r Claims> {
    request.local_cache(|| Err::<Claims, _>(Rejection::NoCredentials)).as_ref().ok()
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

//! What a caller can be recognised by.

use crate::store::Device;
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

/// The caller's `User-Agent` and address, as far as known.
pub(super) struct Seen(pub(super) Device);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Seen {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(Device {
            user_agent: request.headers().get_one("User-Agent").map(str::to_owned),
            address: request.client_ip(),
            name: None,
        }))
    }
}

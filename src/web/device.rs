//! What a caller can be recognised by.

use crate::{config::Settings, store::Device};
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};
use std::net::IpAddr;

/// The caller's `User-Agent` and address, as far as known.
pub(super) struct Seen(pub(super) Device);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Seen {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(Device {
            user_agent: request.headers().get_one("User-Agent").map(str::to_owned),
            address: address(request),
            name: None,
        }))
    }
}

/// Where the request came from, as the proxies say that we trust. Rocket's own `client_ip` takes
/// anybody's word for it (its setting `ip_header`).
fn address(request: &Request<'_>) -> Option<IpAddr> {
    let peer = request.remote()?.ip();
    let Some(settings) = request.rocket().state::<Settings>() else { return Some(peer) };
    let forwarded: Vec<_> = request.headers().get("X-Forwarded-For").collect();
    Some(settings.trusted_proxies.client(peer, &forwarded))
}

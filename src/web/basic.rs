//! HTTP Basic, by which clients authenticate (RFC 7617 as RFC 6749 §2.3.1 uses it).

use super::{form, well_known::Place};
use crate::grant::{BasicCredentials, ClientCredentials, GrantError};
use base64::{Engine, prelude::BASE64_STANDARD};
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};
use std::convert::Infallible;
use zeroize::Zeroizing;

pub(super) const TWICE: &str = "The Authorization header stands twice";

/// What a request says of its client outside its form.
pub(super) struct ClientHeader {
    basic: Result<Option<BasicCredentials>, GrantError>,
    endpoints: Vec<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for ClientHeader {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let called = request.route().and_then(|route| {
            let base = route.uri.base().trim_end_matches('/');
            route.uri.path().strip_prefix(base)
        });
        let endpoints = request.rocket().state::<Place>().map_or(vec![], |place| {
            called.into_iter().chain(["/token"]).map(|route| place.endpoint(route)).collect()
        });
        Outcome::Success(Self { basic: credentials(request.headers().get("Authorization")), endpoints })
    }
}

impl ClientHeader {
    /// Adds it to what the form says.
    pub(super) fn complete(self, credentials: &mut ClientCredentials) -> Result<(), GrantError> {
        credentials.basic = self.basic?;
        credentials.endpoints = self.endpoints;
        Ok(())
    }
}

/// The credentials of these `Authorization` headers; `None` where there is none.
fn credentials<'h>(
    headers: impl IntoIterator<Item = &'h str>,
) -> Result<Option<BasicCredentials>, GrantError> {
    let mut headers = headers.into_iter();
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(GrantError::InvalidRequest(TWICE));
    }
    let credentials = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| parse(encoded));
    credentials.map(Some).ok_or(GrantError::InvalidClient)
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are put together.
fn parse(encoded: &str) -> Option<BasicCredentials> {
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let decode = |half: &str| form::percent_decode(half.as_bytes()).ok();
    Some(BasicCredentials { id: decode(id)?, secret: decode(secret)?.into() })
}

//! `POST /token` (RFC 6749 §3.2).

use super::{
    answer::Private,
    basic::ClientHeader,
    cookie::{self, CROSS_SITE, DeviceCookie, Provenance, RefreshCookie},
    device::Seen,
    form,
    refused::Refused,
};
use crate::{
    config::Settings,
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    scope::Scope,
    store::Transport,
};
use rocket::{
    Request, State,
    data::Data,
    http::ContentType,
    post,
    response::{self, Responder},
};
use serde::Serialize;

/// The answer to a granted request (RFC 6749 §5.1).
pub(super) struct Granted(Tokens);

#[derive(Serialize)]
struct Body<'t> {
    access_token: &'t str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'t Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'t str>,
}

impl<'r> Responder<'r, 'static> for Granted {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tokens = self.0;
        let by = |transport| tokens.refresh.as_ref().filter(|refresh| refresh.transport == transport);
        let (in_body, in_cookie) = (by(Transport::Body), by(Transport::Cookie));
        let body = Body {
            access_token: &tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in.as_secs(),
            scope: tokens.scope.as_ref(),
            refresh_token: in_body.map(|refresh| refresh.token.as_str()),
        };
        let mut response = Private(body).respond_to(request)?;
        if let Some(refresh) = in_cookie {
            cookie::set(&mut response, refresh);
        }
        if let Some(device) = &tokens.known_device {
            cookie::set_device(&mut response, device);
        }
        Ok(response)
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a guard for one part of the request")]
#[post("/token", data = "<data>")]
pub(super) async fn token(
    authority: &State<Authority>,
    settings: &State<Settings>,
    content_type: Option<&ContentType>,
    client: ClientHeader,
    cookie: RefreshCookie,
    device: DeviceCookie,
    provenance: Provenance,
    seen: Seen,
    data: Data<'_>,
) -> Result<Granted, Refused> {
    let mut request = TokenRequest::from(form::read(content_type, data).await?);
    client.complete(&mut request.client)?;

    let cookie = match cookie {
        // A login brings no token; that a browser sends an old one along means nothing.
        _ if !request.is_refresh() => None,
        RefreshCookie::Absent => None,
        RefreshCookie::Present(token) => Some(token),
        RefreshCookie::Twice => {
            return Err(GrantError::InvalidRequest("The refresh cookie stands twice").into());
        }
    };
    // A page of somebody else's can neither use the cookie nor, by logging in, replace it. A
    // login without a browser has nothing to show and needs nothing.
    let needs_trust = cookie.is_some() || (request.wants_cookie() && !provenance.is_unknown());
    if needs_trust && !provenance.is_trusted(&settings.origins) {
        return Err(Refused::Other(CROSS_SITE));
    }
    let by_cookie = cookie.is_some();
    match authority.token(request, Caller { cookie, known_device: device.0, device: seen.0 }).await {
        Ok(tokens) => Ok(Granted(tokens)),
        // Its session is over, so a browser need not send it any more. (One of another client's is
        // `OtherClient`, and stays.)
        Err(GrantError::InvalidGrant) if by_cookie => Err(Refused::DeadCookie),
        Err(error) => Err(error.into()),
    }
}

//! `POST /token` (RFC 6749 §3.2).

use super::{
    answer::Private,
    basic::ClientHeader,
    cookie::{self, CROSS_SITE, DeviceCookie, Provenance, RefreshCookie},
    device::Seen,
    form,
    openapi::{Client, Cookie, Form, Guesses, Refusal, Refuses, TokenForm, TooOften, refusals, tag},
    refused::Refused,
};
use crate::{
    config::Settings,
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens, sentence},
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
use utoipa::ToSchema;

/// The answer to a granted request (RFC 6749 §5.1).
pub(super) struct Granted(Tokens);

/// What a client gets (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Tokens)]
struct Body<'t> {
    /// A JWT, for the header `Authorization`.
    access_token: &'t str,
    /// `Bearer`.
    token_type: &'static str,
    /// How many seconds it is good for.
    expires_in: u64,
    /// What it may be used for, if anything was asked for or granted before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    scope: Option<&'t Scope>,
    /// What the next one is had by, unless that is the cookie's business.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    refresh_token: Option<&'t str>,
}

refusals! {
    /// Why no token is granted, beside what is wrong with the form or the client.
    pub(super) Ungranted => {
        let mut all = Refusal::requests([
            sentence::NO_GRANT_TYPE,
            sentence::NO_LOGIN,
            sentence::NO_REFRESH_TOKEN,
            sentence::TWO_REFRESH_TOKENS,
        ]);
        all.extend([
            GrantError::InvalidGrant.into(),
            GrantError::InvalidScope.into(),
            GrantError::UnauthorizedClient.into(),
            GrantError::UnsupportedGrantType.into(),
        ]);
        all
    };
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
#[utoipa::path(
    operation_id = "token",
    tag = tag::TOKENS,
    summary = "Log in, stay logged in, or get a token in a client's own name",
    description = "RFC 6749 §3.2. `password` starts a session, `refresh_token` goes on with it and replaces the \
        refresh token, `client_credentials` is for services and has no session. A browser gets the refresh token \
        as the cookie `__Host-refresh`, and whoever asks for the scope `offline_access` in the body; what came \
        one way is never taken, or answered, the other way. Every kind of failed login has the same answer.",
    params(
        ("Origin" = Option<String>, Header, description = "Sent by browsers. What uses the cookie, or would set it, \
            has to be from one of the site's own pages."),
        ("Sec-Fetch-Site" = Option<String>, Header, description = "Likewise"),
    ),
    request_body(content(
        (TokenForm = "application/x-www-form-urlencoded", examples(
            ("password" = (summary = "Log in", value = json!({
                "grant_type": "password", "username": "ada", "password": "analytical-engine",
            }))),
            ("offline_access" = (summary = "Log in on a phone", value = json!({
                "grant_type": "password", "username": "ada", "password": "analytical-engine",
                "scope": "offline_access", "device_name": "phone",
            }))),
            ("refresh_token" = (summary = "Stay logged in", value = json!({
                "grant_type": "refresh_token", "refresh_token": "csr_K7Lk…",
            }))),
            ("cookie" = (summary = "Stay logged in, by the cookie", value = json!({
                "grant_type": "refresh_token",
            }))),
            ("client_credentials" = (summary = "A service", value = json!({
                "grant_type": "client_credentials", "client_id": "reports-worker", "client_secret": "csc_Wn3d…",
                "scope": "reports:read",
            }))),
        )),
        (TokenForm = "multipart/form-data", example = json!({
            "username": "ada", "password": "analytical-engine",
        })),
    )),
    responses(
        (
            status = 200,
            description = "The access token, and the refresh token here or in the cookie",
            body = Body,
            headers(
                ("Set-Cookie" = String, description = "`__Host-refresh`, and `__Host-device`, by which a browser is \
                    known that has logged in before"),
                ("Cache-Control" = String, description = "`no-store`"),
            ),
            examples(
                ("cookie" = (summary = "The refresh token is in the cookie", value = json!({
                    "access_token": "eyJhbGciOiJFZERTQSIs…", "token_type": "Bearer", "expires_in": 900,
                }))),
                ("body" = (summary = "It is in the body", value = json!({
                    "access_token": "eyJhbGciOiJFZERTQSIs…", "token_type": "Bearer", "expires_in": 900,
                    "scope": "offline_access", "refresh_token": "csr_K7Lk…",
                }))),
            ),
        ),
        Refuses<(Form, Client, Ungranted, Cookie, Guesses, TooOften)>,
    ),
    security((), ("countersign.client" = []), ("countersign.cookie" = [])),
)]
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
            return Err(GrantError::InvalidRequest(cookie::TWICE).into());
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

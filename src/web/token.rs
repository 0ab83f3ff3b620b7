//! `POST /token` (RFC 6749 §3.2).

use super::{
    answer::{Private, Problem},
    basic,
    cookie::{self, CROSS_SITE, Provenance, RefreshCookie},
    device::Seen,
    form,
};
use crate::{
    config::Settings,
    grant::{Authority, BasicCredentials, Caller, GrantError, Tokens},
    store::Transport,
};
use rocket::{
    Request, State,
    data::Data,
    http::{ContentType, Header, Status},
    post,
    request::{FromRequest, Outcome},
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
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'t str>,
}

impl<'r> Responder<'r, 'static> for Granted {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tokens = self.0;
        let body = Body {
            access_token: &tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in.as_secs(),
            scope: (!tokens.scope.is_empty()).then(|| tokens.scope.to_string()),
            refresh_token: (tokens.transport == Transport::Body).then_some(&**tokens.refresh_token),
        };
        let mut response = Private(body).respond_to(request)?;
        cookie::set(&mut response, &tokens);
        Ok(response)
    }
}

/// Why nothing was granted.
pub(super) enum Refused {
    Grant(GrantError),
    /// `invalid_grant` for what came by cookie.
    DeadCookie,
    Other(Problem),
}

impl From<GrantError> for Refused {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

impl<'r> Responder<'r, 'static> for Refused {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let error = match self {
            Self::Grant(error) => error,
            Self::DeadCookie => {
                let mut response = Self::Grant(GrantError::InvalidGrant).respond_to(request)?;
                cookie::clear(&mut response);
                return Ok(response);
            }
            Self::Other(problem) => return problem.respond_to(request),
        };
        if error.is_internal() {
            super::complaint::complain("a token request failed", &error);
        }
        let status = match error {
            GrantError::InvalidClient => Status::Unauthorized,
            _ if error.is_internal() => Status::ServiceUnavailable,
            _ => Status::BadRequest,
        };
        let is_unauthorized = status == Status::Unauthorized;
        let (error, description) = error.public();
        let mut response = Problem { status, error, description }.respond_to(request)?;
        if is_unauthorized {
            // RFC 6749 §5.2: the scheme by which clients authenticate here.
            response.set_header(Header::new("WWW-Authenticate", "Basic realm=\"countersign\""));
        }
        Ok(response)
    }
}

/// The client's credentials in the header, if it sent any.
pub(super) struct ClientHeader(Result<Option<BasicCredentials>, GrantError>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for ClientHeader {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(basic::credentials(request.headers().get("Authorization"))))
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
    provenance: Provenance,
    seen: Seen,
    data: Data<'_>,
) -> Result<Granted, Refused> {
    let content_type = content_type.map(ContentType::to_string).unwrap_or_default();
    let body = form::body(data).await.map_err(Refused::Other)?;
    let basic = client.0?;
    let request = form::parse(&content_type, body).await;
    let request = request.map_err(|error| GrantError::InvalidRequest(error.description()))?;

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
    let needs_trust =
        cookie.is_some() || (request.transport() == Transport::Cookie && !provenance.is_unknown());
    if needs_trust && !provenance.is_trusted(&settings.origins) {
        return Err(Refused::Other(CROSS_SITE));
    }
    let by_cookie = cookie.is_some();
    match authority.token(request, Caller { basic, cookie, device: seen.0 }).await {
        Ok(tokens) => Ok(Granted(tokens)),
        // Its session is over, so a browser need not send it any more.
        Err(GrantError::InvalidGrant) if by_cookie => Err(Refused::DeadCookie),
        Err(error) => Err(error.into()),
    }
}

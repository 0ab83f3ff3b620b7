//! `POST /logout`: ends the session of the access token, of the refresh cookie or of a refresh
//! token in the body, or of all of these.

use super::{
    answer::{Problem, unavailable},
    cookie::{self, CROSS_SITE, Provenance, RefreshCookie},
    form,
    guard::{Authorized, Rejection},
    openapi::{Cookie, Form, LogoutForm, Refuses, Stores, TooOften, refusals, tag},
    refused::Refused,
};
use crate::{
    config::Settings,
    grant::{Authority, GrantError, TokenRequest},
    jwt::Claims,
    store::Transport,
};
use rocket::{
    Request, Response, State, async_trait,
    data::{self, Data, FromData},
    http::{ContentType, Status},
    outcome::Outcome,
    post,
    response::{self, Responder},
};
use zeroize::Zeroizing;

/// 204, and the cookie is gone.
pub(super) struct LoggedOut;

impl<'r> Responder<'r, 'static> for LoggedOut {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build().status(Status::NoContent).finalize();
        cookie::clear(&mut response);
        Ok(response)
    }
}

/// The refresh token of the body, if there is one.
pub(super) struct Sent(Option<Zeroizing<String>>);

impl Sent {
    async fn read(content_type: Option<&ContentType>, data: Data<'_>) -> Result<Self, Problem> {
        let body = form::body(data).await?;
        if body.is_empty() {
            return Ok(Self(None));
        }
        let kind = content_type.map(ContentType::to_string).unwrap_or_default();
        let form = form::parse(&kind, body).await.map_err(|error| bad(error.description()))?;
        Ok(Self(TokenRequest::from(form).refresh_token))
    }
}

#[async_trait]
impl<'r> FromData<'r> for Sent {
    type Error = Problem;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        match Self::read(request.content_type(), data).await {
            Ok(sent) => Outcome::Success(sent),
            Err(problem) => Outcome::Error((problem.status, problem)),
        }
    }
}

fn bad(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

refusals! {
    /// More than one access token is none; one that has expired is let be.
    pub(super) TwoTokens => vec![Rejection::Ambiguous.into()];
}

#[utoipa::path(
    operation_id = "logout",
    tag = tag::TOKENS,
    summary = "Log out",
    description = "Ends the session of the access token, of the refresh cookie or of the refresh token in the body, \
        or of all of these. Whose tokens are not good any more is logged out all the same.",
    params(
        ("Origin" = Option<String>, Header, description = "Sent by browsers; the cookie counts from the site's own \
            pages only"),
        ("Sec-Fetch-Site" = Option<String>, Header, description = "Likewise"),
    ),
    request_body(content(
        (Option<LogoutForm> = "application/x-www-form-urlencoded", example = json!({ "refresh_token": "csr_K7Lk…" })),
        (Option<LogoutForm> = "multipart/form-data", example = json!({ "refresh_token": "csr_K7Lk…" })),
    )),
    responses(
        (
            status = 204,
            description = "Nobody is logged in by these any more",
            headers(("Set-Cookie" = String, description = "Takes the refresh cookie away")),
        ),
        Refuses<(Form, Cookie, TwoTokens, Stores, TooOften)>,
    ),
    security((), ("countersign.login" = []), ("countersign.bearer" = []), ("countersign.cookie" = [])),
)]
#[post("/logout", data = "<sent>")]
pub(super) async fn logout(
    cookie: RefreshCookie,
    provenance: Provenance,
    authority: &State<Authority>,
    settings: &State<Settings>,
    sent: Authorized<Result<Claims, Rejection>, Result<Sent, Problem>>,
) -> Result<LoggedOut, Refused> {
    let cookie = match cookie {
        RefreshCookie::Absent => None,
        _ if !provenance.is_trusted(&settings.origins) => return Err(Refused::Other(CROSS_SITE)),
        RefreshCookie::Present(token) => Some(token),
        RefreshCookie::Twice => return Err(Refused::Other(bad(cookie::TWICE))),
    };
    let Authorized { caller: claims, body } = sent;
    let tokens = [(cookie, Transport::Cookie), (body.map_err(Refused::Other)?.0, Transport::Body)];
    for (token, transport) in tokens {
        if let Some(token) = token {
            let ended = authority.end_session_of(&token, transport).await;
            ended.map_err(unavailable("a session could not be ended")).map_err(Refused::Other)?;
        }
    }
    match claims {
        Ok(claims) => {
            authority.end_session_by(&claims).await.map_err(|error| match error {
                GrantError::RateLimited(_) => Refused::from(error),
                error => Refused::Other(unavailable("a session could not be ended")(error)),
            })?;
        }
        // Whose token has expired wants to be logged out all the same.
        Err(Rejection::NoCredentials | Rejection::InvalidToken(_) | Rejection::Revoked) => {}
        Err(rejection) => return Err(Refused::Other(rejection.problem())),
    }
    Ok(LoggedOut)
}

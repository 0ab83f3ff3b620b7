//! `POST /token` (RFC 6749 §3.2).

use super::{
    answer::{Private, Problem},
    basic,
    form::{self, MAX_BODY_BYTES},
};
use crate::grant::{Authority, BasicCredentials, GrantError, Tokens};
use rocket::{
    Request, State,
    data::{ByteUnit, Data},
    http::{ContentType, Header, Status},
    post,
    request::{FromRequest, Outcome},
    response::{self, Responder},
};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct TokenBody {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl From<Tokens> for TokenBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in.as_secs(),
            scope: (!tokens.scope.is_empty()).then(|| tokens.scope.to_string()),
        }
    }
}

pub(super) struct Refusal(GrantError);

impl<'r> Responder<'r, 'static> for Refusal {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (error, description) = self.0.public();
        let status = match self.0 {
            GrantError::InvalidClient => Status::Unauthorized,
            _ if self.0.is_internal() => Status::ServiceUnavailable,
            _ => Status::BadRequest,
        };
        if self.0.is_internal() {
            tracing::error!(error = &self.0 as &dyn std::error::Error, "a token request failed");
        }
        let mut response = Problem { status, error, description }.respond_to(request)?;
        if status == Status::Unauthorized {
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

#[post("/token", data = "<data>")]
pub(super) async fn token(
    authority: &State<Authority>,
    content_type: Option<&ContentType>,
    client: ClientHeader,
    data: Data<'_>,
) -> Result<Private<TokenBody>, Result<Refusal, Problem>> {
    let refuse = |error| Ok(Refusal(error));
    let content_type = content_type.map(ContentType::to_string).unwrap_or_default();
    let body = data.open(ByteUnit::from(MAX_BODY_BYTES)).into_bytes().await;
    let body = body.map_err(|_| refuse(GrantError::InvalidRequest("The body could not be read")))?;
    if !body.is_complete() {
        return Err(Err(super::catcher::problem(Status::PayloadTooLarge)));
    }
    let basic = client.0.map_err(refuse)?;
    let request = form::parse(&content_type, body.into_inner()).await;
    let request = request.map_err(|error| refuse(GrantError::InvalidRequest(error.description())))?;
    let tokens = authority.token(request, basic).await.map_err(refuse)?;
    Ok(Private(tokens.into()))
}

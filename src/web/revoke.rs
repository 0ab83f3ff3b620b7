//! `POST /revoke` (RFC 7009): ends a token for whoever holds it.

use super::{
    basic::ClientHeader,
    form,
    openapi::{Client, Form, QueryForm, Refusal, Refuses, TooOften, refusals, tag},
    refused::Refused,
};
use crate::grant::{Authority, GrantError, TokenQuery, sentence};
use rocket::{
    Request, Response, State,
    data::Data,
    http::{ContentType, Header},
    post,
    response::{self, Responder},
};

/// 200 and nothing more (RFC 7009 §2.2).
pub(super) struct Revoked;

impl<'r> Responder<'r, 'static> for Revoked {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Response::build().header(Header::new("Cache-Control", "no-store")).ok()
    }
}

refusals! {
    /// A token that is missing, or another client's.
    pub(super) NotTheirs => vec![Refusal::request(sentence::NO_TOKEN), GrantError::OtherClient.into()];
}

#[utoipa::path(
    operation_id = "revoke",
    tag = tag::TOKENS,
    summary = "End a token",
    description = "RFC 7009. A refresh token ends its session with all access tokens, an access token itself alone. \
        What is no good token already is answered alike.",
    request_body(content(
        (QueryForm = "application/x-www-form-urlencoded", example = json!({ "token": "csr_K7Lk…" })),
        (QueryForm = "multipart/form-data", example = json!({ "token": "csr_K7Lk…" })),
    )),
    responses(
        (
            status = 200,
            description = "It is good no more; there is no body",
            headers(("Cache-Control" = String, description = "`no-store`")),
        ),
        Refuses<(Form, Client, NotTheirs, TooOften)>,
    ),
    security((), ("countersign.client" = [])),
)]
#[post("/revoke", data = "<data>")]
pub(super) async fn revoke(
    authority: &State<Authority>,
    content_type: Option<&ContentType>,
    client: ClientHeader,
    data: Data<'_>,
) -> Result<Revoked, Refused> {
    let mut query = TokenQuery::from(form::read(content_type, data).await?);
    client.complete(&mut query.client)?;
    authority.revoke(query).await?;
    Ok(Revoked)
}

//! `POST /introspect` (RFC 7662): what a token is worth at this moment, for those with the right to
//! ask.

use super::{
    answer::Private,
    basic::ClientHeader,
    form,
    openapi::{Client, Form, IntrospectionAnswer, QueryForm, Refusal, Refuses, TooOften, refusals, tag},
    refused::Refused,
};
use crate::{
    grant::{Authority, GrantError, Introspection, TokenQuery, sentence},
    store::Session,
};
use rocket::{State, data::Data, http::ContentType, post};
use serde_json::{Value, json};

refusals! {
    /// A token that is missing, or a client without the right to ask.
    pub(super) MayNotAsk => vec![Refusal::request(sentence::NO_TOKEN), GrantError::UnauthorizedClient.into()];
}

#[utoipa::path(
    operation_id = "introspect",
    tag = tag::TOKENS,
    summary = "What a token is worth at this moment",
    description = "RFC 7662, for clients with the right to ask. A refresh token is told of to its own client only.",
    request_body(content(
        (QueryForm = "application/x-www-form-urlencoded", example = json!({ "token": "eyJhbGciOiJFZERTQSIs…" })),
        (QueryForm = "multipart/form-data", example = json!({ "token": "eyJhbGciOiJFZERTQSIs…" })),
    )),
    responses(
        (
            status = 200,
            description = "What there is to say of it",
            body = IntrospectionAnswer,
            examples(
                ("inactive" = (summary = "Good for nothing; why, nobody is told", value = json!({ "active": false }))),
                ("access" = (summary = "An access token", value = json!({
                    "active": true, "token_type": "Bearer", "iss": "https://login.example.org",
                    "aud": "https://api.example.org", "sub": "e58ed763-928c-4155-bee9-fdbaaadc15f3",
                    "username": "ada", "client_id": "first-party", "scope": "reports:read", "roles": ["editor"],
                    "sid": "pI0t3nMOsSVb3LJ4uGg_Zg", "iat": 1764403600, "exp": 1764404500,
                    "jti": "m9Yb5mQ2dRkS8a0T3vXw1A",
                }))),
                ("refresh" = (summary = "A refresh token", value = json!({
                    "active": true, "token_use": "refresh_token", "iss": "https://login.example.org",
                    "sub": "e58ed763-928c-4155-bee9-fdbaaadc15f3", "username": "ada", "client_id": "phone-app",
                    "scope": "offline_access", "sid": "pI0t3nMOsSVb3LJ4uGg_Zg", "iat": 1764400000,
                    "exp": 1765613200,
                }))),
            ),
        ),
        Refuses<(Form, Client, MayNotAsk, TooOften)>,
    ),
    security(("countersign.client" = []), ()),
)]
#[post("/introspect", data = "<data>")]
pub(super) async fn introspect(
    authority: &State<Authority>,
    content_type: Option<&ContentType>,
    client: ClientHeader,
    data: Data<'_>,
) -> Result<Private<Value>, Refused> {
    let mut query = TokenQuery::from(form::read(content_type, data).await?);
    client.complete(&mut query.client)?;
    Ok(Private(told(authority, authority.introspect(query).await?)))
}

/// RFC 7662 §2.2; `sid`, `roles` and `token_use` are ours.
fn told(authority: &Authority, introspection: Introspection) -> Value {
    match introspection {
        // Exactly this, whatever is wrong with the token.
        Introspection::Inactive => json!({ "active": false }),
        Introspection::Access { claims, username, roles } => {
            let mut told = json!({
                "active": true,
                "token_type": "Bearer",
                "iss": authority.tokens.issuer(),
                "aud": authority.tokens.audience(),
                "sub": claims.subject(),
                "client_id": claims.client_id(),
                "scope": claims.scope(),
                "roles": roles,
                "iat": claims.issued_at(),
                "exp": claims.expires_at(),
                "jti": claims.token_id(),
            });
            if let Some(username) = username {
                told["username"] = json!(username);
                told["sid"] = json!(claims.session_id());
            }
            told
        }
        Introspection::Refresh { session, username } => {
            let Session { id, user, client_id, scope, created_at, .. } = &session;
            json!({
                "active": true,
                "token_use": "refresh_token",
                "iss": authority.tokens.issuer(),
                "sub": user,
                "username": username,
                "client_id": client_id,
                "scope": scope,
                "sid": id.to_string(),
                "iat": created_at,
                "exp": session.ends_at(),
            })
        }
    }
}

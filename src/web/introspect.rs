//! `POST /introspect` (RFC 7662): what a token is worth at this moment, for those with the right to
//! ask.

use super::{answer::Private, basic::ClientHeader, form, refused::Refused};
use crate::{
    grant::{Authority, Introspection, TokenQuery},
    store::Session,
};
use rocket::{State, data::Data, http::ContentType, post};
use serde_json::{Value, json};

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

//! `/admin/users/ID/sessions`: somebody's logins, to be seen and ended.

use super::{NoQuery, accounts, exactly, found, problem};
use crate::{
    grant::Authority,
    web::{
        answer::{Private, Problem},
        guard::Admin,
        openapi::{Absent, Administrator, Refuses, Stores, tag},
        sessions::{Ended, Sessions, of_user, owned},
    },
};
use rocket::{
    State, delete, get,
    http::{Status, uri::Origin},
};

#[utoipa::path(
    operation_id = "listUserSessions",
    tag = tag::ADMIN,
    summary = "List a user's sessions",
    params(("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    responses(
        (
            status = 200,
            description = "All sessions of the user",
            body = Sessions,
            example = json!({ "sessions": [{
                "id": "pI0t3nMOsSVb3LJ4uGg_Zg", "current": false, "client_id": "first-party",
                "scope": "offline_access", "user_agent": "Mozilla/5.0", "address": "192.0.2.7", "name": "phone",
                "created_at": 1764400000, "last_used_at": 1764403600, "expires_at": 1765613200,
            }] }),
        ),
        Refuses<(Administrator, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[get("/admin/users/<id>/sessions")]
pub(in crate::web) async fn list(
    id: &str,
    admin: Admin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Sessions>, Problem> {
    let user = found(id, &accounts(&admin, authority)).await?;
    of_user(authority, user.id, admin.claims().session_id()).await
}

/// Ends one session of this user's; another's is not there.
#[utoipa::path(
    operation_id = "endUserSession",
    tag = tag::ADMIN,
    summary = "End one of a user's sessions",
    params(
        ("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3"),
        ("session" = String, Path, description = "Which of theirs", example = "pI0t3nMOsSVb3LJ4uGg_Zg"),
    ),
    responses((status = 204, description = "It has ended"), Refuses<(Administrator, NoQuery, Absent, Stores)>),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[delete("/admin/users/<id>/sessions/<session>")]
pub(in crate::web) async fn end(
    id: &str,
    session: &str,
    admin: Admin<'_>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Status, Problem> {
    exactly(uri)?;
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    let session = owned(authority, session, user.id).await?;
    accounts.end_session(user.id, session).await.map_err(problem)?;
    Ok(Status::NoContent)
}

/// Ends all sessions of a user, and their access tokens.
#[utoipa::path(
    operation_id = "endUserSessions",
    tag = tag::ADMIN,
    summary = "End all of a user's sessions",
    params(("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    responses(
        (status = 200, description = "How many have ended", body = Ended, example = json!({ "ended": 2 })),
        Refuses<(Administrator, NoQuery, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[delete("/admin/users/<id>/sessions")]
pub(in crate::web) async fn end_all(
    id: &str,
    admin: Admin<'_>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Ended>, Problem> {
    exactly(uri)?;
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    let ended = accounts.end_sessions(user.id).await.map_err(problem)?;
    Ok(Private(Ended { ended }))
}

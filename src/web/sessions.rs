//! `/sessions`: the logins of the user who asks, to be seen and ended.

use super::{
    answer::{Private, Problem, unavailable},
    catcher,
    guard::AccountHolder,
    openapi::{Absent, Holder, Refusal, Refuses, Stores, refusals, tag},
};
use crate::{clock::UnixTime, grant::Authority, session::SessionId, store::Session, user::UserId};
use rocket::{
    State, delete, get,
    http::{Status, uri::Origin},
};
use serde::Serialize;
use std::net::IpAddr;
use utoipa::ToSchema;

/// The logins of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Sessions)]
pub(super) struct Sessions {
    /// Those that are not over.
    sessions: Vec<Entry>,
}

/// A login, and what its device can be recognised by.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Session)]
struct Entry {
    /// Which it is.
    id: String,
    /// Whether it is the one that this request is made with.
    current: bool,
    /// The client through which it began.
    client_id: String,
    /// What its tokens may be used for at most.
    scope: String,
    /// What the browser or program called itself.
    #[schema(required = true)]
    user_agent: Option<String>,
    /// Where it was from.
    #[schema(required = true, value_type = Option<String>)]
    address: Option<IpAddr>,
    /// `device_name` of the login.
    #[schema(required = true)]
    name: Option<String>,
    /// When it began, in seconds since 1970.
    #[schema(value_type = u64)]
    created_at: UnixTime,
    /// When it was last refreshed.
    #[schema(value_type = u64)]
    last_used_at: UnixTime,
    /// When it ends unless it is used before.
    #[schema(value_type = u64)]
    expires_at: UnixTime,
}

impl Sessions {
    /// Of somebody who looks at them by a token of the session `current`.
    pub(super) fn new(sessions: Vec<Session>, current: &str) -> Self {
        Self { sessions: sessions.into_iter().map(|session| Entry::new(session, current)).collect() }
    }
}

impl Entry {
    fn new(session: Session, current: &str) -> Self {
        let (id, expires_at) = (session.id.to_string(), session.ends_at());
        Self {
            current: id == current,
            id,
            client_id: session.client_id,
            scope: session.scope.to_string(),
            user_agent: session.device.user_agent,
            address: session.device.address,
            name: session.device.name,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at,
        }
    }
}

#[utoipa::path(
    operation_id = "listSessions",
    tag = tag::ACCOUNT,
    summary = "List one's sessions",
    responses(
        (
            status = 200,
            description = "All sessions of the user",
            body = Sessions,
            example = json!({ "sessions": [{
                "id": "pI0t3nMOsSVb3LJ4uGg_Zg", "current": true, "client_id": "first-party",
                "scope": "offline_access", "user_agent": "Mozilla/5.0", "address": "192.0.2.7", "name": "phone",
                "created_at": 1764400000, "last_used_at": 1764403600, "expires_at": 1765613200,
            }] }),
        ),
        Refuses<(Holder, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = [])),
)]
#[get("/sessions")]
pub(super) async fn list(
    user: AccountHolder<'_>,
    authority: &State<Authority>,
) -> Result<Private<Sessions>, Problem> {
    of_user(authority, user.id(), user.claims().session_id()).await
}

/// All sessions of a user; `current` is the one that asks.
pub(super) async fn of_user(
    authority: &Authority,
    user: UserId,
    current: &str,
) -> Result<Private<Sessions>, Problem> {
    let sessions = authority.stores.sessions.sessions_of(user, authority.clock.now()).await;
    let sessions = sessions.map_err(unavailable("sessions could not be listed"))?;
    Ok(Private(Sessions::new(sessions, current)))
}

/// The session of this id, if it is live and this user's; another's is not there.
pub(super) async fn owned(authority: &Authority, id: &str, user: UserId) -> Result<SessionId, Problem> {
    let not_found = || catcher::problem(Status::NotFound);
    let id: SessionId = id.parse().map_err(|_| not_found())?;
    let found = authority.stores.sessions.find(id, authority.clock.now()).await;
    let found = found.map_err(unavailable("a session could not be ended"))?;
    found.filter(|(session, _)| session.user == user).map(|_| id).ok_or_else(not_found)
}

/// Ends one of one's own sessions; whose a session is that is not one's own is nobody's business.
#[utoipa::path(
    operation_id = "endSession",
    tag = tag::ACCOUNT,
    summary = "End one of one's sessions",
    description = "Its refresh token and its access tokens are dead at once. Whose a session is that is not one's \
        own is nobody's business.",
    params(("id" = String, Path, description = "Which, of the list", example = "pI0t3nMOsSVb3LJ4uGg_Zg")),
    responses((status = 204, description = "It has ended"), Refuses<(Holder, Absent, Stores)>),
    security(("countersign.login" = []), ("countersign.bearer" = [])),
)]
#[delete("/sessions/<id>")]
pub(super) async fn end(
    id: &str,
    user: AccountHolder<'_>,
    authority: &State<Authority>,
) -> Result<Status, Problem> {
    let id = owned(authority, id, user.id()).await?;
    let ended = authority.end_session(user.id(), id).await;
    ended.map_err(unavailable("a session could not be ended"))?;
    Ok(Status::NoContent)
}

/// How many sessions have ended.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Ended)]
pub(super) struct Ended {
    /// So many.
    pub(super) ended: u64,
}

const NOT_EXCEPT_CURRENT: &str = "The query can only be except=current";

refusals! {
    /// What might have been meant to spare a session.
    pub(super) OtherQuery => vec![Refusal::request(NOT_EXCEPT_CURRENT)];
}

/// What can be spared.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described")]
enum Except {
    Current,
}

/// Ends all of one's sessions, or with `?except=current` all others. Anything else that might
/// have been meant to spare one, a missing id for instance, ends none.
#[utoipa::path(
    operation_id = "endSessions",
    tag = tag::ACCOUNT,
    summary = "End all of one's sessions, or all others",
    params((
        "except" = inline(Option<Except>), Query,
        description = "`current` spares the session that the request is made with",
    )),
    responses(
        (status = 200, description = "How many have ended", body = Ended, example = json!({ "ended": 2 })),
        Refuses<(Holder, OtherQuery, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = [])),
)]
#[delete("/sessions")]
pub(super) async fn end_all(
    uri: &Origin<'_>,
    user: AccountHolder<'_>,
    authority: &State<Authority>,
) -> Result<Private<Ended>, Problem> {
    if uri.path().ends_with('/') {
        return Err(catcher::problem(Status::NotFound));
    }
    let query = uri.query().map(|query| query.as_str());
    let ended = match (query, user.claims().session_id().parse()) {
        (None, _) => authority.end_sessions(user.id(), None).await,
        (Some("except=current"), Ok(current)) => authority.end_sessions(user.id(), Some(current)).await,
        _ => {
            let (error, description) = ("invalid_request", NOT_EXCEPT_CURRENT);
            return Err(Problem { status: Status::BadRequest, error, description });
        }
    };
    let ended = ended.map_err(unavailable("sessions could not be ended"))?;
    Ok(Private(Ended { ended }))
}

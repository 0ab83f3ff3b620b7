//! `/sessions`: the logins of the user who asks, to be seen and ended.

use super::{
    answer::{Private, Problem, unavailable},
    catcher,
    guard::CurrentUser,
};
use crate::{clock::UnixTime, grant::Authority, session::SessionId, store::Session};
use rocket::{
    State, delete, get,
    http::{Status, uri::Origin},
};
use serde::Serialize;
use std::net::IpAddr;

#[derive(Serialize)]
pub(super) struct Sessions {
    sessions: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: String,
    /// Whether it is the one that this request is made with.
    current: bool,
    client_id: String,
    scope: String,
    user_agent: Option<String>,
    address: Option<IpAddr>,
    name: Option<String>,
    created_at: UnixTime,
    last_used_at: UnixTime,
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

#[get("/sessions")]
pub(super) async fn list(
    user: &CurrentUser,
    authority: &State<Authority>,
) -> Result<Private<Sessions>, Problem> {
    let sessions = authority.stores.sessions.sessions_of(user.id(), authority.clock.now()).await;
    let sessions = sessions.map_err(unavailable("sessions could not be listed"))?;
    Ok(Private(Sessions::new(sessions, user.claims().session_id())))
}

/// Ends one of one's own sessions; whose a session is that is not one's own is nobody's business.
#[delete("/sessions/<id>")]
pub(super) async fn end(
    id: &str,
    user: &CurrentUser,
    authority: &State<Authority>,
) -> Result<Status, Problem> {
    let not_found = || catcher::problem(Status::NotFound);
    let id: SessionId = id.parse().map_err(|_| not_found())?;
    let failed = unavailable("a session could not be ended");
    let found = authority.stores.sessions.find(id, authority.clock.now()).await.map_err(&failed)?;
    found.filter(|(session, _)| session.user == user.id()).ok_or_else(not_found)?;
    authority.end_session(user.id(), id).await.map_err(&failed)?;
    Ok(Status::NoContent)
}

#[derive(Serialize)]
pub(super) struct Ended {
    pub(super) ended: u64,
}

/// Ends all of one's sessions, or with `?except=current` all others. Anything else that might
/// have been meant to spare one, a missing id for instance, ends none.
#[delete("/sessions")]
pub(super) async fn end_all(
    uri: &Origin<'_>,
    user: &CurrentUser,
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
            let description = "The query can only be except=current";
            return Err(Problem { status: Status::BadRequest, error: "invalid_request", description });
        }
    };
    let ended = ended.map_err(unavailable("sessions could not be ended"))?;
    Ok(Private(Ended { ended }))
}

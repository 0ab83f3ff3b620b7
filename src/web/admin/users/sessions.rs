//! `/admin/users/ID/sessions`: somebody's logins, to be seen and ended.

use super::{accounts, exactly, found, problem};
use crate::{
    grant::Authority,
    session::SessionId,
    web::{
        admin::Admin,
        answer::{Private, Problem, unavailable},
        catcher,
        guard::Role,
        sessions::{Ended, Sessions},
    },
};
use rocket::{
    State, delete, get,
    http::{Status, uri::Origin},
};

#[get("/admin/users/<id>/sessions")]
pub(in crate::web) async fn list(
    id: &str,
    admin: Role<Admin>,
    authority: &State<Authority>,
) -> Result<Private<Sessions>, Problem> {
    let user = found(id, &accounts(&admin, authority)).await?;
    let sessions = authority.stores.sessions.sessions_of(user.id, authority.clock.now()).await;
    let sessions = sessions.map_err(unavailable("sessions could not be listed"))?;
    Ok(Private(Sessions::new(sessions, admin.claims().session_id())))
}

/// Ends one session of this user's; another's is not there.
#[delete("/admin/users/<id>/sessions/<session>")]
pub(in crate::web) async fn end(
    id: &str,
    session: &str,
    admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Status, Problem> {
    exactly(uri)?;
    let not_found = || catcher::problem(Status::NotFound);
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    let session: SessionId = session.parse().map_err(|_| not_found())?;
    let there = authority.stores.sessions.find(session, authority.clock.now()).await;
    let there = there.map_err(unavailable("a session could not be ended"))?;
    there.filter(|(session, _)| session.user == user.id).ok_or_else(not_found)?;
    accounts.end_session(user.id, session).await.map_err(problem)?;
    Ok(Status::NoContent)
}

/// Ends all sessions of a user, and their access tokens.
#[delete("/admin/users/<id>/sessions")]
pub(in crate::web) async fn end_all(
    id: &str,
    admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Ended>, Problem> {
    exactly(uri)?;
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    let ended = accounts.end_sessions(user.id).await.map_err(problem)?;
    Ok(Private(Ended { ended }))
}

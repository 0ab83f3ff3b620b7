//! `POST /logout`: ends the session of the access token, of the refresh cookie, or of both.

use super::{
    answer::{Problem, unavailable},
    cookie::{self, CROSS_SITE, Provenance, RefreshCookie},
    guard::Rejection,
};
use crate::{config::Settings, grant::Authority, jwt::Claims, store::Transport};
use rocket::{
    Request, Response, State,
    http::Status,
    post,
    response::{self, Responder},
};

/// 204, and the cookie is gone.
pub(super) struct LoggedOut;

impl<'r> Responder<'r, 'static> for LoggedOut {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build().status(Status::NoContent).finalize();
        cookie::clear(&mut response);
        Ok(response)
    }
}

#[post("/logout")]
pub(super) async fn logout(
    claims: Result<Claims, Rejection>,
    cookie: RefreshCookie,
    provenance: Provenance,
    authority: &State<Authority>,
    settings: &State<Settings>,
) -> Result<LoggedOut, Problem> {
    let cookie = match cookie {
        RefreshCookie::Absent => None,
        _ if !provenance.is_trusted(&settings.origins) => return Err(CROSS_SITE),
        RefreshCookie::Present(token) => Some(token),
        // Whichever of two is ours: neither is of use any more.
        RefreshCookie::Twice => None,
    };
    if let Some(token) = cookie {
        let ended = authority.end_session_of(&token, Transport::Cookie).await;
        ended.map_err(unavailable("a session could not be ended"))?;
    }
    match claims {
        Ok(claims) => {
            if let Ok(session) = claims.session_id().parse() {
                let ended = authority.revocations.session(session).await;
                ended.map_err(unavailable("a session could not be ended"))?;
            }
        }
        // Whose token has expired wants to be logged out all the same.
        Err(Rejection::NoCredentials | Rejection::InvalidToken(_) | Rejection::Revoked) => {}
        Err(rejection) => return Err(rejection.problem()),
    }
    Ok(LoggedOut)
}

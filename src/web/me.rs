//! `/me`: one's own account.

use super::{
    answer::{Private, Problem, unavailable},
    body, cookie,
    guard::CurrentUser,
    refusal::refusal,
    refused::Refused,
};
use crate::{
    account::AccountError,
    config::Settings,
    grant::{Authority, ChangeError, GrantError},
    password::Password,
    throttle::ThrottleError,
    user::{RoleName, UserId, Username},
};
use rocket::{
    Request, Response, State,
    data::{Data, ToByteUnit},
    get,
    http::Status,
    post,
    response::{self, Responder},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

#[derive(Serialize)]
pub(super) struct Me<'u> {
    id: UserId,
    username: &'u Username,
    roles: &'u BTreeSet<RoleName>,
    scope: String,
}

#[get("/me")]
pub(super) fn me(user: &CurrentUser) -> Private<Me<'_>> {
    Private(Me {
        id: user.id(),
        username: user.username(),
        roles: user.roles(),
        scope: user.claims().scope().to_string(),
    })
}

/// `POST /me/password`: `{"current_password": …, "new_password": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    current_password: Zeroizing<String>,
    new_password: Zeroizing<String>,
}

/// 204: the password is the new one and all sessions are over, this one too.
pub(super) struct Changed;

impl<'r> Responder<'r, 'static> for Changed {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build().status(Status::NoContent).finalize();
        cookie::clear(&mut response);
        Ok(response)
    }
}

#[post("/me/password", data = "<data>")]
pub(super) async fn password(
    user: &CurrentUser,
    authority: &State<Authority>,
    settings: &State<Settings>,
    data: Data<'_>,
) -> Result<Changed, Refused> {
    let bad = |description| {
        Refused::Other(Problem { status: Status::BadRequest, error: "invalid_request", description })
    };
    let unreadable = || bad("The body must be JSON with current_password and new_password");
    let body = body::read(data, 4.kibibytes()).await.map_err(Refused::Other)?;
    let change: Change = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let wrong = || {
        Refused::Other(Problem {
            status: Status::Forbidden,
            error: "wrong_password",
            description: "current_password is not the present password",
        })
    };
    let policy = &settings.password.policy;
    let new = policy
        .accept(&change.new_password, user.username())
        .map_err(|error| bad(refusal!(error, "new_password")))?;
    let present = Password::presented(&change.current_password).map_err(|_| wrong())?;
    match authority.change_password(user.id(), user.username(), present, new).await {
        Ok(()) => Ok(Changed),
        Err(ChangeError::Account(AccountError::WrongPassword)) => Err(wrong()),
        Err(ChangeError::Throttle(ThrottleError::TooMany(many))) => Err(GrantError::TooMany(many).into()),
        Err(error) => Err(Refused::Other(unavailable("a password could not be changed")(error))),
    }
}

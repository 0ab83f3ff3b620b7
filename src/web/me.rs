//! `/me`: one's own account.

use super::{
    answer::{NOT_REVOKED, Private, Problem, unavailable},
    body,
    complaint::complain,
    cookie,
    device::Seen,
    guard::{AccountHolder, Authorized, CurrentUser, Rejection},
    openapi::{Body, Guesses, Holder, Person, Refusal, Refuses, Revoking, refusals, tag},
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
    Request, Response, State, async_trait,
    data::{self, Data, FromData, ToByteUnit},
    get,
    http::Status,
    outcome::Outcome,
    post,
    response::{self, Responder},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Who is calling.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Me)]
pub(super) struct Me<'u> {
    /// Who it is, for ever.
    #[schema(value_type = String, format = "uuid")]
    id: UserId,
    /// The name that they log in with, in its canonical form.
    #[schema(value_type = String)]
    username: &'u Username,
    /// The roles that the token was issued with and that the user still has.
    #[schema(value_type = Vec<String>)]
    roles: &'u BTreeSet<RoleName>,
    /// What the token may be used for, with single spaces between.
    scope: String,
}

#[utoipa::path(
    operation_id = "me",
    tag = tag::ACCOUNT,
    summary = "Who is calling",
    responses(
        (
            status = 200,
            description = "The user whose token it is",
            body = Me,
            example = json!({
                "id": "e58ed763-928c-4155-bee9-fdbaaadc15f3", "username": "ada", "roles": ["editor"], "scope": "",
            }),
        ),
        Refuses<Person>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = [])),
)]
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
#[derive(Deserialize, ToSchema)]
#[schema(as = countersign::PasswordChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The present password.
    #[schema(value_type = String, format = Password)]
    current_password: Zeroizing<String>,
    /// The one to be: 8 to 256 bytes, not common, without the user's or the site's name.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    new_password: Zeroizing<String>,
}

#[async_trait]
impl<'r> FromData<'r> for Change {
    type Error = Problem;

    async fn from_data(_: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let body = body::read(data, 4.kibibytes()).await;
        let change = body.and_then(|body| serde_json::from_slice(&body).map_err(|_| bad(NOT_A_CHANGE)));
        match change {
            Ok(change) => Outcome::Success(change),
            Err(problem) => Outcome::Error((problem.status, problem)),
        }
    }
}

const NOT_A_CHANGE: &str = "The body must be JSON with current_password and new_password";
const WRONG_PASSWORD: Problem = Problem {
    status: Status::Forbidden,
    error: "wrong_password",
    description: "current_password is not the present password",
};

fn bad(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

refusals! {
    /// Why a password is not changed.
    pub(super) Unchanged => {
        let mut all = Refusal::passwords(|error| refusal!(error, "new_password"));
        all.push(Refusal::request(NOT_A_CHANGE));
        all.push(WRONG_PASSWORD.into());
        all
    };
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

#[utoipa::path(
    operation_id = "changePassword",
    tag = tag::ACCOUNT,
    summary = "Change one's password",
    description = "Ends all of the user's sessions, this one too, with all their tokens.",
    request_body(
        content = Change,
        example = json!({ "current_password": "analytical-engine", "new_password": "difference-engine-no-2" }),
    ),
    responses(
        (
            status = 204,
            description = "The password is the new one, and the refresh cookie is gone",
            headers(("Set-Cookie" = String, description = "Takes the refresh cookie away")),
        ),
        Refuses<(Holder, Body, Unchanged, Guesses, Revoking)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = [])),
)]
#[post("/me/password", data = "<sent>")]
pub(super) async fn password(
    authority: &State<Authority>,
    settings: &State<Settings>,
    seen: Seen,
    sent: Authorized<AccountHolder<'_>, Result<Change, Problem>>,
) -> Result<Changed, Refused> {
    let Authorized { caller: user, body } = sent;
    let bad = |description| Refused::Other(bad(description));
    let change = body.map_err(Refused::Other)?;
    let wrong = || Refused::Other(WRONG_PASSWORD);
    let policy = &settings.password.policy;
    let new = policy
        .accept(&change.new_password, user.username())
        .map_err(|error| bad(refusal!(error, "new_password")))?;
    let present = Password::presented(&change.current_password).map_err(|_| wrong())?;
    match authority.change_password(user.id(), user.username(), seen.0.address, present, new).await {
        Ok(()) => Ok(Changed),
        Err(ChangeError::Account(AccountError::WrongPassword)) => Err(wrong()),
        Err(ChangeError::Account(AccountError::Disabled | AccountError::Unknown)) => {
            Err(Refused::Caller(Rejection::Subject))
        }
        Err(ChangeError::Account(AccountError::NotRevoked(error))) => {
            complain("a change of password is not followed by its revocations", &error);
            Err(Refused::Other(NOT_REVOKED))
        }
        Err(ChangeError::Throttle(ThrottleError::TooMany(many))) => Err(GrantError::TooMany(many).into()),
        Err(error) => Err(Refused::Other(unavailable("a password could not be changed")(error))),
    }
}

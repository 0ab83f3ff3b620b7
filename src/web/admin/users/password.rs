//! `/admin/users/ID/password`, and the password that an admin gives to somebody.

use super::{accounts, bad, found, not_oneself, problem};
use crate::{
    config::Settings,
    grant::Authority,
    password::{Password, Policy},
    user::Username,
    web::{
        admin::{
            fields::{Fields, NoFields},
            users::conflict,
        },
        answer::{Private, Problem, unavailable},
        guard::{Admin, Authorized},
        openapi::{Absent, Administrator, Body, PasswordOf, Refusal, Refuses, Revoking, refusals, tag},
        refusal::refusal,
    },
};
use rocket::{Either, State, http::Status, post};
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

const PASSWORD: &str = "password must be a text";
const OWN: &str = "One's own password is changed at /me/password, by whoever knows the present one";

/// A password that was made here, to be told to whom it is for.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::MadePassword)]
pub(in crate::web) struct Made {
    /// No other answer ever has it.
    password: String,
}

refusals! {
    /// A password that nobody can have.
    pub(in crate::web) NotChosen => {
        let mut all = Refusal::passwords(|error| refusal!(error, "password"));
        all.push(Refusal::request(PASSWORD));
        all
    };
    /// An admin's own.
    pub(in crate::web) OneselfElsewhere => vec![conflict(OWN).into()];
}

/// What an account is to have from now on.
pub(super) struct Chosen {
    pub(super) password: Password,
    is_made_here: bool,
}

impl Chosen {
    /// The field `password`, if this user may have it, or, without that field, one that is random.
    pub(super) fn of(fields: &mut Fields, username: &Username, policy: &Policy) -> Result<Self, Problem> {
        let Some(text) = fields.take::<Zeroizing<String>>("password", PASSWORD)? else {
            let password = Password::random().map_err(unavailable("a password could not be made"))?;
            return Ok(Self { password, is_made_here: true });
        };
        let password = policy.accept(&text, username).map_err(|error| bad(refusal!(error, "password")))?;
        Ok(Self { password, is_made_here: false })
    }

    /// What nobody knows yet.
    pub(super) fn to_be_told(&self) -> Option<String> {
        self.is_made_here.then(|| self.password.reveal().to_owned())
    }
}

/// Gives a user another password and ends all their sessions. Without a `password` one is made, and the
/// answer has it, this once.
#[utoipa::path(
    operation_id = "setUserPassword",
    tag = tag::ADMIN,
    summary = "Give a user another password",
    description = "Ends all their sessions. Without a `password` one is made, and the answer has it, this once.",
    params(("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    request_body(content = Option<PasswordOf>, example = json!({ "password": "difference-engine-no-2" })),
    responses(
        (status = 200, description = "The one that was made", body = Made, example = json!({ "password": "k3v9ta-…" })),
        (status = 204, description = "The one that was sent is theirs now"),
        Refuses<(Administrator, Body, NoFields, NotChosen, OneselfElsewhere, Absent, Revoking)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[post("/admin/users/<id>/password", data = "<sent>")]
pub(in crate::web) async fn set(
    id: &str,
    authority: &State<Authority>,
    settings: &State<Settings>,
    sent: Authorized<Admin<'_>, Result<Fields, Problem>>,
) -> Result<Either<Status, Private<Made>>, Problem> {
    let Authorized { caller: admin, body } = sent;
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    not_oneself(&admin, user.id, OWN)?;
    let mut fields = body?;
    let chosen = Chosen::of(&mut fields, &user.username, &settings.password.policy)?;
    fields.end()?;
    let made = chosen.to_be_told();
    accounts.set_password(user.id, chosen.password).await.map_err(problem)?;
    Ok(match made {
        Some(password) => Either::Right(Private(Made { password })),
        None => Either::Left(Status::NoContent),
    })
}

//! `/admin/users/ID/password`, and the password that an admin gives to somebody.

use super::{accounts, bad, found, not_oneself, problem};
use crate::{
    config::Settings,
    grant::Authority,
    password::{Password, Policy},
    user::Username,
    web::{
        admin::{Admin, fields::Fields},
        answer::{Private, Problem, unavailable},
        guard::Role,
        refusal::refusal,
    },
};
use rocket::{Either, State, data::Data, http::Status, post};
use serde::Serialize;
use zeroize::Zeroizing;

const PASSWORD: &str = "password must be a text";
const OWN: &str = "One's own password is changed at /me/password, by whoever knows the present one";

/// A password that was made here, to be told to whom it is for.
#[derive(Serialize)]
pub(in crate::web) struct Made {
    password: String,
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
#[post("/admin/users/<id>/password", data = "<data>")]
pub(in crate::web) async fn set(
    id: &str,
    admin: Role<Admin>,
    authority: &State<Authority>,
    settings: &State<Settings>,
    data: Data<'_>,
) -> Result<Either<Status, Private<Made>>, Problem> {
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    not_oneself(&admin, user.id, OWN)?;
    let mut fields = Fields::read(data).await?;
    let chosen = Chosen::of(&mut fields, &user.username, &settings.password.policy)?;
    fields.end()?;
    let made = chosen.to_be_told();
    accounts.set_password(user.id, chosen.password).await.map_err(problem)?;
    Ok(match made {
        Some(password) => Either::Right(Private(Made { password })),
        None => Either::Left(Status::NoContent),
    })
}

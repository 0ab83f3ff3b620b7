//! `/admin/users`: who there is, and what is done to their accounts.

pub(in crate::web) mod password;
pub(in crate::web) mod sessions;

use super::{Admin, bad, cut, fields::Fields, one, page};
use crate::{
    account::{AccountError, Accounts},
    audit::Actor,
    clock::UnixTime,
    config::Settings,
    grant::Authority,
    store::{Standing, User},
    user::{RoleName, UserId, Username},
    web::{
        answer::{Private, Problem, unavailable},
        catcher,
        guard::{NamedRole, Role},
    },
};
use password::Chosen;
use rocket::{
    State,
    data::Data,
    delete, get,
    http::{Status, uri::Origin},
    patch, post,
};
use serde::Serialize;
use std::collections::BTreeSet;

const USERNAME: &str = "username must be 1 to 128 bytes of letters, digits and punctuation (RFC 8265)";
const ROLES: &str =
    "roles must be a list of names of 1 to 64 of a-z, 0-9, '.', '_', ':' and '-', beginning with a letter";
const DISABLED: &str = "disabled must be true or false";
const SEARCH: &str = "search must be at most 128 bytes without control characters";
const NO_QUERY: &str = "There is no query here";
const OWN: &str = "Another admin has to do that: nobody disables or deletes themselves or takes the role admin from themselves";

#[derive(Serialize)]
pub(in crate::web) struct Page {
    users: Vec<Account>,
    /// What to send as `after` for the next page; `null` on the last one.
    next: Option<Username>,
}

#[derive(Serialize)]
pub(in crate::web) struct Account {
    id: UserId,
    username: Username,
    roles: BTreeSet<RoleName>,
    disabled: bool,
    created_at: UnixTime,
}

/// A new account, and its password if that was made here; no other answer ever has it.
#[derive(Serialize)]
pub(in crate::web) struct Added {
    #[serde(flatten)]
    account: Account,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let User { id, username, roles, disabled, created_at, password: _ } = user;
        Self { id, username, roles, disabled, created_at }
    }
}

/// A page of users by name: of all, or of those in whose names `search` stands.
#[get("/admin/users")]
pub(in crate::web) async fn list(
    admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Page>, Problem> {
    let (limit, after) = page(uri)?;
    let after: Option<Username> =
        after.map(|text| text.parse()).transpose().map_err(|_| bad("after must be a user name"))?;
    let part = one(uri, "search")?.map(|text| text.parse()).transpose().map_err(|_| bad(SEARCH))?;
    let accounts = accounts(&admin, authority);
    let users = match part {
        Some(part) => accounts.search(&part, after.as_ref(), limit + 1).await,
        None => accounts.list(after.as_ref(), limit + 1).await,
    };
    let mut users = users.map_err(unavailable("users could not be listed"))?;
    let next = cut(&mut users, limit, |user| user.username.clone());
    Ok(Private(Page { users: users.into_iter().map(Account::from).collect(), next }))
}

#[get("/admin/users/<id>")]
pub(in crate::web) async fn show(
    id: &str,
    admin: Role<Admin>,
    authority: &State<Authority>,
) -> Result<Private<Account>, Problem> {
    Ok(Private(found(id, &accounts(&admin, authority)).await?.into()))
}

/// Adds a user. Without a `password` one is made, and the answer has it, this once.
#[post("/admin/users", data = "<data>")]
pub(in crate::web) async fn add(
    admin: Role<Admin>,
    authority: &State<Authority>,
    settings: &State<Settings>,
    data: Data<'_>,
) -> Result<(Status, Private<Added>), Problem> {
    let mut fields = Fields::read(data).await?;
    let name: Username = fields.needed::<String>("username", USERNAME)?.parse().map_err(|_| bad(USERNAME))?;
    let roles = roles(&mut fields)?.unwrap_or_default();
    let chosen = Chosen::of(&mut fields, &name, &settings.password.policy)?;
    fields.end()?;
    let password = chosen.to_be_told();
    let added = accounts(&admin, authority).add(name, chosen.password, roles, authority.clock.now()).await;
    let account = added.map_err(problem)?.into();
    Ok((Status::Created, Private(Added { account, password })))
}

/// Changes the fields that are there, all in one step (RFC 5789 §2). Whoever is shut out has no session
/// any more; other roles end the access tokens that tell of the old ones.
#[patch("/admin/users/<id>", data = "<data>")]
pub(in crate::web) async fn change(
    id: &str,
    admin: Role<Admin>,
    authority: &State<Authority>,
    data: Data<'_>,
) -> Result<Private<Account>, Problem> {
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    let mut fields = Fields::read(data).await?;
    let standing =
        Standing { roles: roles(&mut fields)?, disabled: fields.take::<bool>("disabled", DISABLED)? };
    fields.end()?;
    let is_kept = |roles: &BTreeSet<RoleName>| roles.iter().any(|role| role.as_str() == Admin::NAME);
    let locks_out = standing.disabled == Some(true) || !standing.roles.as_ref().is_none_or(is_kept);
    if locks_out {
        not_oneself(&admin, user.id, OWN)?;
    }
    if standing != Standing::default() {
        accounts.set_standing(user.id, &standing).await.map_err(problem)?;
    }
    Ok(Private(accounts.find_by_id(user.id).await.map_err(problem)?.into()))
}

#[delete("/admin/users/<id>")]
pub(in crate::web) async fn delete(
    id: &str,
    admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Status, Problem> {
    exactly(uri)?;
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    not_oneself(&admin, user.id, OWN)?;
    accounts.delete(user.id).await.map_err(problem)?;
    Ok(Status::NoContent)
}

/// The accounts in the hands of this admin.
fn accounts(admin: &Role<Admin>, authority: &Authority) -> Accounts {
    authority.accounts(Actor::User(admin.id()))
}

/// The user with this id; a text that is no user's id is nobody's.
async fn found(id: &str, accounts: &Accounts) -> Result<User, Problem> {
    let id = id.parse().map_err(|_| catcher::problem(Status::NotFound))?;
    accounts.find_by_id(id).await.map_err(problem)
}

/// So that there is an admin left: whoever acts is one, and stays one.
fn not_oneself(admin: &Role<Admin>, id: UserId, description: &'static str) -> Result<(), Problem> {
    if admin.id() == id { Err(conflict(description)) } else { Ok(()) }
}

/// What takes something away does so for no path with a missing end, and for no query that may have been
/// meant to spare something.
fn exactly(uri: &Origin<'_>) -> Result<(), Problem> {
    if uri.path().ends_with('/') {
        return Err(catcher::problem(Status::NotFound));
    }
    if uri.query().is_some() { Err(bad(NO_QUERY)) } else { Ok(()) }
}

fn roles(fields: &mut Fields) -> Result<Option<BTreeSet<RoleName>>, Problem> {
    let Some(names) = fields.take::<Vec<String>>("roles", ROLES)? else { return Ok(None) };
    let roles = names.iter().map(|name| name.parse()).collect::<Result<_, _>>();
    roles.map(Some).map_err(|_| bad(ROLES))
}

fn conflict(description: &'static str) -> Problem {
    Problem { status: Status::Conflict, error: "conflict", description }
}

fn problem(error: AccountError) -> Problem {
    match error {
        AccountError::Unknown => catcher::problem(Status::NotFound),
        AccountError::NameTaken => conflict("There is a user of that name already"),
        error => unavailable("an account could not be changed")(error),
    }
}

//! `/admin/users`: who there is, and what is done to their accounts.

pub(in crate::web) mod password;
pub(in crate::web) mod sessions;

use super::{
    NoPage, bad, cut,
    fields::{Fields, NoFields},
    one, page,
};
use crate::{
    account::{AccountError, Accounts},
    clock::UnixTime,
    config::Settings,
    grant::Authority,
    store::{Standing, User},
    user::{RoleName, UserId, Username},
    web::{
        answer::{NOT_REVOKED, Private, Problem, unavailable},
        catcher,
        complaint::complain,
        guard::{Admin, Authorized},
        openapi::{
            Absent, Administrator, Body, NewUser, Refusal, Refuses, Revoking, Stores, UserChange, refusals,
            tag,
        },
    },
};
use password::{Chosen, NotChosen};
use rocket::{
    State, delete, get,
    http::{Status, uri::Origin},
    patch, post,
};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

const USERNAME: &str = "username must be 1 to 128 bytes of letters, digits and punctuation (RFC 8265)";
const ROLES: &str = "roles must be a list of at most 64 names of 1 to 64 of a-z, 0-9, '.', '_', ':' and '-', beginning with a letter";
const DISABLED: &str = "disabled must be true or false";
const SEARCH: &str = "search must be at most 128 bytes without control characters";
const NO_QUERY: &str = "There is no query here";
const OWN: &str = "Another admin has to do that: nobody disables or deletes themselves or takes the role admin from themselves";

const AFTER: &str = "after must be a user name";

/// A page of the list of users.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::Users)]
pub(in crate::web) struct Page {
    /// By their names.
    users: Vec<Account>,
    /// What to send as `after` for the next page; `null` on the last one.
    #[schema(required = true, value_type = Option<String>)]
    next: Option<Username>,
}

/// A user, without what the password is known by.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::User)]
pub(in crate::web) struct Account {
    /// Who it is, for ever.
    #[schema(value_type = String, format = "uuid")]
    id: UserId,
    /// The name that they log in with.
    #[schema(value_type = String)]
    username: Username,
    /// The roles that they have.
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<RoleName>,
    /// Whether they are shut out.
    disabled: bool,
    /// When they were added, in seconds since 1970.
    #[schema(value_type = u64)]
    created_at: UnixTime,
}

/// A new account, and its password if that was made here; no other answer ever has it.
#[derive(Serialize, ToSchema)]
#[schema(as = countersign::NewAccount)]
pub(in crate::web) struct Added {
    #[serde(flatten)]
    account: Account,
    /// The password, if it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    password: Option<String>,
}

refusals! {
    /// A list that cannot be had.
    pub(in crate::web) NotListed => Refusal::requests([AFTER, SEARCH]);
    /// A user who cannot be added.
    pub(in crate::web) NotAdded => {
        let mut all = Refusal::requests([USERNAME, ROLES]);
        all.push(problem(AccountError::NameTaken).into());
        all
    };
    /// A change that cannot be made.
    pub(in crate::web) NotChanged => {
        let mut all = Refusal::requests([ROLES, DISABLED]);
        all.push(conflict(OWN).into());
        all
    };
    /// A removal that cannot be made.
    pub(in crate::web) NotRemoved => vec![Refusal::request(NO_QUERY), conflict(OWN).into()];
    /// A query where there is none.
    pub(in crate::web) NoQuery => vec![Refusal::request(NO_QUERY)];
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let User { id, username, roles, disabled, created_at, password: _ } = user;
        Self { id, username, roles, disabled, created_at }
    }
}

/// A page of users by name: of all, or of those in whose names `search` stands.
#[utoipa::path(
    operation_id = "listUsers",
    tag = tag::ADMIN,
    summary = "List the users, or find some",
    description = "By name: all, or those in whose names `search` stands.",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out",
            example = 20),
        ("after" = Option<String>, Query, description = "The name after which they come: `next` of the page before",
            example = "ada"),
        ("search" = Option<String>, Query, description = "A part of the name", example = "ada"),
    ),
    responses(
        (
            status = 200,
            description = "A page of them",
            body = Page,
            example = json!({ "users": [{
                "id": "e58ed763-928c-4155-bee9-fdbaaadc15f3", "username": "ada", "roles": ["editor"],
                "disabled": false, "created_at": 1764400000,
            }], "next": null }),
        ),
        Refuses<(Administrator, NoPage, NotListed, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[get("/admin/users")]
pub(in crate::web) async fn list(
    admin: Admin<'_>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Page>, Problem> {
    let (limit, after) = page(uri)?;
    let after: Option<Username> = after.map(|text| text.parse()).transpose().map_err(|_| bad(AFTER))?;
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

#[utoipa::path(
    operation_id = "showUser",
    tag = tag::ADMIN,
    summary = "Show a user",
    params(("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    responses(
        (status = 200, description = "The user", body = Account, example = json!({
                "id": "e58ed763-928c-4155-bee9-fdbaaadc15f3", "username": "ada", "roles": ["editor"],
                "disabled": false, "created_at": 1764400000,
            })),
        Refuses<(Administrator, Absent, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[get("/admin/users/<id>")]
pub(in crate::web) async fn show(
    id: &str,
    admin: Admin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Account>, Problem> {
    Ok(Private(found(id, &accounts(&admin, authority)).await?.into()))
}

/// Adds a user. Without a `password` one is made, and the answer has it, this once.
#[utoipa::path(
    operation_id = "addUser",
    tag = tag::ADMIN,
    summary = "Add a user",
    description = "Without a `password` one is made, and the answer has it, this once.",
    request_body(content = NewUser, example = json!({ "username": "grace", "roles": ["editor"] })),
    responses(
        (
            status = 201,
            description = "The user is added",
            body = Added,
            example = json!({
                "id": "e58ed763-928c-4155-bee9-fdbaaadc15f3", "username": "ada", "roles": ["editor"],
                "disabled": false, "created_at": 1764400000,
                "password": "k3v9ta-…",
            }),
        ),
        Refuses<(Administrator, Body, NoFields, NotAdded, NotChosen, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[post("/admin/users", data = "<sent>")]
pub(in crate::web) async fn add(
    authority: &State<Authority>,
    settings: &State<Settings>,
    sent: Authorized<Admin<'_>, Result<Fields, Problem>>,
) -> Result<(Status, Private<Added>), Problem> {
    let Authorized { caller: admin, body } = sent;
    let mut fields = body?;
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
#[utoipa::path(
    operation_id = "changeUser",
    tag = tag::ADMIN,
    summary = "Change a user's roles, shut them out or let them in again",
    description = "The fields that are there, all in one step (RFC 5789 §2). Whoever is shut out has no session any \
        more; other roles end the access tokens that tell of the old ones.",
    params(("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    request_body(content = Option<UserChange>, example = json!({ "roles": ["editor"] })),
    responses(
        (status = 200, description = "The user as they are now", body = Account, example = json!({
                "id": "e58ed763-928c-4155-bee9-fdbaaadc15f3", "username": "ada", "roles": ["editor"],
                "disabled": false, "created_at": 1764400000,
            })),
        Refuses<(Administrator, Body, NoFields, NotChanged, Absent, Revoking)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[patch("/admin/users/<id>", data = "<sent>")]
pub(in crate::web) async fn change(
    id: &str,
    authority: &State<Authority>,
    sent: Authorized<Admin<'_>, Result<Fields, Problem>>,
) -> Result<Private<Account>, Problem> {
    let Authorized { caller: admin, body } = sent;
    let accounts = accounts(&admin, authority);
    let user = found(id, &accounts).await?;
    let mut fields = body?;
    let standing =
        Standing { roles: roles(&mut fields)?, disabled: fields.take::<bool>("disabled", DISABLED)? };
    fields.end()?;
    let is_kept = |roles: &BTreeSet<RoleName>| roles.iter().any(|role| role.as_str() == RoleName::ADMIN);
    let locks_out = standing.disabled == Some(true) || !standing.roles.as_ref().is_none_or(is_kept);
    if locks_out {
        not_oneself(&admin, user.id, OWN)?;
    }
    if standing != Standing::default() {
        accounts.set_standing(user.id, &standing).await.map_err(problem)?;
    }
    Ok(Private(accounts.find_by_id(user.id).await.map_err(problem)?.into()))
}

#[utoipa::path(
    operation_id = "deleteUser",
    tag = tag::ADMIN,
    summary = "Remove a user",
    description = "With all their sessions and tokens.",
    params(("id" = String, Path, description = "Which user", example = "e58ed763-928c-4155-bee9-fdbaaadc15f3")),
    responses(
        (status = 204, description = "They are gone"),
        Refuses<(Administrator, NotRemoved, Absent, Revoking)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[delete("/admin/users/<id>")]
pub(in crate::web) async fn delete(
    id: &str,
    admin: Admin<'_>,
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
fn accounts(admin: &Admin<'_>, authority: &Authority) -> Accounts {
    authority.accounts(admin.actor())
}

/// The user with this id; a text that is no user's id is nobody's.
async fn found(id: &str, accounts: &Accounts) -> Result<User, Problem> {
    let id = id.parse().map_err(|_| catcher::problem(Status::NotFound))?;
    accounts.find_by_id(id).await.map_err(problem)
}

/// So that an admin is left: a user who acts is one, and stays one. A service that acts is not in the list.
fn not_oneself(admin: &Admin<'_>, id: UserId, description: &'static str) -> Result<(), Problem> {
    if admin.is(id) { Err(conflict(description)) } else { Ok(()) }
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
    let roles = names.iter().map(|name| name.parse()).collect::<Result<BTreeSet<_>, _>>();
    roles.map(Some).map_err(|_| bad(ROLES))
}

fn conflict(description: &'static str) -> Problem {
    Problem { status: Status::Conflict, error: "conflict", description }
}

fn problem(error: AccountError) -> Problem {
    match error {
        AccountError::Unknown => catcher::problem(Status::NotFound),
        AccountError::NameTaken => conflict("There is a user of that name already"),
        AccountError::TooManyRoles => bad(ROLES),
        AccountError::NotRevoked(error) => {
            complain("a change of an account is not followed by its revocations", &error);
            NOT_REVOKED
        }
        error => unavailable("an account could not be changed")(error),
    }
}

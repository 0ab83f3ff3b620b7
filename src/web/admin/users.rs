//! `/admin/users`: who there is.

use super::{Admin, NoPage, bad, cut, page};
use crate::{
    clock::UnixTime,
    grant::Authority,
    store::User,
    user::{RoleName, UserId, Username},
    web::{
        answer::{Private, Problem, unavailable},
        guard::Role,
        openapi::{Administrator, Refusal, Refuses, Stores, refusals, tag},
    },
};
use rocket::{State, get, http::uri::Origin};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

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
struct Account {
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

refusals! {
    /// An `after` that is no name.
    pub(in crate::web) NotAfter => vec![Refusal::request(AFTER)];
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let User { id, username, roles, disabled, created_at, password: _ } = user;
        Self { id, username, roles, disabled, created_at }
    }
}

#[utoipa::path(
    operation_id = "listUsers",
    tag = tag::ADMIN,
    summary = "List the users",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out",
            example = 20),
        ("after" = Option<String>, Query, description = "The name after which they come: `next` of the page before",
            example = "ada"),
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
        Refuses<(Administrator, NoPage, NotAfter, Stores)>,
    ),
    security(("countersign.login" = []), ("countersign.bearer" = ["admin"])),
)]
#[get("/admin/users")]
pub(in crate::web) async fn users(
    _admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Page>, Problem> {
    let (limit, after) = page(uri)?;
    let after: Option<Username> = after.map(|text| text.parse()).transpose().map_err(|_| bad(AFTER))?;
    let users = authority.stores.users.list(after.as_ref(), limit + 1).await;
    let mut users = users.map_err(unavailable("users could not be listed"))?;
    let next = cut(&mut users, limit, |user| user.username.clone());
    Ok(Private(Page { users: users.into_iter().map(Account::from).collect(), next }))
}

//! `/admin/users`: who there is.

use super::{Admin, bad, cut, page};
use crate::{
    clock::UnixTime,
    grant::Authority,
    store::User,
    user::{RoleName, UserId, Username},
    web::{
        answer::{Private, Problem, unavailable},
        guard::Role,
    },
};
use rocket::{State, get, http::uri::Origin};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
pub(in crate::web) struct Page {
    users: Vec<Account>,
    /// What to send as `after` for the next page; `null` on the last one.
    next: Option<Username>,
}

#[derive(Serialize)]
struct Account {
    id: UserId,
    username: Username,
    roles: BTreeSet<RoleName>,
    disabled: bool,
    created_at: UnixTime,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let User { id, username, roles, disabled, created_at, password: _ } = user;
        Self { id, username, roles, disabled, created_at }
    }
}

#[get("/admin/users")]
pub(in crate::web) async fn users(
    _admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
) -> Result<Private<Page>, Problem> {
    let (limit, after) = page(uri)?;
    let after: Option<Username> =
        after.map(|text| text.parse()).transpose().map_err(|_| bad("after must be a user name"))?;
    let users = authority.stores.users.list(after.as_ref(), limit + 1).await;
    let mut users = users.map_err(unavailable("users could not be listed"))?;
    let next = cut(&mut users, limit, |user| user.username.clone());
    Ok(Private(Page { users: users.into_iter().map(Account::from).collect(), next }))
}

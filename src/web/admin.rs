//! `/admin/…`: what needs the role `admin`.

use super::{
    answer::{Private, Problem, unavailable},
    guard::Role,
};
use crate::{
    clock::UnixTime,
    grant::Authority,
    store::User,
    user::{RoleName, UserId, Username},
};
use rocket::{
    State, get,
    http::{Status, uri::Origin},
};
use serde::Serialize;
use std::collections::BTreeSet;

crate::roles! {
    /// May see and change accounts.
    pub Admin = "admin";
}

#[derive(Serialize)]
pub(super) struct Page {
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

#[get("/admin/users?<limit>&<after>")]
pub(super) async fn users(
    _admin: Role<Admin>,
    uri: &Origin<'_>,
    authority: &State<Authority>,
    limit: Option<&str>,
    after: Option<&str>,
) -> Result<Private<Page>, Problem> {
    let bad = |description| Problem { status: Status::BadRequest, error: "invalid_request", description };
    let given = |name: &str| {
        let query = uri.query().into_iter().flat_map(|query| query.segments());
        query.filter(|(key, _)| *key == name).count()
    };
    if given("limit") > 1 || given("after") > 1 {
        return Err(bad("A parameter stands twice"));
    }
    let limit = match limit.map(str::parse::<u32>) {
        None => 50,
        Some(Ok(limit @ 1..=200)) => limit,
        Some(_) => return Err(bad("limit must be a whole number from 1 to 200")),
    };
    let after: Option<Username> =
        after.map(str::parse).transpose().map_err(|_| bad("after must be a user name"))?;
    // One more than asked tells whether there is another page.
    let users = authority.stores.users.list(after.as_ref(), limit + 1).await;
    let mut users = users.map_err(unavailable("users could not be listed"))?;
    let more = users.len() > limit as usize;
    users.truncate(limit as usize);
    let next = users.last().filter(|_| more).map(|user| user.username.clone());
    Ok(Private(Page { users: users.into_iter().map(Account::from).collect(), next }))
}

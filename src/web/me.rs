//! `GET /me`: who the token says one is.

use super::{answer::Private, guard::CurrentUser};
use crate::user::{RoleName, UserId, Username};
use rocket::get;
use serde::Serialize;
use std::collections::BTreeSet;

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

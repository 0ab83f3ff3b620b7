//! The token, then the user's record.

use super::{Rejection, cache::Cache, claims::verified, users_are_missing};
use crate::{
    grant::Authority,
    jwt::Claims,
    user::{RoleName, UserId, Username},
    web::complaint::complain,
};
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};
use std::collections::BTreeSet;

/// The user who is calling: their token is good and, at this moment, so is their account. A service
/// is refused, since it is nobody: [`Rejection::Service`].
///
/// As `&CurrentUser` it costs no copy; however many guards of a request ask, the token is
/// verified and the record read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    id: UserId,
    username: Username,
    roles: BTreeSet<RoleName>,
    claims: Claims,
}

impl CurrentUser {
    /// Who it is, for ever.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The name that they log in with.
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// The roles that the token was issued with and that the user still has.
    pub fn roles(&self) -> &BTreeSet<RoleName> {
        &self.roles
    }

    /// What the token says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    async fn of(request: &Request<'_>) -> Result<Self, Rejection> {
        let claims = verified(request).await.clone()?;
        // RFC 9068 §5: whatever its subject is, it names no user.
        if claims.is_service() {
            return Err(Rejection::Service);
        }
        let authority = request.rocket().state::<Authority>().ok_or(Rejection::Unavailable)?;
        let id = claims.subject().parse().map_err(|_| Rejection::Subject)?;
        let user = authority.stores.users.by_id(id).await.map_err(|error| {
            complain("a user could not be looked up", &error);
            Rejection::Unavailable
        })?;
        let user = user.filter(|user| !user.disabled).ok_or(Rejection::Subject)?;
        let roles = user.roles.intersection(claims.roles()).cloned().collect();
        Ok(Self { id, username: user.username, roles, claims })
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for &'r CurrentUser {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        match Cache::of(request).user.get_or_init(|| CurrentUser::of(request)).await {
            Ok(user) => Outcome::Success(user),
            Err(rejection) => rejection.outcome(request),
        }
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for CurrentUser {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        <&CurrentUser>::from_request(request).await.map(CurrentUser::clone)
    }
}

impl Sentinel for CurrentUser {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        users_are_missing(rocket)
    }
}

impl Sentinel for &CurrentUser {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        users_are_missing(rocket)
    }
}

//! Callers of the server's own routes: who may act on an account, and who may use the admin API.

use super::{CurrentUser, HasRoles, Rejection, claims::verified, users_are_missing};
use crate::{
    audit::Actor,
    client::ClientId,
    grant::Authority,
    jwt::Claims,
    scope,
    user::{RoleName, UserId},
    web::complaint::complain,
};
use rocket::{
    Ignite, Request, Rocket, Sentinel, async_trait,
    request::{FromRequest, Outcome},
};
use std::ops::Deref;

/// A user who may act on their own account by this token: one of the built-in client, or one with the
/// scope [`scope::ACCOUNT`].
pub(in crate::web) struct AccountHolder<'r>(&'r CurrentUser);

impl Deref for AccountHolder<'_> {
    type Target = CurrentUser;

    fn deref(&self) -> &CurrentUser {
        self.0
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for AccountHolder<'r> {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let user = match <&CurrentUser>::from_request(request).await {
            Outcome::Success(user) => user,
            Outcome::Error(error) => return Outcome::Error(error),
            Outcome::Forward(status) => return Outcome::Forward(status),
        };
        match permitted(request, user.claims(), scope::ACCOUNT).await {
            Ok(()) => Outcome::Success(Self(user)),
            Err(rejection) => rejection.outcome(request),
        }
    }
}

impl Sentinel for AccountHolder<'_> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        users_are_missing(rocket)
    }
}

/// A caller who may use the admin API: a user with the role `admin`, by a token of the built-in client or
/// one with the scope [`scope::ADMIN`], or a service with that scope.
pub(in crate::web) struct Admin<'r> {
    claims: &'r Claims,
    actor: Actor,
}

impl Admin<'_> {
    /// The caller as the audit log names it.
    pub(in crate::web) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// Whether the caller is this user. A service is no user.
    pub(in crate::web) fn is(&self, id: UserId) -> bool {
        self.actor == Actor::User(id)
    }

    /// The claims of the token.
    pub(in crate::web) fn claims(&self) -> &Claims {
        self.claims
    }

    async fn of<'r>(request: &'r Request<'_>) -> Result<Admin<'r>, Rejection> {
        let claims = verified(request).await.as_ref().map_err(|rejection| *rejection)?;
        if claims.is_service() {
            permitted(request, claims, scope::ADMIN).await?;
            let id: ClientId = claims.client_id().parse().map_err(|_| Rejection::Subject)?;
            return Ok(Admin { claims, actor: Actor::Client(id) });
        }
        let user = match <&CurrentUser>::from_request(request).await {
            Outcome::Success(user) => user,
            Outcome::Error((_, rejection)) => return Err(rejection),
            Outcome::Forward(_) => return Err(Rejection::Unavailable),
        };
        permitted(request, claims, scope::ADMIN).await?;
        if !user.has_role(RoleName::ADMIN) {
            return Err(Rejection::MissingRole);
        }
        Ok(Admin { claims, actor: Actor::User(user.id()) })
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Admin<'r> {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        match Admin::of(request).await {
            Ok(admin) => Outcome::Success(admin),
            Err(rejection) => rejection.outcome(request),
        }
    }
}

impl Sentinel for Admin<'_> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        users_are_missing(rocket)
    }
}

/// Refuses a token that may not be used for this scope of the server's own.
async fn permitted(request: &Request<'_>, claims: &Claims, scope: &'static str) -> Result<(), Rejection> {
    let authority = request.rocket().state::<Authority>().ok_or(Rejection::Unavailable)?;
    match authority.permits(claims, scope).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Rejection::MissingScope(scope)),
        Err(error) => {
            complain("a client could not be looked up", &error);
            Err(Rejection::Unavailable)
        }
    }
}

//! What a token may be used for: what was asked for, as far as it is allowed (RFC 6749 §3.3).

use super::{Authority, GrantError, OFFLINE_ACCESS};
use crate::{
    client::{ClientId, FIRST_PARTY, GrantType},
    jwt::Claims,
    scope::{self, Scope},
    store::{Client, User},
    user::RoleName,
};
use std::collections::BTreeSet;

impl Authority {
    /// What can be granted to a user through a client: what both may have, and, where there is a
    /// refresh token, to have it in the body.
    pub(super) fn allowed(&self, client: &Client, user: &User) -> Scope {
        with_offline_access(client, self.scopes.of_users(&user.roles).intersection(&client.scope))
    }

    /// The same before it is known who the user is.
    pub(super) fn allowed_to_anybody(&self, client: &Client) -> Scope {
        with_offline_access(client, self.scopes.of_clients().intersection(&client.scope))
    }
}

impl Authority {
    /// Whether a token may be used for one of the server's own scopes: a token of the built-in client
    /// may; any other has the scope, and its client is at this moment registered for it and enabled.
    ///
    /// # Errors
    /// [`GrantError::Store`] if the store of clients does not answer.
    pub(crate) async fn permits(&self, claims: &Claims, scope: &str) -> Result<bool, GrantError> {
        if claims.client_id() == FIRST_PARTY {
            return Ok(!claims.is_service());
        }
        let Ok(id) = claims.client_id().parse::<ClientId>() else { return Ok(false) };
        if !claims.scope().contains(scope) {
            return Ok(false);
        }
        Ok(self.client(&id).await?.is_some_and(|client| client.scope.contains(scope)))
    }
}

/// The user's roles, if a token of this client with this scope carries them.
pub(super) fn roles<'u>(client: &Client, scope: &Scope, user: &'u User) -> &'u BTreeSet<RoleName> {
    static NONE: BTreeSet<RoleName> = BTreeSet::new();
    let carries = client.id.is_first_party() || scope.contains(scope::ROLES) || scope.contains(scope::ADMIN);
    if carries { &user.roles } else { &NONE }
}

fn with_offline_access(client: &Client, scope: Scope) -> Scope {
    if client.grants.contains(&GrantType::RefreshToken) { scope.with(OFFLINE_ACCESS) } else { scope }
}

/// What was asked for, as far as it is allowed. Nothing asked, nothing granted.
///
/// # Errors
/// `invalid_scope` if it is malformed or none of it is allowed.
pub(super) fn granted(asked: Option<&str>, allowed: &Scope) -> Result<Scope, GrantError> {
    let Some(asked) = asked else { return Ok(Scope::default()) };
    let asked: Scope = asked.parse().map_err(|_| GrantError::InvalidScope)?;
    let granted = asked.intersection(allowed);
    if granted.is_empty() { Err(GrantError::InvalidScope) } else { Ok(granted) }
}

/// RFC 6749 §6: the scope asked for must not have anything that was not granted; what of it is
/// allowed no more is left out.
pub(super) fn narrowed(asked: Option<&str>, held: &Scope, allowed: &Scope) -> Result<Scope, GrantError> {
    let Some(asked) = asked else { return Ok(held.intersection(allowed)) };
    let asked: Scope = asked.parse().map_err(|_| GrantError::InvalidScope)?;
    let granted = asked.intersection(allowed);
    let is_held = asked.intersection(held) == asked;
    if is_held && !granted.is_empty() { Ok(granted) } else { Err(GrantError::InvalidScope) }
}

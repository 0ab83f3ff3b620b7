//! What a token may be used for: what was asked for, as far as it is allowed (RFC 6749 §3.3).

use super::{Authority, GrantError, OFFLINE_ACCESS};
use crate::{
    client::GrantType,
    scope::Scope,
    store::{Client, User},
};

impl Authority {
    /// What can be granted to a user through a client: what both may have, and, where there is a
    /// refresh token, to have it in the body.
    pub(super) fn allowed(&self, client: &Client, user: &User) -> Scope {
        with_offline_access(client, self.scopes.of_roles(&user.roles).intersection(&client.scope))
    }

    /// The same before it is known who the user is.
    pub(super) fn allowed_to_anybody(&self, client: &Client) -> Scope {
        with_offline_access(client, self.scopes.all.intersection(&client.scope))
    }
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

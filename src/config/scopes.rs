//! Which scopes can be granted, and to whom.

use super::reader::Reader;
use crate::{
    scope::{self, Scope},
    user::RoleName,
};
use std::collections::{BTreeMap, BTreeSet};

/// What stands for everybody among the roles.
const EVERYBODY: &str = "*";

/// Which scopes can be granted, and to users of which roles.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScopeSettings {
    /// `SCOPES`: all that can be granted at all.
    pub all: Scope,
    /// `ROLE_SCOPES`, if it is set: what users of a role can be granted.
    pub(crate) by_role: Option<ByRole>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ByRole {
    everybody: Scope,
    roles: BTreeMap<RoleName, Scope>,
}

impl ScopeSettings {
    /// What a client can be registered for: `SCOPES` and the server's own scopes.
    pub fn of_clients(&self) -> Scope {
        self.all.union(&Scope::reserved())
    }

    /// What a service can be granted: `SCOPES` and [`scope::ADMIN`].
    pub fn of_services(&self) -> Scope {
        self.all.with(scope::ADMIN)
    }

    /// What a user with these roles can be granted: the server's own scopes, [`scope::ADMIN`] only with the
    /// role [`RoleName::ADMIN`], and those [of the roles](Self::of_roles).
    pub fn of_users(&self, roles: &BTreeSet<RoleName>) -> Scope {
        let own = Scope::default().with(scope::ACCOUNT).with(scope::ROLES);
        let is_admin = roles.iter().any(|role| role.as_str() == RoleName::ADMIN);
        self.of_roles(roles).union(&if is_admin { own.with(scope::ADMIN) } else { own })
    }

    /// Of `SCOPES`, what a user with these roles can be granted: all, unless `ROLE_SCOPES` says otherwise.
    pub fn of_roles(&self, roles: &BTreeSet<RoleName>) -> Scope {
        let Some(by_role) = &self.by_role else { return self.all.clone() };
        let of_roles = roles.iter().filter_map(|role| by_role.roles.get(role));
        of_roles.fold(by_role.everybody.clone(), |all, scope| all.union(scope))
    }
}

pub(super) fn read(reader: &mut Reader) -> ScopeSettings {
    let all: Scope = reader.words("scopes").unwrap_or_default();
    if all.has_reserved() {
        reader.problem(
            "scopes",
            "must not have a scope that begins with countersign:; clients are registered for these without it",
        );
    }
    let Some(table) = reader.texts("role_scopes") else { return ScopeSettings { all, by_role: None } };
    let mut by_role = ByRole::default();
    for (role, text) in table {
        let text = text.trim();
        let Ok(scope) = Scope::from_display(text) else {
            reader.problem(
                "role_scopes",
                "must give each role scope tokens (RFC 6749 §3.3) with spaces between",
            );
            continue;
        };
        if scope.intersection(&all) != scope {
            reader.problem("role_scopes", "has a scope that is not in SCOPES");
        }
        match role.parse() {
            _ if role == EVERYBODY => by_role.everybody = scope,
            Ok(role) => drop(by_role.roles.insert(role, scope)),
            Err(_) => reader.problem("role_scopes", "has a name that is neither a role's nor *"),
        }
    }
    ScopeSettings { all, by_role: Some(by_role) }
}

//! What of a client is to be changed.

use super::{bad, fields::Fields};
use crate::{
    client::GrantType,
    registration::{Terms, refusal},
    scope::Scope,
    web::{
        answer::Problem,
        openapi::{Refusal, refusals},
    },
};
use std::time::Duration;

const NAME: &str = "name must be a text, or null";
const GRANTS: &str = "grants must be a list of password, refresh_token and client_credentials";
const SCOPE: &str = "scope must be scope tokens (RFC 6749 section 3.3) with single spaces between";
const SECONDS: &str = "access_ttl, idle and absolute must be whole seconds, or null";
pub(super) const YES_OR_NO: &str = "public, introspects and disabled must be true or false";

refusals! {
    /// Fields that cannot be so.
    pub(in crate::web) WrongTerms => {
        let fields = [NAME, GRANTS, SCOPE, SECONDS, YES_OR_NO];
        Refusal::requests(fields.into_iter().chain(refusal::OF_TERMS))
    };
}

/// What of a client's terms is to be changed. Of what is optional, `Some(None)` takes it away.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: Option<Option<String>>,
    pub(super) grants: Option<Vec<GrantType>>,
    pub(super) scope: Option<Scope>,
    pub(super) access_ttl: Option<Option<u64>>,
    pub(super) idle: Option<Option<u64>>,
    pub(super) absolute: Option<Option<u64>>,
    pub(super) introspects: Option<bool>,
    pub(super) disabled: Option<bool>,
}

impl Change {
    /// What a new client may be given too.
    pub(super) fn of(fields: &mut Fields) -> Result<Self, Problem> {
        let scope = fields.take::<String>("scope", SCOPE)?;
        let scope = scope.map(|text| Scope::from_display(&text)).transpose().map_err(|_| bad(SCOPE))?;
        Ok(Self {
            name: fields.take("name", NAME)?,
            grants: fields.take("grants", GRANTS)?,
            scope,
            access_ttl: fields.take("access_ttl", SECONDS)?,
            idle: fields.take("idle", SECONDS)?,
            absolute: fields.take("absolute", SECONDS)?,
            introspects: fields.take("introspects", YES_OR_NO)?,
            disabled: None,
        })
    }

    pub(super) fn apply(&self, terms: &mut Terms) {
        let Self { name, grants, scope, access_ttl, idle, absolute, introspects, disabled } = self;
        if let Some(name) = name {
            terms.name.clone_from(name);
        }
        if let Some(grants) = grants {
            terms.grants = grants.iter().copied().collect();
        }
        if let Some(scope) = scope {
            terms.scope = scope.clone();
        }
        let own = &mut terms.lifetimes;
        for (time, seconds) in
            [(&mut own.access, access_ttl), (&mut own.idle, idle), (&mut own.absolute, absolute)]
        {
            if let Some(seconds) = seconds {
                *time = seconds.map(Duration::from_secs);
            }
        }
        if let Some(introspects) = introspects {
            terms.introspects = *introspects;
        }
        if let Some(disabled) = disabled {
            terms.disabled = *disabled;
        }
    }
}

//! What no client can have more of.

use super::ClientError;
use crate::{
    client::GrantType,
    config::{RefreshSettings, ScopeSettings},
    scope::Scope,
    store::{Client, Lifetimes},
};
use precis_profiles::{OpaqueString, precis_core::profile::PrecisFastInvocation};
use std::{ops::RangeInclusive, time::Duration};

/// The longest name, in bytes.
const MAX_NAME: usize = 100;

/// What no client can have more of.
#[derive(Clone, Debug)]
pub struct Limits {
    /// All scopes that can be granted.
    pub scope: Scope,
    /// The life of an access token, in whole seconds.
    pub access: Duration,
    /// That of a session that is not used.
    pub idle: Duration,
    /// That of a session, however much it is used.
    pub absolute: Duration,
}

impl Limits {
    /// What the settings say; `access` is the life of an access token.
    pub fn of(scopes: &ScopeSettings, access: Duration, refresh: &RefreshSettings) -> Self {
        Self { scope: scopes.all.clone(), access, idle: refresh.idle, absolute: refresh.absolute }
    }

    /// Whether a client may be so. What it has had before is let be, though the settings have become
    /// narrower since: it is held to them whenever it gets a token.
    pub(super) fn check(&self, client: &Client, before: Option<&Client>) -> Result<(), ClientError> {
        let refused = |text| Err(ClientError::Refused(text));
        let is_new =
            |is_same: fn(&Client, &Client) -> bool| before.is_none_or(|before| !is_same(before, client));
        let Client { name, grants, scope, lifetimes, introspects, .. } = client;
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            return refused("name: must be 1 to 100 bytes, without invisible characters");
        }
        if grants.is_empty() {
            return refused("grants: must be one at least");
        }
        // RFC 6749 §4.4: only by confidential clients.
        if grants.contains(&GrantType::ClientCredentials) && !client.is_confidential() {
            return refused("grants: a public client proves nothing, so it cannot have client_credentials");
        }
        if grants.contains(&GrantType::RefreshToken) && !grants.contains(&GrantType::Password) {
            return refused("grants: refresh_token is of no use without password");
        }
        if *introspects && !client.is_confidential() {
            return refused("introspects: a public client proves nothing, so it cannot ask about tokens");
        }
        if is_new(|one, other| one.scope == other.scope) && scope.intersection(&self.scope) != *scope {
            return refused("scope: has what is not in COUNTERSIGN_SCOPES");
        }
        if !is_new(|one, other| one.lifetimes == other.lifetimes) {
            return Ok(());
        }
        let Lifetimes { access, idle, absolute } = *lifetimes;
        if !is_within(30..=self.access.as_secs(), access) {
            return refused("access_ttl: must be from 30 seconds to COUNTERSIGN_ACCESS_TTL");
        }
        if !is_within(60..=self.idle.as_secs(), idle) {
            return refused("idle: must be from 60 seconds to COUNTERSIGN_REFRESH__IDLE");
        }
        if !is_within(60..=self.absolute.as_secs(), absolute) {
            return refused("absolute: must be from 60 seconds to COUNTERSIGN_REFRESH__ABSOLUTE");
        }
        if idle.zip(absolute).is_some_and(|(idle, absolute)| idle > absolute) {
            return refused("idle: must not be longer than absolute");
        }
        Ok(())
    }
}

/// People read it, so it has nothing that they cannot see (RFC 8265 §4.2).
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.trim() == text && OpaqueString::enforce(text).is_ok()
}

fn is_within(range: RangeInclusive<u64>, time: Option<Duration>) -> bool {
    time.is_none_or(|time| range.contains(&time.as_secs()))
}

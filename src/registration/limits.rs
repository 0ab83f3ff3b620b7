//! What no client can have more of.

use super::{ClientError, refusal};
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
        Self { scope: scopes.of_clients(), access, idle: refresh.idle, absolute: refresh.absolute }
    }

    /// Whether a client may be so. What it has had before is let be, though the settings have become
    /// narrower since: it is held to them whenever it gets a token.
    pub(super) fn check(&self, client: &Client, before: Option<&Client>) -> Result<(), ClientError> {
        let refused = |text| Err(ClientError::Refused(text));
        let is_new =
            |is_same: fn(&Client, &Client) -> bool| before.is_none_or(|before| !is_same(before, client));
        let Client { name, grants, scope, lifetimes, introspects, .. } = client;
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            return refused(refusal::NAME);
        }
        if grants.is_empty() {
            return refused(refusal::NO_GRANT);
        }
        // RFC 6749 §4.4: only by confidential clients.
        if grants.contains(&GrantType::ClientCredentials) && !client.is_confidential() {
            return refused(refusal::PUBLIC_SERVICE);
        }
        if grants.contains(&GrantType::RefreshToken) && !grants.contains(&GrantType::Password) {
            return refused(refusal::REFRESH_ALONE);
        }
        if *introspects && !client.is_confidential() {
            return refused(refusal::PUBLIC_ASKING);
        }
        if is_new(|one, other| one.scope == other.scope) && scope.intersection(&self.scope) != *scope {
            return refused(refusal::SCOPE);
        }
        if !is_new(|one, other| one.lifetimes == other.lifetimes) {
            return Ok(());
        }
        let Lifetimes { access, idle, absolute } = *lifetimes;
        if !is_within(30..=self.access.as_secs(), access) {
            return refused(refusal::ACCESS_TTL);
        }
        if !is_within(60..=self.idle.as_secs(), idle) {
            return refused(refusal::IDLE);
        }
        if !is_within(60..=self.absolute.as_secs(), absolute) {
            return refused(refusal::ABSOLUTE);
        }
        if idle.zip(absolute).is_some_and(|(idle, absolute)| idle > absolute) {
            return refused(refusal::IDLE_TOO_LONG);
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

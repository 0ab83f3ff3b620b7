//! What a token is worth at this moment (RFC 7662).

use super::{Authority, GrantError, TokenQuery};
use crate::{
    client::GrantType,
    jwt::Claims,
    store::{Client, Session, User},
    user::{RoleName, Username},
};
use std::collections::BTreeSet;

/// What there is to say of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// It is good for nothing; why, nobody is told (RFC 7662 §2.2).
    Inactive,
    /// An access token.
    Access {
        /// What it says.
        claims: Claims,
        /// Whose it is, if a person's.
        username: Option<Username>,
        /// The roles that it was issued with and that the user still has.
        roles: BTreeSet<RoleName>,
    },
    /// A refresh token of the client that asks: the current one of its session, or one that is still
    /// answered like it.
    Refresh {
        /// The session.
        session: Session,
        /// Whose it is.
        username: Username,
    },
}

impl Authority {
    /// Looks at a token as a request with it would be looked at at this moment: its signature and
    /// claims, its session, its user and its client. The store is asked for the newest revocations
    /// first, whatever this process has heard.
    ///
    /// A refresh token is told of to its own client only, since a resource server that only looks
    /// for `active` would take it for an access token.
    ///
    /// # Errors
    /// `invalid_client` for whoever does not prove who they are, `unauthorized_client` for a client
    /// without the right to ask.
    pub async fn introspect(&self, query: TokenQuery) -> Result<Introspection, GrantError> {
        let asking = self.authenticate(&query.client).await?;
        // RFC 7662 §2.1: the caller has to prove who it is, or everybody could try tokens here.
        if !asking.is_confidential() {
            return Err(GrantError::InvalidClient);
        }
        if !asking.introspects {
            return Err(GrantError::UnauthorizedClient);
        }
        let token = query.needed()?;
        if let Some(active) = self.introspect_refresh(token, &asking).await? {
            return Ok(active);
        }
        Ok(self.introspect_access(token).await?.unwrap_or(Introspection::Inactive))
    }

    async fn introspect_refresh(
        &self,
        token: &str,
        asking: &Client,
    ) -> Result<Option<Introspection>, GrantError> {
        let Some((token, session, _)) = self.session_of(token).await? else { return Ok(None) };
        let is_current = self.is_current(&token, &session, self.clock.now());
        let may = asking.grants.contains(&GrantType::RefreshToken) && self.may_refresh(&session, asking);
        if !is_current || !may {
            return Ok(None);
        }
        let user = self.stores.users.by_id(session.user).await?.filter(|user| !user.disabled);
        Ok(user.map(|User { username, .. }| Introspection::Refresh { session, username }))
    }

    async fn introspect_access(&self, token: &str) -> Result<Option<Introspection>, GrantError> {
        let Some(claims) = self.claims(token).await? else { return Ok(None) };
        self.revocations.catch_up().await?;
        if !self.is_informed() {
            return Err(GrantError::Uninformed);
        }
        if self.revocations.denies(&claims) {
            return Ok(None);
        }
        let client = match claims.client_id().parse() {
            Ok(id) => self.client(&id).await?,
            Err(_) => None,
        };
        let Some(client) = client else { return Ok(None) };
        if claims.is_service() {
            let may = client.grants.contains(&GrantType::ClientCredentials);
            return Ok(may.then_some(Introspection::Access {
                claims,
                username: None,
                roles: BTreeSet::new(),
            }));
        }
        let Ok(id) = claims.subject().parse() else { return Ok(None) };
        let user = self.stores.users.by_id(id).await?.filter(|user| !user.disabled);
        Ok(user.map(|User { username, roles, .. }| {
            let roles = roles.intersection(claims.roles()).cloned().collect();
            Introspection::Access { claims, username: Some(username), roles }
        }))
    }
}

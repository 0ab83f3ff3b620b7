//! `grant_type=client_credentials` (RFC 6749 §4.4), for services that call in their own name.

use super::{Authority, GrantError, TokenRequest, Tokens};
use crate::{clock::UnixTime, jwt::Issuance, store::Client};
use std::collections::BTreeSet;

impl Authority {
    /// An access token whose subject is the client itself. No refresh token (RFC 6749 §4.4.3) and no
    /// session: whoever can ask for one can ask for the next.
    pub(super) async fn client_credentials(
        &self,
        request: TokenRequest,
        client: &Client,
    ) -> Result<Tokens, GrantError> {
        self.rate.client(&client.id).await?;
        let now = self.clock.now();
        let allowed = client.scope.intersection(&self.scopes.of_services());
        let scope = super::scope::granted(request.scope.as_deref(), &allowed)?;
        // By it one knows the token, should the store ever forget that it was revoked.
        let revision = self.revocations.epoch().await?;
        self.confirm(client).await?;
        let access_token = self.tokens.issue(
            &Issuance {
                subject: client.id.to_string(),
                client_id: client.id.as_str(),
                client_revision: client.revision,
                session_id: None,
                revision,
                roles: &BTreeSet::new(),
                scope: &scope,
                lifetime: self.access_life(client),
                session_ends: UnixTime(u64::MAX),
            },
            now,
        )?;
        let said = (!scope.is_empty()).then_some(scope);
        Ok(Tokens {
            access_token,
            expires_in: self.access_life(client),
            scope: said,
            refresh: None,
            known_device: None,
        })
    }
}

//! Revocation by whoever holds a token (RFC 7009).

use super::{Authority, GrantError, TokenQuery};
use crate::store::Client;

impl Authority {
    /// Ends what this token stands for: a refresh token its session with all access tokens, an
    /// access token itself alone, by its `jti`. Which of the two it is its form tells. What is no
    /// good token already is none of the caller's errors (RFC 7009 §2.2).
    ///
    /// # Errors
    /// `invalid_grant` for another client's token, which stays as it is (§2.1). After an internal error
    /// the token may have ended or not; to try again does no harm.
    pub async fn revoke(&self, query: TokenQuery) -> Result<(), GrantError> {
        let client = self.authenticate(&query.client).await?;
        let token = query.needed()?;
        if let Some((_, session, _)) = self.session_of(token).await? {
            is_of(&session.client_id, &client)?;
            self.revocations.session(session.id).await?;
            return Ok(());
        }
        match self.claims(token).await? {
            Some(claims) if !self.revocations.denies(&claims) => {
                is_of(claims.client_id(), &client)?;
                // All of ours have an id.
                if let Ok(id) = claims.token_id().parse() {
                    self.revocations.token(id).await?;
                }
                Ok(())
            }
            _ => self.note_end_of(token).await,
        }
    }
}

fn is_of(owner: &str, client: &Client) -> Result<(), GrantError> {
    if owner == client.id.as_str() { Ok(()) } else { Err(GrantError::OtherClient) }
}

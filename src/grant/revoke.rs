//! Revocation by whoever holds a token (RFC 7009).

use super::{Authority, GrantError, TokenQuery};
use crate::{
    audit::{Action, Event, NOTHING_TO_END},
    jwt::Claims,
    session::SessionId,
    store::{Client, StoreError},
    user::UserId,
};

impl Authority {
    /// Ends what this token stands for: a refresh token its session with all access tokens, an
    /// access token itself alone, by its `jti`; from the eleventh access token of a session on also those of
    /// its access tokens that were issued before it or in the same second (RFC 7009 §2.1 lets a server end
    /// related tokens too). Which of the two it is its form tells. What is no
    /// good token already is none of the caller's errors (RFC 7009 §2.2).
    ///
    /// # Errors
    /// `invalid_grant` for another client's token, which stays as it is (§2.1). After an internal error
    /// the token may have ended or not; to try again does no harm.
    pub async fn revoke(&self, query: TokenQuery) -> Result<(), GrantError> {
        let mut event = Event::new(Action::ClientAuthentication);
        let answer = self.end(query, &mut event).await;
        self.record(event, answer.as_ref().err());
        answer
    }

    async fn end(&self, query: TokenQuery, event: &mut Event) -> Result<(), GrantError> {
        let client = self.authenticate(&query.client).await?;
        (event.action, event.client) = (Action::Revocation, Some(client.id.to_string()));
        let token = query.needed()?;
        if let Some((_, session, _)) = self.session_of(token).await? {
            (event.user, event.session) = (Some(session.user), Some(session.id));
            is_of(&session.client_id, &client)?;
            self.revocations.session(session.id).await?;
            return Ok(());
        }
        match self.claims(token).await? {
            Some(claims) if !self.revocations.denies(&claims) => {
                (event.user, event.session) = (claims.user(), claims.session());
                is_of(claims.client_id(), &client)?;
                match (claims.session(), claims.token()) {
                    (Some(session), Some(id)) => {
                        self.rate.session(session).await?;
                        self.revocations.token_of(session, id, claims.issued_at()).await?;
                    }
                    (None, Some(id)) => {
                        self.rate.client(&client.id).await?;
                        self.revocations.token(id).await?;
                    }
                    // All of ours have an id.
                    (_, None) => {}
                }
                Ok(())
            }
            _ => {
                event.reason = Some(NOTHING_TO_END);
                self.note_end_of(token).await
            }
        }
    }
}

impl Authority {
    /// Ends a user's session, for them. `false`: it was over already.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        let ended = self.revocations.session(session).await?;
        if ended {
            self.audit.record(&Event::new(Action::SessionEnd).user(user).session(session));
        }
        Ok(ended)
    }

    /// Ends all sessions of a user but the one to `keep`, for them; says how many.
    pub async fn end_sessions(&self, user: UserId, keep: Option<SessionId>) -> Result<u64, StoreError> {
        let ended = match keep {
            Some(keep) => self.revocations.others(user, keep).await?,
            None => self.revocations.user(user).await?,
        };
        self.audit.record(&Event::new(Action::SessionsEnd).user(user).detail(ended));
        Ok(ended)
    }

    /// Ends the session of an access token. A service has none, and its token is all that there is to end.
    ///
    /// # Errors
    /// [`GrantError::RateLimited`] when its client has asked too often, or an internal one.
    pub async fn end_session_by(&self, claims: &Claims) -> Result<(), GrantError> {
        if let (Some(user), Some(session)) = (claims.user(), claims.session()) {
            return Ok(self.end_session(user, session).await.map(drop)?);
        }
        if let Some(token) = claims.token() {
            if let Ok(client) = claims.client_id().parse() {
                self.rate.client(&client).await?;
            }
            self.revocations.token(token).await?;
            self.audit.record(&Event::new(Action::Revocation).client(claims.client_id()));
        }
        Ok(())
    }
}

fn is_of(owner: &str, client: &Client) -> Result<(), GrantError> {
    if owner == client.id.as_str() { Ok(()) } else { Err(GrantError::OtherClient) }
}

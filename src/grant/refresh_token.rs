//! `grant_type=refresh_token` (RFC 6749 §6, RFC 9700 §4.14.2).

use super::{Authority, GrantError, TokenRequest, Tokens, scope, sentence};
use crate::{
    audit::{Action, Event},
    clock::UnixTime,
    jwt::MAX_LEEWAY,
    refresh_token::RefreshToken,
    store::{Advance, Client, Session, StoreError, Transport},
};
use zeroize::Zeroizing;

impl Authority {
    pub(super) async fn refresh_token(
        &self,
        request: TokenRequest,
        client: &Client,
        cookie: Option<Zeroizing<String>>,
        event: &mut Event,
    ) -> Result<Tokens, GrantError> {
        let (text, transport) = match (request.refresh_token, cookie) {
            (Some(_), Some(_)) => return Err(GrantError::InvalidRequest(sentence::TWO_REFRESH_TOKENS)),
            (Some(text), None) => (text, Transport::Body),
            (None, Some(text)) => (text, Transport::Cookie),
            (None, None) => return Err(GrantError::InvalidRequest(sentence::NO_REFRESH_TOKEN)),
        };
        // A store that has gone back is noticed before it lets a session go on that had ended.
        self.revocations.catch_up().await?;
        // From here on every time is this one: see `Authority::tokens`.
        let now = self.clock.now();
        let (token, mut session, revision) =
            self.presented(&text, transport).await?.ok_or(GrantError::InvalidGrant)?;
        (event.user, event.session) = (Some(session.user), Some(session.id));
        // RFC 6749 §10.4: a refresh token is its client's.
        if !self.may_refresh(&session, client) {
            return Err(GrantError::OtherClient);
        }
        // A token that was used before is never refused by a limit: it has to end the session.
        if self.is_current(&token, &session, now) {
            self.rate.refresh(&session, now).await?;
        }
        self.confirm(client).await?;
        // The revision was read before the record, so roles that change now are of a token that
        // is already revoked. A store that fails here has not used the refresh token up.
        let user = self.stores.users.by_id(session.user).await?.filter(|user| !user.disabled);
        let Some(user) = user else {
            self.revocations.session(session.id).await?;
            event.reason = Some("no_such_user");
            return Err(GrantError::InvalidGrant);
        };
        let allowed = self.allowed(client, &user);
        let scope = scope::narrowed(request.scope.as_deref(), &session.scope, &allowed)?;
        let sessions = &self.stores.sessions;
        match sessions.advance(session.id, token.generation(), now, self.refresh.grace).await? {
            Advance::Advanced(generation) => {
                session.generation = generation;
                session.last_used_at = now;
            }
            Advance::Repeated(generation) => session.generation = generation,
            Advance::Reused => {
                // Whose it was, the audit trail says, and not by name.
                tracing::warn!("a used refresh token came back; its session has ended");
                event.action = Action::Reuse;
                self.revocations.catch_up().await?;
                return Err(GrantError::InvalidGrant);
            }
            Advance::Gone => return Err(GrantError::InvalidGrant),
        }
        self.tokens(&session, client, &user, scope, revision, now)
    }

    /// Whether this client may go on with a session: it is its own, and not that of a client that
    /// had the id before. Clocks differ, so a session may look a little older than its client.
    pub(super) fn may_refresh(&self, session: &Session, client: &Client) -> bool {
        session.client_id == client.id.as_str() && client.created_at <= session.created_at.plus(MAX_LEEWAY)
    }

    /// Whether a refresh token is the current one of its session, or still answered like it.
    pub(super) fn is_current(&self, token: &RefreshToken, session: &Session, now: UnixTime) -> bool {
        token.generation() == session.generation
            || session.is_parent_in_grace(token.generation(), now, self.refresh.grace)
    }

    /// The session that a refresh token is of, if it also came as it should.
    async fn presented(
        &self,
        text: &str,
        transport: Transport,
    ) -> Result<Option<(RefreshToken, Session, u64)>, GrantError> {
        let found = self.session_of(text).await?;
        Ok(found.filter(|(_, session, _)| session.transport == transport))
    }

    /// The session that a refresh token is of, if its seal is ours, and its user's revision. Nothing
    /// is changed, whatever was presented.
    pub(super) async fn session_of(
        &self,
        text: &str,
    ) -> Result<Option<(RefreshToken, Session, u64)>, GrantError> {
        let Ok(token) = text.parse::<RefreshToken>() else { return Ok(None) };
        for _ in 0..2 {
            let found = self.stores.sessions.find(token.session(), self.clock.now()).await?;
            let Some((session, revision)) = found else { return Ok(None) };
            if !self.keys.refresh().sealed(&token, &session.salt) {
                return Ok(None);
            }
            if self.revocations.agree(session.id, session.user, revision).await? {
                return Ok(Some((token, session, revision)));
            }
        }
        Err(StoreError::Forgetful.into())
    }

    /// Ends the session of this refresh token, if it is one: for whoever logs out. Any token of
    /// the session will do, and one that is not good does nothing.
    pub async fn end_session_of(&self, refresh_token: &str, transport: Transport) -> Result<(), GrantError> {
        match self.presented(refresh_token, transport).await? {
            Some((_, session, _)) => Ok(self.end_session(session.user, session.id).await.map(drop)?),
            None => self.note_end_of(refresh_token).await,
        }
    }

    /// If this is a refresh token, its session may have ended elsewhere, or by a request whose answer
    /// was lost. From now on that holds here too.
    pub(super) async fn note_end_of(&self, text: &str) -> Result<(), GrantError> {
        if text.parse::<RefreshToken>().is_ok() {
            self.revocations.catch_up().await?;
        }
        Ok(())
    }
}

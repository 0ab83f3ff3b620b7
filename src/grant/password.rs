//! `grant_type=password` (RFC 6749 §4.3), for the app's own front end.

use super::{
    Authority, Caller, GrantError, TokenRequest, Tokens,
    guess::{Circumstances, requester},
    least, scope, sentence,
};
use crate::{
    audit::Event,
    client::GrantType,
    password::{Hasher, Password, Verdict},
    refresh_token::Salt,
    session::SessionId,
    store::{Client, Creation, Device, Session, StoreError, Transport, User},
    user::Username,
};
use std::{net::IpAddr, time::Duration};
use tokio::time::{Instant, sleep_until};

/// The longest texts by which a device is remembered, in bytes.
const MAX_DEVICE_TEXT: usize = 200;

impl Authority {
    pub(super) async fn password(
        &self,
        request: TokenRequest,
        client: &Client,
        caller: Caller,
        event: &mut Event,
    ) -> Result<Tokens, GrantError> {
        let transport = request.transport();
        let (Some(username), Some(password)) = (request.username, request.password) else {
            return Err(GrantError::InvalidRequest(sentence::NO_LOGIN));
        };
        let asked = request.scope.as_deref();
        scope::granted(asked, &self.allowed_to_anybody(client))?;
        let now = self.clock.now();
        let device = caller.device;
        let from = Circumstances {
            address: device.address,
            device: caller.known_device.as_deref(),
            refresh_token: request.refresh_token.as_ref().map(|token| token.as_str()),
        };
        let (user, revision) = self.guess(&username, &password, from, event).await?;
        self.confirm(client).await?;
        let scope = scope::granted(asked, &self.allowed(client, &user))?;
        let (idle, absolute) = self.session_lives(client);
        let session = Session {
            id: SessionId::random()?,
            user: user.id,
            client_id: client.id.to_string(),
            scope: scope.clone(),
            transport,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(absolute),
            idle,
            generation: 0,
            salt: Salt::random()?,
            device: Device {
                user_agent: device.user_agent.and_then(shown),
                address: device.address,
                name: request.device_name.and_then(shown),
            },
        };
        event.session = Some(session.id);
        match self.stores.sessions.create(&session, revision, self.refresh.sessions_per_user).await? {
            Creation::Created => {}
            Creation::Overtaken => return Err(refused(event, "changed_meanwhile")),
        }
        if !self.revocations.agree(session.id, user.id, revision).await? {
            return Err(StoreError::Forgetful.into());
        }
        // The session that had to go for this one, if any, is denied from now on.
        self.revocations.catch_up().await?;
        let mut tokens = self.tokens(&session, client, &user, scope, revision, now)?;
        if transport == Transport::Cookie {
            tokens.known_device = self.introduce(&user)?;
        }
        Ok(tokens)
    }

    /// How long a session through this client lives unused, and at most. One that cannot be
    /// refreshed lives as long as its access token.
    fn session_lives(&self, client: &Client) -> (Duration, Duration) {
        if !client.grants.contains(&GrantType::RefreshToken) {
            return (self.access_life(client), self.access_life(client));
        }
        let absolute = least(self.refresh.absolute, client.lifetimes.absolute);
        (least(self.refresh.idle, client.lifetimes.idle), absolute)
    }

    /// Who this is, and their revision. Whatever is wrong, the answer is the same, and it takes
    /// as long.
    pub(super) async fn login(
        &self,
        username: &str,
        password: Password,
        address: Option<IpAddr>,
        event: &mut Event,
    ) -> Result<(User, u64), GrantError> {
        let started = Instant::now();
        let answer = self.identify(username, password, address, event).await;
        if matches!(answer, Err(GrantError::InvalidGrant)) {
            sleep_until(started + self.hasher.floor()).await;
        }
        answer
    }

    async fn identify(
        &self,
        username: &str,
        password: Password,
        address: Option<IpAddr>,
        event: &mut Event,
    ) -> Result<(User, u64), GrantError> {
        let users = &self.stores.users;
        let name = username.parse::<Username>().ok();
        let hasher = self.hasher.for_requester(requester(name.as_ref(), address));
        let found = match &name {
            Some(name) => users.by_username(name).await?,
            None => None,
        };
        let stored = found.as_ref().map(|user| user.password.clone());
        let verdict = hasher.verify(password.clone(), stored).await?;
        let found = found.ok_or_else(|| refused(event, "no_such_user"))?;
        (event.user, event.name) = (Some(found.id), None);
        match verdict {
            Verdict::Match | Verdict::MatchOutdated => {}
            Verdict::Mismatch => return Err(refused(event, "wrong_password")),
            Verdict::Unusable => {
                tracing::error!(user = %found.id, "the stored password hash is unusable; set a new password");
                return Err(refused(event, "unusable_hash"));
            }
        }
        // Hashing takes its time, so the record is read again, and after the revision: whatever
        // changes from here on raises the revision and keeps the session from being created.
        let revision = self.stores.sessions.revision(found.id).await?;
        let user = users.by_id(found.id).await?.ok_or_else(|| refused(event, "deleted_meanwhile"))?;
        if user.disabled {
            return Err(refused(event, "disabled"));
        }
        if user.password != found.password {
            // Another password, or another login has just renewed the hash of the same one.
            return match hasher.verify(password, Some(user.password.clone())).await? {
                Verdict::Match => Ok((user, revision)),
                _ => Err(refused(event, "changed_meanwhile")),
            };
        }
        if verdict == Verdict::MatchOutdated {
            self.rehash(&user, password, &hasher).await;
        }
        Ok((user, revision))
    }

    /// Replaces an outdated hash, unless somebody else has changed it meanwhile. The login is
    /// right without it, so a failure is only noted; the next login tries again.
    async fn rehash(&self, user: &User, password: Password, hasher: &Hasher) {
        let replaced = async {
            let new = hasher.hash(password).await?;
            self.stores.users.replace_password(user.id, &user.password, &new).await?;
            Ok::<_, GrantError>(())
        };
        if let Err(error) = replaced.await {
            tracing::warn!(user = %user.id, %error, "an outdated password hash could not be replaced");
        }
    }
}

/// To everybody it is one refusal; the trail knows why.
pub(super) fn refused(event: &mut Event, why: &'static str) -> GrantError {
    event.reason = Some(why);
    GrantError::InvalidGrant
}

/// A text that will be shown to a person: of a bounded length, without control characters and
/// without those that turn the direction of writing; `None` if nothing is left.
fn shown(text: String) -> Option<String> {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    let text = text.trim();
    let shown = text[..text.floor_char_boundary(MAX_DEVICE_TEXT)].to_owned();
    (!shown.is_empty()).then_some(shown)
}

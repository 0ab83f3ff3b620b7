//! Somebody who calls a protected route: an account made for the purpose, and removed again.

use super::{Answer, Case, Kit};
use crate::{
    client::FIRST_PARTY,
    grant::Authority,
    jwt::Issuance,
    password::PasswordHash,
    refresh_token::Salt,
    scope::Scope,
    session::SessionId,
    store::{Creation, Device, Insertion, Session, Transport, User},
    user::{RoleName, UserId},
};
use std::{collections::BTreeSet, error::Error, time::Duration};

type Failure = Box<dyn Error + Send + Sync>;

/// What the visitors may do.
pub(super) struct Rights {
    pub(super) roles: BTreeSet<RoleName>,
    pub(super) scope: Scope,
}

/// Accounts that exist for one test.
pub(super) struct Visitors<'a> {
    authority: &'a Authority,
    rights: &'a Rights,
    users: Vec<UserId>,
}

impl<'a> Visitors<'a> {
    pub(super) fn new(authority: &'a Authority, rights: &'a Rights) -> Self {
        Self { authority, rights, users: vec![] }
    }

    /// A user whom nobody's password logs in.
    async fn user(&mut self) -> Result<UserId, Failure> {
        let id = UserId::random();
        let user = User {
            id,
            username: format!("visitor-{id}").parse()?,
            password: PasswordHash::from_stored("!".into()),
            roles: self.rights.roles.clone(),
            disabled: false,
            created_at: self.authority.clock.now(),
        };
        match self.authority.stores.users.insert(&user).await? {
            Insertion::Inserted => self.users.push(id),
            Insertion::NameTaken => return Err("a visitor's name is taken".into()),
        }
        Ok(id)
    }

    /// A login of this user, and its tokens: for access and for refreshing.
    async fn login(&self, user: UserId) -> Result<(SessionId, String, String), Failure> {
        let (authority, now) = (self.authority, self.authority.clock.now());
        let revision = authority.stores.sessions.revision(user).await?;
        let session = Session {
            id: SessionId::random()?,
            user,
            client_id: FIRST_PARTY.into(),
            scope: self.rights.scope.clone(),
            transport: Transport::Body,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(Duration::from_secs(3_600)),
            idle: Duration::from_secs(3_600),
            generation: 0,
            salt: Salt::random()?,
            device: Device::default(),
        };
        match authority.stores.sessions.create(&session, revision, u32::MAX).await? {
            Creation::Created => {}
            Creation::Overtaken => return Err("the visitor's login was overtaken".into()),
        }
        let access = authority.tokens.issue(
            &Issuance {
                subject: user.to_string(),
                client_id: FIRST_PARTY,
                client_revision: 0,
                session_id: Some(session.id),
                revision,
                roles: &self.rights.roles,
                scope: &self.rights.scope,
                lifetime: authority.tokens.lifetime(),
                session_ends: session.ends_at(),
            },
            now,
        )?;
        let refresh = authority.keys.refresh().seal(session.id, 0, &session.salt);
        Ok((session.id, access, refresh.to_string()))
    }

    /// Everything for a route that this authority protects: the kit of a user who is logged in, and
    /// the tokens of those who are no more.
    pub(super) async fn cases(&mut self, kit: impl FnOnce(Kit) -> Kit) -> Result<Vec<Case>, Failure> {
        let authority = self.authority;
        let (ring, now) = (authority.tokens.ring(), authority.clock.now());
        let user = self.user().await?;
        let (_, good, refresh) = self.login(user).await?;
        let kit = kit(Kit::from_token(&good, now)?.with_ring(&ring)?);

        let mut cases = kit.good().chain(kit.bad()).collect::<Vec<_>>();
        let mut refused = |row, rule, what: &str, token: &str| {
            let authorization = vec![format!("Bearer {token}")];
            let answer = Answer::InvalidToken;
            cases.push(Case { what: what.into(), row, rule, answer, authorization, query: None });
        };
        refused("A22", "RFC 9068 §2.1", "the session's refresh token", &refresh);

        let (session, ended, _) = self.login(user).await?;
        authority.revocations.session(session).await?;
        refused("V04", "RFC 7009 §2.1", "a token whose session has ended", &ended);

        let other = self.user().await?;
        let (_, of_all, _) = self.login(other).await?;
        authority.revocations.user(other).await?;
        refused("R11", "NIST 800-63B", "a token of a user whose sessions have all ended", &of_all);

        let (_, of_disabled, _) = self.login(other).await?;
        authority.accounts().set_disabled(other, true).await?;
        refused("R09", "RFC 9068 §5", "a token of a user who is disabled", &of_disabled);

        let gone = self.user().await?;
        let (_, of_deleted, _) = self.login(gone).await?;
        authority.accounts().delete(gone).await?;
        refused("C11", "RFC 9068 §4", "a token of a user who was deleted", &of_deleted);

        let again = kit.cases().last();
        cases.extend(again);
        Ok(cases)
    }

    /// Removes the accounts, and with them all that they were let into.
    pub(super) async fn leave(self) -> Result<(), Failure> {
        for id in self.users {
            if self.authority.stores.users.by_id(id).await?.is_some() {
                self.authority.accounts().delete(id).await?;
            }
        }
        Ok(())
    }
}

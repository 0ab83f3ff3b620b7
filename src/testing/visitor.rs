//! Somebody who calls a protected route: an account made for the purpose, and removed again.

use super::{
    Answer, Case, Kit,
    bad::{Row, of},
};
use crate::{
    audit::Actor,
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
    leaving: Vec<Leaving>,
    kit: Option<Kit>,
}

/// Somebody who is logged in, and how that will end.
struct Leaving {
    end: End,
    user: UserId,
    session: SessionId,
    token: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Session,
    Token,
    AllSessions,
    Roles,
    Disabled,
    Deleted,
}

impl End {
    /// What happens, and the row and the rule by which the token is refused then.
    fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Session => ("its session has ended", "V04", "RFC 7009 §2.1"),
            Self::Token => ("it was revoked alone", "V01", "RFC 7009 §2.1"),
            Self::AllSessions => ("all sessions of its user have ended", "R11", "RFC 9700 §4.14"),
            Self::Roles => ("its user has lost the roles", "R10", "RFC 9700 §4.14"),
            Self::Disabled => ("its user was disabled", "R09", "RFC 6749 §6"),
            Self::Deleted => ("its user was deleted", "C11", "RFC 9068 §4"),
        }
    }
}

impl<'a> Visitors<'a> {
    pub(super) fn new(authority: &'a Authority, rights: &'a Rights) -> Self {
        Self { authority, rights, users: vec![], leaving: vec![], kit: None }
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

    /// Everything for a route that this authority protects, while all are logged in: the kit of one, and
    /// the tokens of those who will not be for long, as controls.
    pub(super) async fn present(&mut self, kit: impl FnOnce(Kit) -> Kit) -> Result<Vec<Case>, Failure> {
        let authority = self.authority;
        let (ring, now) = (authority.tokens.ring(), authority.clock.now());
        let user = self.user().await?;
        let (_, good, refresh) = self.login(user).await?;
        let kit = kit(Kit::from_token(&good, now)?.with_ring(&ring)?);
        for end in [End::Session, End::Token, End::AllSessions, End::Roles, End::Disabled, End::Deleted] {
            // Roles that nobody has cannot be taken away.
            if end == End::Roles && self.rights.roles.is_empty() {
                continue;
            }
            let user = self.user().await?;
            let (session, token, _) = self.login(user).await?;
            self.leaving.push(Leaving { end, user, session, token });
        }
        let controls = self.leaving.iter().map(|leaving| {
            let (what, _, rule) = leaving.end.told();
            of(format!("a good token, before {what}"), Row("", rule, Answer::Accepted), &leaving.token)
        });
        let row = Row("A22", "RFC 9068 §2.1", Answer::InvalidToken);
        let refresh = of("the session's own refresh token".into(), row, &refresh);
        let cases = kit.good().chain(controls).chain(kit.bad()).chain([refresh]).collect();
        self.kit = Some(kit);
        Ok(cases)
    }

    /// Then all but the one have gone, and their tokens with them.
    pub(super) async fn gone(&mut self) -> Result<Vec<Case>, Failure> {
        let (accounts, revocations) = (self.authority.accounts(Actor::Server), &self.authority.revocations);
        let mut cases = vec![];
        for Leaving { end, user, session, token } in std::mem::take(&mut self.leaving) {
            match end {
                End::Session => drop(revocations.session(session).await?),
                End::Token => {
                    let claims = self.authority.verify(token.as_bytes()).await?;
                    revocations.token(claims.token_id().parse()?).await?;
                }
                End::AllSessions => drop(revocations.user(user).await?),
                End::Roles => accounts.set_roles(user, &BTreeSet::new()).await?,
                End::Disabled => accounts.set_disabled(user, true).await?,
                End::Deleted => accounts.delete(user).await?,
            }
            let (what, row, rule) = end.told();
            cases.push(of(
                format!("the same token, after {what}"),
                Row(row, rule, Answer::InvalidToken),
                &token,
            ));
        }
        cases.extend(self.kit.iter().filter_map(|kit| kit.cases().last()));
        Ok(cases)
    }

    /// Removes the accounts, and with them all that they were let into.
    pub(super) async fn leave(self) -> Result<(), Failure> {
        for id in self.users {
            if self.authority.stores.users.by_id(id).await?.is_some() {
                self.authority.accounts(Actor::Server).delete(id).await?;
            }
        }
        Ok(())
    }
}

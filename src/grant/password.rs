//! `grant_type=password` (RFC 6749 §4.3), for the app's own front end.

use super::{Authority, GrantError, TokenRequest, Tokens};
use crate::{
    jwt::Issuance,
    password::{Password, Verdict},
    scope::Scope,
    session::SessionId,
    store::User,
    user::Username,
};
use zeroize::Zeroizing;

impl Authority {
    pub(super) async fn password(
        &self,
        request: TokenRequest,
        client: &'static str,
    ) -> Result<Tokens, GrantError> {
        let missing = GrantError::InvalidRequest("The parameters username and password are needed");
        let (Some(username), Some(password)) = (request.username, request.password) else {
            return Err(missing);
        };
        let password = Zeroizing::new(password);
        let scope = self.grantable(request.scope.as_deref())?;
        let user = self.login(&username, &password).await?;

        let now = self.clock.now();
        let session = SessionId::random()?.to_string();
        let issuance = Issuance {
            subject: user.id,
            client_id: client,
            session_id: &session,
            roles: &user.roles,
            scope: &scope,
        };
        let access_token = self.tokens.issue(&issuance, now)?;
        Ok(Tokens { access_token, expires_in: self.tokens.lifetime(), scope })
    }

    /// RFC 6749 §3.3: what was asked for, as far as it can be granted.
    fn grantable(&self, asked: Option<&str>) -> Result<Scope, GrantError> {
        let Some(asked) = asked else { return Ok(Scope::default()) };
        let asked: Scope = asked.parse().map_err(|_| GrantError::InvalidScope)?;
        let granted = asked.intersection(&self.scopes);
        if granted.is_empty() { Err(GrantError::InvalidScope) } else { Ok(granted) }
    }

    /// Who this is. Whatever is wrong, the answer is the same, and it takes the work of one hash
    /// unless the password could not be anybody's.
    async fn login(&self, username: &str, password: &str) -> Result<User, GrantError> {
        let password = Password::parse(password).map_err(|_| GrantError::InvalidGrant)?;
        let user = match username.parse::<Username>() {
            Ok(username) => self.users.by_username(&username).await?,
            Err(_) => None,
        };
        let stored = user.as_ref().map(|user| user.password.clone());
        let verdict = self.hasher.verify(password.clone(), stored).await?;
        let Some(user) = user else { return Err(GrantError::InvalidGrant) };
        match verdict {
            Verdict::Match | Verdict::MatchOutdated if user.disabled => Err(GrantError::InvalidGrant),
            Verdict::Match => Ok(user),
            Verdict::MatchOutdated => {
                self.rehash(&user, password).await;
                Ok(user)
            }
            Verdict::Mismatch => Err(GrantError::InvalidGrant),
            Verdict::Unusable => {
                tracing::error!(user = %user.id, "the stored password hash is unusable; set a new password");
                Err(GrantError::InvalidGrant)
            }
        }
    }

    /// Replaces an outdated hash, unless somebody else has changed it meanwhile. The login is
    /// right without it, so a failure is only noted; the next login tries again.
    async fn rehash(&self, user: &User, password: Password) {
        let replaced = async {
            let new = self.hasher.hash(password).await?;
            self.users.replace_password(user.id, &user.password, &new).await?;
            Ok::<_, GrantError>(())
        };
        if let Err(error) = replaced.await {
            tracing::warn!(user = %user.id, %error, "an outdated password hash could not be replaced");
        }
    }
}

//! Guesses at passwords and secrets, within limits.

use super::{Authority, GrantError, TokenRequest, password::refused};
use crate::{
    account::AccountError,
    audit::{Actor, Event},
    password::{Password, Requester},
    refresh_token::RefreshToken,
    store::User,
    throttle::{DeviceId, Guesser, Outcome, ThrottleError},
    user::{UserId, Username},
};
use std::{net::IpAddr, time::Duration};
use thiserror::Error;

/// What a browser is given that has logged in, to be known by when it does so again.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// To be presented with the next login to the same account.
    pub token: String,
    /// How long it is good for, from now.
    pub expires_in: Duration,
}

/// What a login brings along that says who might be guessing.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'c> {
    pub(super) address: Option<IpAddr>,
    /// From the cookie.
    pub(super) device: Option<&'c str>,
    /// A session of the same user that is live, from clients that keep no cookies.
    pub(super) refresh_token: Option<&'c str>,
}

/// Why a user could not change their password.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// Too many have been wrong, or they could not be counted.
    #[error(transparent)]
    Throttle(#[from] ThrottleError),
    /// The password is wrong, or the account could not be changed.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl Authority {
    /// A login that may be refused before anybody looks at the password.
    pub(super) async fn guess(
        &self,
        username: &str,
        password: &str,
        from: Circumstances<'_>,
        event: &mut Event,
    ) -> Result<(User, u64), GrantError> {
        event.name = username.parse::<Username>().ok().map(|name| name.to_string());
        let Ok(password) = Password::presented(password) else {
            self.throttle.impossible_login(from.address).await?;
            return Err(refused(event, "impossible_password"));
        };
        let device = self.known(username, from).await?;
        let guesser = Guesser { username, address: from.address, device };
        let guess = self.throttle.login(guesser).await?;
        let answer = self.login(username, password, from.address, event).await;
        let outcome = match &answer {
            Ok(_) => Outcome::Right,
            Err(GrantError::InvalidGrant) => Outcome::Wrong,
            Err(_) => Outcome::Unknown,
        };
        self.throttle.end(guess, outcome).await;
        answer
    }

    /// The device from which somebody has logged in to this account before. What is forged, expired,
    /// another account's or no such thing at all is no error: then it is not known.
    async fn known(&self, username: &str, from: Circumstances<'_>) -> Result<Option<DeviceId>, GrantError> {
        let Ok(name) = username.parse::<Username>() else { return Ok(None) };
        if !self.throttle.is_limited() {
            return Ok(None);
        }
        let (now, life) = (self.clock.now(), self.throttle.known_device());
        if let Some(device) = from.device
            && let Some(known) = self.throttle.devices().open(device, &name, now, life)
        {
            return Ok(Some(known));
        }
        let Some(Ok(token)) = from.refresh_token.map(str::parse::<RefreshToken>) else { return Ok(None) };
        let Some((session, _)) = self.stores.sessions.find(token.session(), now).await? else {
            return Ok(None);
        };
        // Only the current one: others may have a copy of those from before.
        let is_current = session.generation == token.generation();
        if !is_current || !self.keys.refresh().sealed(&token, &session.salt) {
            return Ok(None);
        }
        let user = self.stores.users.by_id(session.user).await?;
        Ok(user.filter(|user| user.username == name).map(|_| session.id.into()))
    }

    /// What to give to a browser that has just logged in.
    pub(super) fn introduce(&self, user: &User) -> Result<Option<KnownDevice>, GrantError> {
        let expires_in = self.throttle.known_device();
        if expires_in.is_zero() {
            return Ok(None);
        }
        let token = self.throttle.devices().seal(DeviceId::random()?, &user.username, self.clock.now());
        Ok(Some(KnownDevice { token, expires_in }))
    }

    /// Notes that a client could not prove who it is, which many at one address had better not.
    pub(super) async fn noted(
        &self,
        error: GrantError,
        request: &TokenRequest,
        from: Option<IpAddr>,
    ) -> GrantError {
        if !matches!(error, GrantError::InvalidClient) || !request.client.proves() {
            return error;
        }
        match self.throttle.client_failed(from).await {
            Err(ThrottleError::TooMany(too_many)) => too_many.into(),
            // Nobody is let in by this, so what cannot be counted is refused all the same.
            _ => error,
        }
    }

    /// Gives a user another password who knows the present one, and ends all their sessions.
    ///
    /// # Errors
    /// When the present one is another, too many were, or a store does not answer.
    pub async fn change_password(
        &self,
        id: UserId,
        username: &Username,
        address: Option<IpAddr>,
        present: Password,
        new: Password,
    ) -> Result<(), ChangeError> {
        let guess = self.throttle.present_password(username).await?;
        let accounts = self.accounts(Actor::Themselves).for_requester(requester(Some(username), address));
        let answer = accounts.change_password(id, present, new).await;
        let outcome = match &answer {
            Ok(()) | Err(AccountError::NotRevoked(_)) => Outcome::Right,
            Err(AccountError::WrongPassword) => Outcome::Wrong,
            Err(_) => Outcome::Unknown,
        };
        self.throttle.end(guess, outcome).await;
        Ok(answer?)
    }
}

/// Whom a hash is computed for: the account that was named, be there one or not, and the addresses that one
/// customer of a provider has. Those of an unknown address count together.
pub(super) fn requester(name: Option<&Username>, address: Option<IpAddr>) -> Requester {
    let requester = Requester::new();
    let requester = match name {
        Some(name) => requester.account(name.as_str().as_bytes()),
        None => requester,
    };
    match address.map(|address| address.to_canonical()) {
        None => requester.block(&[]),
        Some(IpAddr::V4(four)) => requester.block(&four.octets()),
        Some(IpAddr::V6(six)) => requester.block(&six.octets()[..8]).network(&six.octets()[..6]),
    }
}

//! What a verifier is told before it starts.

use super::{
    Shared, Verifier,
    feed::{self, Feed},
    keys::Keys,
    source::Source,
};
use crate::{
    clock::{Clock, SystemClock},
    jwt::{Expected, MAX_LEEWAY, MAX_LIFETIME, Profile, ROLES_AT, Rules},
};
use reqwest::Url;
use std::{error::Error, net::IpAddr, ops::RangeInclusive, sync::Arc, time::Duration};
use thiserror::Error;
use zeroize::Zeroizing;

/// Makes a [`Verifier`]. What is not said has the default that stands at its method.
pub struct Builder {
    jwks_url: String,
    allow_http: bool,
    profile: Profile,
    roles_at: Option<String>,
    rules: Rules,
    refresh_every: Duration,
    cool_down: Duration,
    deadline: Duration,
    revocations: Option<(String, Zeroizing<String>)>,
    max_staleness: Duration,
    clock: Arc<dyn Clock>,
}

/// Why there is no verifier.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Something is missing or out of range.
    #[error("{setting}: {problem}")]
    Setting {
        /// The name of the builder's method, or `jwks_url`.
        setting: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// The client for HTTPS could not be made; most often the system has no trusted authorities.
    #[error("no client for HTTPS could be made")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

impl Builder {
    pub(super) fn new(jwks_url: &str) -> Self {
        Self {
            jwks_url: jwks_url.into(),
            allow_http: false,
            profile: Profile::default(),
            roles_at: None,
            rules: Rules {
                issuer: String::new(),
                audience: String::new(),
                leeway: Duration::from_secs(5),
                max_lifetime: MAX_LIFETIME,
            },
            refresh_every: Duration::from_secs(300),
            cool_down: Duration::from_secs(10),
            deadline: Duration::from_secs(2),
            revocations: None,
            max_staleness: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
        }
    }

    /// `iss`, byte for byte. There is no default.
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.rules.issuer = issuer.into();
        self
    }

    /// What has to stand in `aud`, byte for byte: this API's own name. There is no default.
    pub fn audience(mut self, audience: &str) -> Self {
        self.rules.audience = audience.into();
        self
    }

    /// Whose tokens they are; [`Profile::Countersign`] by default.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Where another issuer's tokens have their roles, an array of texts: a JSON pointer
    /// (RFC 6901), such as `/realm_access/roles` for Keycloak. `/roles` by default; needs
    /// [`Profile::Any`].
    pub fn roles_at(mut self, pointer: &str) -> Self {
        self.roles_at = Some(pointer.into());
        self
    }

    /// How far clocks may be apart: up to a minute, in whole seconds; 5 s by default.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// The longest time from `iat` to `exp`, in whole seconds; a day by default, which is also the
    /// most for [`Profile::Countersign`].
    pub fn max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.rules.max_lifetime = max_lifetime;
        self
    }

    /// How often the keys are fetched where the issuer's answer has no `Cache-Control: max-age`
    /// (which counts from 10 s to an hour): from a second to a day; 300 s by default.
    pub fn refresh_every(mut self, period: Duration) -> Self {
        self.refresh_every = period;
        self
    }

    /// For how long tokens with unknown keys are refused without asking the issuer, once it was
    /// asked for one; and how soon it is asked again when it failed. From a second to an hour;
    /// 10 s by default.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// How long a fetch may take, from connecting to the last byte; also how long a token with an
    /// unknown key can have to wait. From 50 ms to 30 s; 2 s by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Follows what a Countersign has revoked, so that it is refused here too within a second:
    /// the URL of its `/revocations`, and the secret of its `REVOCATION__FEED_SECRET`. Without it
    /// a token is good until it expires. Needs [`Profile::Countersign`].
    pub fn revocations(mut self, url: &str, secret: &str) -> Self {
        self.revocations = Some((url.into(), Zeroizing::new(secret.into())));
        self
    }

    /// How long tokens are taken without word of what was revoked; then they are refused with 503.
    /// From a second to a day; 30 s by default.
    pub fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.max_staleness = max_staleness;
        self
    }

    /// Allows plain `http` to another machine. Whoever is on the way there can put keys of their
    /// own in place of the issuer's, and so make any token.
    pub fn allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Takes the time from `clock` instead of the operating system, for `exp`, `iat` and `nbf`.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks it all. Nothing is fetched yet.
    pub fn build(self) -> Result<Verifier, BuildError> {
        let url = self.url("jwks_url", &self.jwks_url)?;
        let needed = "must be set, and not be empty";
        check(!self.rules.issuer.is_empty(), "issuer", needed)?;
        check(!self.rules.audience.is_empty(), "audience", needed)?;
        check(self.rules.leeway <= MAX_LEEWAY, "leeway", "must be at most a minute")?;
        let longest = if self.profile == Profile::Any { Duration::MAX } else { MAX_LIFETIME };
        let lifetimes = "must be at least a second and, for Countersign's tokens, at most a day";
        check((SECOND..=longest).contains(&self.rules.max_lifetime), "max_lifetime", lifetimes)?;
        within(SECOND..=24 * HOUR, self.refresh_every, "refresh_every", "must be from a second to a day")?;
        within(SECOND..=HOUR, self.cool_down, "cool_down", "must be from a second to an hour")?;
        within(SECOND / 20..=30 * SECOND, self.deadline, "deadline", "must be from 50 ms to 30 s")?;
        let theirs = self.roles_at.is_none() || self.profile == Profile::Any;
        check(theirs, "roles_at", "needs Profile::Any; Countersign's tokens have their roles at /roles")?;
        let roles_at = self.roles_at.clone().unwrap_or_else(|| ROLES_AT.into());
        check(is_pointer(&roles_at), "roles_at", "must be a JSON pointer, such as /realm_access/roles")?;

        let staleness = "must be from a second to a day";
        within(SECOND..=24 * HOUR, self.max_staleness, "max_staleness", staleness)?;

        let source = |url| Source::new(url, self.deadline).map_err(|error| BuildError::Client(error.into()));
        let feed = match &self.revocations {
            Some((url, secret)) => {
                let url = self.url("revocations", url)?;
                let bare = "must be the URL of /revocations, without a query";
                check(feed::is_bare(&url), "revocations", bare)?;
                check(!secret.is_empty(), "revocations", "needs the secret of the issuer's feed")?;
                let visible = secret.bytes().all(|byte| byte.is_ascii_graphic());
                check(
                    visible,
                    "revocations",
                    "needs a secret of visible ASCII characters, to be sent as one",
                )?;
                let ours = "needs Profile::Countersign; other issuers tell of no revocations";
                check(self.profile == Profile::Countersign, "revocations", ours)?;
                let token_life = self.rules.max_lifetime + self.rules.leeway;
                let (secret, clock) = (secret.clone(), self.clock.clone());
                Some(Feed::new(source(url)?, secret, clock, token_life, self.max_staleness))
            }
            None => None,
        };
        let keys = Keys::new(source(url)?, self.refresh_every, self.cool_down);
        let expected = Expected { rules: self.rules, profile: self.profile, roles_at };
        Ok(Verifier(Arc::new(Shared { expected, keys, feed, clock: self.clock })))
    }

    fn url(&self, setting: &'static str, text: &str) -> Result<Url, BuildError> {
        let wrong = |problem| BuildError::Setting { setting, problem };
        let url = Url::parse(text).map_err(|_| wrong("must be a URL, such as https://…"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold a user name or a password"));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.allow_http || is_loopback(&url) => Ok(url),
            "http" => Err(wrong(
                "must be https: on the way to another machine somebody could put keys of their own in place \
                 of the issuer's, or read the feed's secret (allow_http() takes that risk)",
            )),
            _ => Err(wrong("must be https or http")),
        }
    }
}

fn check(holds: bool, setting: &'static str, problem: &'static str) -> Result<(), BuildError> {
    if holds { Ok(()) } else { Err(BuildError::Setting { setting, problem }) }
}

fn within(
    range: RangeInclusive<Duration>,
    duration: Duration,
    setting: &'static str,
    problem: &'static str,
) -> Result<(), BuildError> {
    check(range.contains(&duration), setting, problem)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    // RFC 6761 §6.3: the name and all below it are loopback.
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| {
        address.to_canonical().is_loopback()
    })
}

/// RFC 6901 §3: tokens behind a slash each, in which `~` stands only before 0 or 1.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && escapes
}

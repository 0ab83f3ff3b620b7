//! Hearing of what the issuer has revoked, so that it holds here too within a second.

use super::source::{FetchError, Source};
use crate::{
    clock::Clock,
    jwt::Claims,
    revocation::{Follower, Lag, Page},
    store::causes,
};
use reqwest::Url;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};
use zeroize::Zeroizing;

/// How long to wait before an issuer that failed is asked again.
const RETRY: Duration = Duration::from_millis(500);
/// How long there is between two questions at least.
const BREATH: Duration = Duration::from_millis(50);
/// The longest that the issuer is asked to hold an answer back.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often what has expired is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// The revocation feed of a Countersign (`GET /revocations`).
pub(super) struct Feed {
    source: Source,
    secret: Zeroizing<String>,
    follower: Follower,
    max_staleness: Duration,
    /// By which one knows whether the issuer has published other keys.
    keys: Mutex<Option<String>>,
}

impl Feed {
    pub(super) fn new(
        source: Source,
        secret: Zeroizing<String>,
        clock: Arc<dyn Clock>,
        token_life: Duration,
        max_staleness: Duration,
    ) -> Self {
        let follower = Follower::new(clock, token_life);
        Self { source, secret, follower, max_staleness, keys: Mutex::default() }
    }

    /// Whether the token of these claims was revoked, as far as has been heard.
    pub(super) fn denies(&self, claims: &Claims) -> bool {
        self.follower.denies(claims)
    }

    /// Whether there has been word of what was revoked, and not too long ago.
    pub(super) fn is_informed(&self) -> bool {
        self.follower.is_caught_up() && self.follower.staleness() <= self.max_staleness
    }

    /// How long the last revocations took to be heard of.
    pub(super) fn lag(&self) -> Option<Lag> {
        self.follower.lag()
    }

    /// How long there may be no word.
    pub(super) fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// Follows the feed for ever; calls `announce` with the name of the set of keys that the issuer
    /// has published. Failures are logged once, and tried again.
    pub(super) async fn follow(&self, announce: impl Fn(Option<&str>)) -> Infallible {
        let (mut failing, mut forgotten) = (false, Instant::now());
        loop {
            if forgotten.elapsed() >= FORGET_EVERY {
                forgotten = Instant::now();
                self.follower.forget();
            }
            let asked_at = Instant::now();
            // Whoever has no word needs one now, and not when there is something new.
            let wait = if failing || !self.is_informed() { Duration::ZERO } else { self.wait() };
            let page = self.ask(wait).await;
            match &page {
                Ok(_) if failing => tracing::info!("revocations are heard of again"),
                Err(error) if !failing => {
                    let (name, patience) = (self.source.name(), self.max_staleness.as_secs());
                    tracing::error!(
                        "revocations at {name} cannot be heard of; after {patience} s without word access \
                         tokens are refused (503): {}",
                        causes(error)
                    );
                }
                _ => {}
            }
            failing = page.is_err();
            match page {
                Ok(page) => {
                    announce(self.keys_of(&page).as_deref());
                    let has_more = self.follower.take(&page, asked_at);
                    if !has_more {
                        // Whatever the issuer answers, it is not asked more often than this.
                        sleep_until(asked_at + BREATH).await;
                    }
                }
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    /// So that several answers fit into the time after which silence counts.
    fn wait(&self) -> Duration {
        (self.max_staleness / 3).min(LONGEST_WAIT)
    }

    /// What is new; held back by the issuer until there is something, for as long as this.
    async fn ask(&self, wait: Duration) -> Result<Page, FetchError> {
        let body = self.source.revocations(&self.query(wait), &self.secret, wait).await?;
        serde_json::from_slice(&body).map_err(FetchError::Page)
    }

    fn query(&self, wait: Duration) -> String {
        let mut query = format!("from={}&epoch={}", self.follower.from(), self.follower.epoch());
        if let Some(keys) = &*self.keys.lock().unwrap_or_else(PoisonError::into_inner) {
            query.push_str(&format!("&keys={keys}"));
        }
        if wait.as_secs() > 0 {
            query.push_str(&format!("&wait={}", wait.as_secs()));
        }
        query
    }

    /// Which set of keys the issuer has published, to be sent along the next time.
    fn keys_of(&self, page: &Page) -> Option<String> {
        // What would not fit into a query as it stands is no tag of ours.
        let plain =
            |tag: &&String| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let tag = page.keys.as_ref().filter(plain).cloned();
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&tag);
        tag
    }
}

/// The feed's address, without what we add to it.
pub(super) fn is_bare(url: &Url) -> bool {
    url.query().is_none() && url.fragment().is_none()
}

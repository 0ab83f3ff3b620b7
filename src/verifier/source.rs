//! Fetching a key set: one GET, with a deadline and a cap.

use crate::jwt::{self, KeySet, KeySetError};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CACHE_CONTROL, HeaderMap},
    redirect,
};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;

/// The longest key set that is read.
const MAX_BODY: usize = 256 * 1024;
/// The longest page of revocations: 5,000 lines fit several times.
const MAX_PAGE: usize = 4 * 1024 * 1024;

/// Something that an issuer has for whoever verifies its tokens.
pub(super) struct Source {
    url: Url,
    client: Client,
    deadline: Duration,
}

/// What an issuer published.
pub(super) struct Published {
    pub(super) keys: KeySet,
    /// Why some of its keys are not among them.
    pub(super) passed_over: Vec<KeySetError>,
    /// For how long it may be kept (RFC 9111 §5.2.2.1).
    pub(super) max_age: Option<Duration>,
    /// By which a Countersign's feed names this very set.
    pub(super) tag: String,
}

#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("no whole answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("it cannot be reached")]
    Http(#[source] reqwest::Error),
    #[error("it answered with the status {0}")]
    Status(StatusCode),
    #[error("its answer is longer than {} KiB", .0 / 1024)]
    TooLong(usize),
    #[error("its answer cannot be used")]
    Keys(#[from] KeySetError),
    #[error("its answer is no page of revocations")]
    Page(#[source] serde_json::Error),
}

impl Source {
    pub(super) fn new(url: Url, deadline: Duration) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            // What the URL says is what is trusted: no detours.
            .redirect(redirect::Policy::none())
            .no_proxy()
            // By the next time, an idle connection may be half dead.
            .pool_max_idle_per_host(0)
            .connect_timeout(deadline)
            .build()?;
        Ok(Self { url, client, deadline })
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The URL for the log, without a query, which may hold a secret.
    pub(super) fn name(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }

    /// The keys that are published now.
    pub(super) async fn fetch(&self) -> Result<Published, FetchError> {
        timeout(self.deadline, self.get()).await.unwrap_or(Err(FetchError::Late(self.deadline)))
    }

    async fn get(&self) -> Result<Published, FetchError> {
        // What a cache in between has kept may be what was revoked since (RFC 9111 §5.2.1.4).
        let request = self.client.get(self.url.clone()).header(CACHE_CONTROL, "no-cache");
        let response = request.send().await?;
        let max_age = max_age(response.headers());
        let body = body(response, MAX_BODY).await?;
        let body = std::str::from_utf8(&body).map_err(|_| KeySetError::NotAJwkSet)?;
        let (keys, passed_over) = KeySet::published(body)?;
        Ok(Published { keys, passed_over, max_age, tag: jwt::tag(body) })
    }

    /// A page of revocations, which the issuer may hold back for `wait`.
    pub(super) async fn revocations(
        &self,
        query: &str,
        secret: &str,
        wait: Duration,
    ) -> Result<Vec<u8>, FetchError> {
        let mut url = self.url.clone();
        url.set_query(Some(query));
        let patience = self.deadline + wait;
        let get = async {
            let response = self.client.get(url).bearer_auth(secret).send().await?;
            body(response, MAX_PAGE).await
        };
        timeout(patience, get).await.unwrap_or(Err(FetchError::Late(patience)))
    }
}

/// The body of a good answer.
async fn body(mut response: Response, longest: usize) -> Result<Vec<u8>, FetchError> {
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > longest {
            return Err(FetchError::TooLong(longest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let named = name.trim().eq_ignore_ascii_case("max-age");
        // RFC 9111 §5.2: a quoted number is to be understood too.
        let seconds = seconds.trim().trim_matches('"').parse().ok();
        seconds.filter(|_| named).map(Duration::from_secs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_among_other_directives_and_in_every_spelling() {
        for (lines, seconds) in [
            (&["max-age=300"][..], Some(300)),
            (&["public, max-age=15, stale-while-revalidate=600"], Some(15)),
            (&["no-transform", "Max-Age=\"7\""], Some(7)),
            (&["s-maxage=9,max-age = 8"], Some(8)),
            (&["no-cache"], None),
            (&["max-age"], None),
            (&["max-age=soon"], None),
            (&["max-age=-1"], None),
            (&["s-maxage=9"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CACHE_CONTROL, line.parse().expect("a value"));
            }
            assert_eq!(max_age(&headers), seconds.map(Duration::from_secs), "{lines:?}");
        }
    }
}

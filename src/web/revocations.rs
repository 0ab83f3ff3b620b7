//! `GET /revocations`: what was revoked, page by page, for resource servers that verify our
//! tokens and have no store to follow.

use super::{
    answer::{Private, Problem, unavailable},
    bearer, catcher,
    guard::Rejection,
    openapi::{Refusal, Refuses, RevocationsAnswer, Stores, refusals, tag},
};
use crate::{grant::Authority, jwt, revocation::Page};
use rocket::{
    Request, Shutdown, State, async_trait, get,
    http::{Status, uri::Origin},
    request::{FromRequest, Outcome},
    tokio::{select, sync::Semaphore, time::sleep},
};
use std::time::Duration;

/// The greatest number that every JSON library reads exactly (RFC 8259 §6).
const MAX_NUMBER: u64 = (1 << 53) - 1;
/// The longest that an answer is held back, in seconds.
const MAX_WAIT: u64 = 30;
/// How many answers are held back at a time: each has a connection of its own.
const MAX_WAITING: usize = 500;

const BAD_FROM: &str = "from must be a whole number from 0 to 9007199254740991, and stand once";
const BAD_EPOCH: &str = "epoch must be a whole number from 0 to 9007199254740991, and stand once";
const BAD_KEYS: &str = "keys must stand once";
const BAD_WAIT: &str = "wait must be a whole number of seconds from 0 to 30, and stand once";

/// Whoever presents the feed's secret as a bearer token (RFC 6750 §2.1).
pub(super) struct KnowsSecret;

#[async_trait]
impl<'r> FromRequest<'r> for KnowsSecret {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let authority = request.rocket().state::<Authority>();
        let secret = authority.and_then(|authority| authority.revocation.feed_secret.as_ref());
        match bearer::presented(request) {
            Ok(text) if secret.is_some_and(|secret| secret.matches(text.as_bytes())) => {
                Outcome::Success(Self)
            }
            Ok(_) => Rejection::FeedSecret.outcome(request),
            Err(rejection) => rejection.outcome(request),
        }
    }
}

/// Room for the answers that are held back.
pub(super) struct Waiting(Semaphore);

impl Default for Waiting {
    fn default() -> Self {
        Self(Semaphore::new(MAX_WAITING))
    }
}

refusals! {
    /// Whoever does not know the secret, or asks for what cannot be.
    pub(super) NotFollowed => {
        let mut all = Refusal::requests([BAD_FROM, BAD_EPOCH, BAD_KEYS, BAD_WAIT]);
        all.extend([Rejection::Ambiguous, Rejection::NoCredentials, Rejection::FeedSecret].map(Refusal::from));
        all
    };
}

/// The revocations at and behind `from`. If there is nothing new to who has read up to there, in
/// this `epoch` and with these `keys` if they are given, the answer is held back for up to `wait`
/// seconds until there is.
#[utoipa::path(
    operation_id = "revocations",
    tag = tag::OTHERS,
    summary = "Follow what is revoked",
    description = "The list at and behind `from`, for resource servers that have no store to follow. Only where \
        the setting `REVOCATION__FEED_SECRET` is set. Whoever reads with `wait` until the end knows of every \
        revocation within a second.",
    params(
        ("from" = Option<u64>, Query, maximum = 9007199254740991i64, description = "The position of the last line that \
            is known; 0, or left out, is the beginning", example = 17),
        ("epoch" = Option<u64>, Query, maximum = 9007199254740991i64, description = "The `epoch` that is known"),
        ("keys" = Option<String>, Query, description = "The `keys` that are known"),
        ("wait" = Option<u64>, Query, maximum = 30, description = "For how many seconds the answer is held back \
            while there is nothing new", example = 30),
    ),
    responses(
        (
            status = 200,
            description = "A page of the list",
            body = RevocationsAnswer,
            example = json!({
                "from": 17, "epoch": 1764400000000u64, "read_at": 1764403600900u64, "more": false,
                "keys": "4f1c0a", "revocations": [{
                    "position": 18, "at": 1764403600, "written_at": 1764403600123u64,
                    "session": "pI0t3nMOsSVb3LJ4uGg_Zg",
                }],
            }),
        ),
        Refuses<(NotFollowed, Stores)>,
    ),
    security(("countersign.feed" = [])),
)]
#[get("/revocations")]
pub(super) async fn revocations(
    _follower: KnowsSecret,
    uri: &Origin<'_>,
    authority: &State<Authority>,
    waiting: &State<Waiting>,
    shutdown: Shutdown,
) -> Result<Private<Page>, Problem> {
    let from = number(uri, "from", MAX_NUMBER, BAD_FROM)?.unwrap_or(0);
    let epoch = number(uri, "epoch", MAX_NUMBER, BAD_EPOCH)?;
    let wait = number(uri, "wait", MAX_WAIT, BAD_WAIT)?.unwrap_or(0);
    let revocations = &authority.revocations;
    let known_keys = one(uri, "keys", BAD_KEYS)?;
    let page = async || -> Result<Page, Problem> {
        let page = revocations.page(from).await;
        let keys = Some(jwt::tag(&authority.keys.jwks()));
        Ok(Page { keys, ..page.map_err(unavailable("revocations could not be read"))? })
    };

    // Before the page is made, so that no change falls between the two.
    let mut keys_change = authority.keys.changes();
    let first = page().await?;
    let is_news = !first.is_quiet()
        || epoch.is_some_and(|epoch| epoch != first.list.epoch)
        || known_keys.is_some_and(|keys| Some(keys) != first.keys.as_deref());
    if is_news || wait == 0 {
        return Ok(Private(first));
    }
    let Ok(_room) = waiting.0.try_acquire() else {
        return Err(catcher::problem(Status::ServiceUnavailable));
    };
    select! {
        () = revocations.outdated(&first) => {}
        _ = keys_change.changed() => {}
        () = sleep(Duration::from_secs(wait)) => {}
        () = shutdown => return Ok(Private(first)),
    }
    // Not the page from before: that a store has failed since then must not look like silence.
    page().await.map(Private)
}

/// A parameter of the query, written in digits alone.
fn number(uri: &Origin<'_>, name: &str, max: u64, bad: &'static str) -> Result<Option<u64>, Problem> {
    let Some(text) = one(uri, name, bad)? else { return Ok(None) };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_plain && *number <= max);
    number.ok_or(refused(bad)).map(Some)
}

/// A parameter of the query, which may be there once.
fn one<'u>(uri: &'u Origin<'_>, name: &str, bad: &'static str) -> Result<Option<&'u str>, Problem> {
    let query = uri.query().into_iter().flat_map(|query| query.segments());
    let mut values = query.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { Err(refused(bad)) } else { Ok(first) }
}

fn refused(description: &'static str) -> Problem {
    Problem { status: Status::BadRequest, error: "invalid_request", description }
}

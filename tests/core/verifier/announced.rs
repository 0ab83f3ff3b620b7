//! Keys that the issuer's feed speaks of, before and after they can be had.

use super::{
    Key, NOW, UNKNOWN_KEY, builder, eventually,
    issuer::{Answer, Issuer},
    started, verdict,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::verifier::{Builder, VerifyError};
use rocket::{async_test, tokio::time::sleep};
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &str = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";
const SECOND: Duration = Duration::from_secs(1);

/// By which a feed names a set: the same as its `ETag`.
fn tag(jwks: &Value) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, jwks.to_string().as_bytes());
    BASE64.encode(&digest.as_ref()[..12])
}

/// A feed with nothing to tell but which keys there are.
fn feed(keys: &str) -> Value {
    json!({ "from": 0, "epoch": 1, "read_at": NOW * 1000, "more": false, "keys": keys, "revocations": [] })
}

fn following(issuer: &Issuer, feed: &Issuer) -> Builder {
    // Nothing but the feed makes it fetch.
    let hour = Duration::from_secs(3_600);
    builder(issuer).revocations(&feed.url(), SECRET).refresh_every(24 * hour).cool_down(hour)
}

#[async_test]
async fn keys_that_are_announced_are_fetched_until_they_are_had() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&old.jwks());
    let told = Issuer::publishing(&feed(&tag(&old.jwks())));
    let verifier = started(following(&issuer, &told)).await;
    eventually("word", async || verdict(&verifier, &old.token()).await == Ok(())).await;
    // One for the start, and one more if the word came before it was answered.
    let requests = issuer.requests();
    assert!(requests <= 2, "the set that is there is the one that is spoken of: {requests} requests");

    // Somebody in between, or another of its servers, has an older copy.
    told.publish(&feed(&tag(&new.jwks())));
    issuer.has_had(requests + 3).await;
    issuer.publish(&new.jwks());
    eventually("the new key", async || verdict(&verifier, &new.token()).await == Ok(())).await;
    assert_eq!(verdict(&verifier, &old.token()).await, Err(UNKNOWN_KEY));
    let requests = issuer.requests();
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(issuer.requests(), requests, "that is the end of it");
    assert!(issuer.heads().iter().all(|head| head.contains("cache-control: no-cache")), "past all caches");
}

#[async_test]
async fn keys_that_are_announced_and_cannot_be_had_are_no_word() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let stale = Answer::Body(old.jwks().to_string().into());
    for answer in [stale, Answer::status(500), Answer::Hangup] {
        let issuer = Issuer::publishing(&old.jwks());
        let told = Issuer::publishing(&feed(&tag(&old.jwks())));
        let verifier = started(following(&issuer, &told).max_staleness(2 * SECOND)).await;
        eventually("word", async || verdict(&verifier, &old.token()).await == Ok(())).await;
        told.publish(&feed(&tag(&new.jwks())));
        issuer.answer(answer);
        eventually("it shows", async || verdict(&verifier, &old.token()).await == Err(VerifyError::NoWord))
            .await;
        assert!(!verifier.is_ready());
        issuer.publish(&new.jwks());
        eventually("the new key", async || verdict(&verifier, &new.token()).await == Ok(())).await;
        assert_eq!(verdict(&verifier, &old.token()).await, Err(UNKNOWN_KEY));
    }
}

#[async_test]
async fn whoever_has_no_word_asks_for_one_that_is_not_held_back() {
    let key = Key::named("old");
    let issuer = Issuer::publishing(&key.jwks());
    let told = Issuer::publishing(&feed(&tag(&key.jwks())));
    let verifier = started(following(&issuer, &told)).await;
    eventually("word", async || verdict(&verifier, &key.token()).await == Ok(())).await;
    told.has_had(3).await;
    told.answer(Answer::status(503));
    told.has_had(told.requests() + 3).await;
    told.publish(&feed(&tag(&key.jwks())));
    told.has_had(told.requests() + 3).await;

    let waits: Vec<_> = told.heads().iter().map(|head| head.contains("&wait=10 ")).collect();
    assert!(!waits[0], "the first: {:?}", told.heads());
    let mut again = waits.iter().skip_while(|waits| !**waits).skip_while(|waits| **waits);
    assert!(again.clone().take_while(|waits| !**waits).count() >= 2, "while it fails: {waits:?}");
    assert!(again.any(|waits| *waits), "and no longer: {waits:?}");
}

#[async_test]
async fn an_issuer_that_answers_at_once_is_not_asked_without_a_pause() {
    let key = Key::named("old");
    let issuer = Issuer::publishing(&key.jwks());
    // None that could be sent along, so each answer is news.
    let told = Issuer::publishing(&feed("two words"));
    let verifier = started(following(&issuer, &told)).await;
    eventually("word", async || verdict(&verifier, &key.token()).await == Ok(())).await;
    let before = told.requests();
    sleep(2 * SECOND).await;
    let more = told.requests() - before;
    assert!((1..60).contains(&more), "{more} requests in two seconds");
}

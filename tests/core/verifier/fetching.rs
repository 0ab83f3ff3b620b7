//! When the issuer is asked for its keys, and what its answers do.

use super::{
    Key, LONG, UNKNOWN_KEY, builder, claims, eventually,
    issuer::{Answer, Issuer},
    log, started, verdict,
};
use countersign::{Verifier, jwt::JwtError, verifier::VerifyError};
use rocket::{async_test, tokio};
use serde_json::json;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Everything that is no key set, whoever sends it.
fn bad_answers() -> Vec<(&'static str, Answer)> {
    let body = |text: &str| Answer::Body(text.as_bytes().to_vec());
    let key = Key::named("old");
    let mut private = key.jwk();
    private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let oct = json!({ "kty": "oct", "kid": "old", "alg": "HS256", "k": "cThYdlpyM0x3MFRuQjZ5S2QySHNQZjlHak1jVTVlQTE" });
    let padded = format!("{}{}", key.jwks(), " ".repeat(256 * 1024));
    vec![
        ("no answer at all", Answer::Hangup),
        ("an error", Answer::status(500)),
        ("nothing there", Answer::status(404)),
        ("no content", Answer::status(204)),
        ("not modified", Answer::status(304)),
        ("an error with a good set", Answer::Status(500, String::new(), key.jwks().to_string())),
        ("a good set by somebody on the way", Answer::Status(203, String::new(), key.jwks().to_string())),
        ("no text", Answer::Body(vec![0xFF, 0xFE, b'{', b'}'])),
        ("an empty body", body("")),
        ("a page", body("<html>{\"keys\":[]}</html>")),
        ("an array", body(&json!([key.jwk()]).to_string())),
        ("an object without keys", body(&key.jwk().to_string())),
        ("keys that are no array", body(&json!({ "keys": key.jwk() }).to_string())),
        ("an empty set", body("{\"keys\":[]}")),
        ("a symmetric key only", body(&json!({ "keys": [oct] }).to_string())),
        ("a private key only", body(&json!({ "keys": [private] }).to_string())),
        ("a good set and too much behind it", body(&padded)),
        ("a good set cut off", body(&key.jwks().to_string()[..60])),
    ]
}

/// A verifier that asks for an unknown key at once, but then not again.
async fn asking_once(issuer: &Issuer) -> Verifier {
    started(builder(issuer).cool_down(LONG)).await
}

#[async_test]
async fn what_is_no_key_set_gives_no_keys() {
    for (what, answer) in bad_answers() {
        let issuer = Issuer::start(answer);
        let verifier = started(builder(&issuer)).await;
        assert!(issuer.requests() > 0 && !verifier.is_ready(), "{what}");
        assert_eq!(verdict(&verifier, &Key::named("old").token()).await, Err(VerifyError::NoKeys), "{what}");
    }
}

#[async_test]
async fn the_last_good_set_is_kept_whatever_the_issuer_answers_then() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    for (what, answer) in bad_answers() {
        let issuer = Issuer::publishing(&old.jwks());
        let verifier = asking_once(&issuer).await;
        issuer.answer(answer);
        // Nobody can say whether there is such a key, so it is not the token's fault.
        assert_eq!(verdict(&verifier, &new.token()).await, Err(VerifyError::NoKeys), "{what}");
        assert_eq!(verdict(&verifier, &new.token()).await, Err(VerifyError::NoKeys), "{what}");
        assert_eq!(verdict(&verifier, &old.token()).await, Ok(()), "{what}");
        assert_eq!(issuer.requests(), 2, "{what}: the cool-down holds after a failure too");
    }
}

#[async_test]
async fn an_issuer_that_is_down_at_the_start_is_found_when_it_is_up() {
    let old = Key::named("old");
    let issuer = Issuer::start(Answer::Hangup);
    let verifier = started(builder(&issuer)).await;
    assert_eq!(verdict(&verifier, &old.token()).await, Err(VerifyError::NoKeys));
    issuer.has_had(3).await;
    issuer.publish(&old.jwks());
    eventually("keys", async || verifier.is_ready()).await;
    assert_eq!(verdict(&verifier, &old.token()).await, Ok(()));

    let told = log::lines(&issuer.name());
    assert_eq!(told.len(), 2, "once when it is down and once when it is up: {told:#?}");
    assert!(told[0].contains("ERROR") && told[0].contains("cannot be had"), "{told:#?}");
    assert!(told[1].contains("INFO") && told[1].contains("can be had again"), "{told:#?}");
}

#[async_test]
async fn an_outage_is_told_once_and_keeps_the_keys() {
    let old = Key::named("old");
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = started(builder(&issuer).refresh_every(SECOND)).await;
    issuer.answer(Answer::status(500));
    issuer.has_had(issuer.requests() + 3).await;
    assert_eq!(verdict(&verifier, &old.token()).await, Ok(()));
    issuer.publish(&old.jwks());
    let about = format!("{}/jwks.json can be had again", issuer.name());
    eventually("it is well", async || !log::lines(&about).is_empty()).await;
    let told = log::lines(&issuer.name());
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("the last good ones are kept: it answered with the status 500"), "{told:#?}");
}

#[async_test]
async fn a_flood_of_unknown_keys_makes_one_request_and_good_tokens_go_on() {
    let old = Key::named("old");
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = asking_once(&issuer).await;
    let flood: Vec<_> = (0..200)
        .map(|n| {
            let (verifier, token) = (verifier.clone(), Key::named(&format!("random {n}")).token());
            tokio::spawn(async move { verdict(&verifier, &token).await })
        })
        .collect();
    for task in flood {
        assert_eq!(task.await.expect("no panic"), Err(UNKNOWN_KEY));
        assert_eq!(verdict(&verifier, &old.token()).await, Ok(()));
    }
    assert_eq!(issuer.requests(), 2, "one at the start, one for all of them");
}

#[async_test]
async fn tokens_that_are_bad_in_other_ways_make_no_request() {
    let old = Key::named("old");
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = asking_once(&issuer).await;
    let forged = old.token() + "AA";
    let nameless = Key::named("other").sign_under(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &claims());
    let carrying = json!({ "alg": "EdDSA", "kid": "new", "jku": issuer.url() });
    for token in ["", "a.b.c", &forged, &nameless, &old.sign_under(&carrying, &claims())] {
        assert!(matches!(verdict(&verifier, token).await, Err(VerifyError::Token(_))), "{token}");
    }
    assert_eq!(issuer.requests(), 1);
}

#[async_test]
async fn a_new_key_is_found_by_the_first_token_that_names_it() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = asking_once(&issuer).await;
    issuer.publish(&json!({ "keys": [old.jwk(), new.jwk()] }));
    assert_eq!(verdict(&verifier, &new.token()).await, Ok(()));
    assert_eq!(verdict(&verifier, &old.token()).await, Ok(()));
    assert_eq!(issuer.requests(), 2);
}

#[async_test]
async fn after_the_cool_down_the_issuer_is_asked_again() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = started(builder(&issuer).cool_down(SECOND)).await;
    assert_eq!(verdict(&verifier, &new.token()).await, Err(UNKNOWN_KEY));
    issuer.publish(&new.jwks());
    eventually("the new key", async || verdict(&verifier, &new.token()).await.is_ok()).await;
    assert_eq!(issuer.requests(), 3);
}

#[async_test]
async fn who_names_a_new_key_meanwhile_waits_for_the_same_answer() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = started(builder(&issuer).cool_down(LONG)).await;
    issuer.answer(Answer::Held);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), new.token());
            tokio::spawn(async move { verdict(&verifier, &token).await })
        })
        .collect();
    issuer.has_had(2).await;
    // Known keys wait for nobody.
    assert_eq!(verdict(&verifier, &old.token()).await, Ok(()));
    assert!(waiting.iter().all(|task| !task.is_finished()), "the issuer has not answered yet");
    issuer.publish(&new.jwks());
    for task in waiting {
        assert_eq!(task.await.expect("no panic"), Ok(()));
    }
    assert_eq!(issuer.requests(), 2);
}

#[async_test]
async fn whoever_hangs_up_takes_no_request_along_and_starts_no_other() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = started(builder(&issuer).cool_down(LONG)).await;
    issuer.answer(Answer::Held);
    for _ in 0..20 {
        let (impatient, token) = (verifier.clone(), new.token());
        let task = tokio::spawn(async move { verdict(&impatient, &token).await });
        issuer.has_had(2).await;
        task.abort();
    }
    issuer.publish(&new.jwks());
    assert_eq!(verdict(&verifier, &new.token()).await, Ok(()));
    assert_eq!(issuer.requests(), 2);
}

#[async_test]
async fn an_answer_that_takes_too_long_or_has_no_end_is_given_up() {
    let old = Key::named("old");
    for (answer, why) in [
        (Answer::Held, "no whole answer within 300 ms"),
        (Answer::Drip, "no whole answer within 300 ms"),
        (Answer::Endless, "its answer is longer than 256 KiB"),
    ] {
        let deadline = if matches!(answer, Answer::Endless) { 30 * SECOND } else { SECOND * 3 / 10 };
        let issuer = Issuer::start(answer.clone());
        let verifier = started(builder(&issuer).deadline(deadline)).await;
        assert_eq!(verdict(&verifier, &old.token()).await, Err(VerifyError::NoKeys), "{answer:?}");
        let told = |line: &String| line.contains(why);
        eventually(why, async || log::lines(&issuer.name()).iter().any(told)).await;
    }
}

#[async_test]
async fn a_redirect_is_not_followed() {
    let old = Key::named("old");
    let elsewhere = Issuer::publishing(&old.jwks());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}\r\n", elsewhere.url());
        let issuer = Issuer::start(Answer::Status(status, location, old.jwks().to_string()));
        let verifier = started(builder(&issuer)).await;
        assert!(issuer.requests() > 0 && !verifier.is_ready(), "{status}");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[async_test]
async fn a_key_that_is_no_longer_published_is_refused_after_the_refresh() {
    let (old, new) = (Key::named("old"), Key::named("new"));
    let issuer = Issuer::publishing(&json!({ "keys": [old.jwk(), new.jwk()] }));
    let verifier = started(builder(&issuer).refresh_every(SECOND)).await;
    assert_eq!(verdict(&verifier, &old.token()).await, Ok(()));
    issuer.publish(&new.jwks());
    eventually("refused", async || verdict(&verifier, &old.token()).await == Err(UNKNOWN_KEY)).await;
    assert_eq!(verdict(&verifier, &new.token()).await, Ok(()));
}

#[async_test]
async fn a_second_follower_asks_only_when_the_first_is_gone() {
    let old = Key::named("old");
    let issuer = Issuer::publishing(&old.jwks());
    let verifier = builder(&issuer).build().expect("a verifier");
    let follow = |verifier: Verifier| tokio::spawn(async move { verifier.follow().await });
    let first = follow(verifier.clone());
    verifier.first_fetch().await;
    let second = follow(verifier.clone());
    tokio::task::yield_now().await;
    assert_eq!(issuer.requests(), 1);
    first.abort();
    issuer.has_had(2).await;
    second.abort();
}

/// A name says less than a key: the refusal is of the token by that key.
#[async_test]
async fn a_refusal_is_remembered_no_longer_than_the_keys_that_it_was_by() {
    let (first, second) = (Key::named("same"), Key::with_seed("same", "another"));
    let issuer = Issuer::publishing(&first.jwks());
    let verifier = started(builder(&issuer).refresh_every(SECOND)).await;
    let token = second.token();
    for _ in 0..2 {
        assert_eq!(verdict(&verifier, &token).await, Err(VerifyError::Token(JwtError::Signature)));
    }
    issuer.publish(&second.jwks());
    eventually("the other key", async || verdict(&verifier, &token).await.is_ok()).await;
}

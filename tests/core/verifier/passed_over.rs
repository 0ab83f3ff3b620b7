//! Keys of a set that are not used, though others of it are.

use super::{Key, UNKNOWN_KEY, builder, issuer::Issuer, log, started, verdict};
use rocket::async_test;
use serde_json::{Value, json};
use std::time::Duration;

/// A key that is like `good` but for these members; null takes one away.
fn like(good: &Key, members: Value) -> Value {
    let mut jwk = good.jwk();
    for (name, value) in members.as_object().expect("an object") {
        jwk[name] = value.clone();
    }
    let jwk = jwk.as_object_mut().expect("an object");
    jwk.retain(|_, value| !value.is_null());
    json!(jwk)
}

#[async_test]
async fn keys_that_cannot_be_used_are_passed_over_and_the_others_are_used() {
    let (good, bad) = (Key::named("good"), Key::named("bad"));
    for (what, unusable) in [
        ("for encryption", like(&bad, json!({ "use": "enc" }))),
        ("another algorithm", like(&bad, json!({ "alg": "HS256" }))),
        ("none at all", like(&bad, json!({ "alg": "none" }))),
        ("a curve not known", like(&bad, json!({ "crv": "Ed448" }))),
        ("a kind not known", like(&bad, json!({ "kty": "future" }))),
        ("no kind", like(&bad, json!({ "kty": null }))),
        ("too short", like(&bad, json!({ "x": "AAAA" }))),
        ("no point", like(&bad, json!({ "x": null }))),
        ("not base64url", like(&bad, json!({ "x": "*".repeat(43) }))),
        ("private", like(&bad, json!({ "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" }))),
        (
            "the public key of another as a secret",
            json!({ "kty": "oct", "kid": "bad", "k": good.jwk()["x"] }),
        ),
        ("a member of another type", like(&bad, json!({ "alg": 1 }))),
        ("no object", json!("bad")),
    ] {
        for keys in [json!([good.jwk(), unusable]), json!([unusable, good.jwk()])] {
            let issuer = Issuer::publishing(&json!({ "keys": keys }));
            let verifier = started(builder(&issuer)).await;
            assert_eq!(verdict(&verifier, &good.token()).await, Ok(()), "{what}");
            assert_eq!(verdict(&verifier, &bad.token()).await, Err(UNKNOWN_KEY), "{what}");
            let told = log::lines(&issuer.name());
            assert_eq!(told.len(), 1, "{what}: {told:#?}");
        }
    }
}

#[async_test]
async fn each_is_told_of_once_until_there_is_another() {
    let (good, bad) = (Key::named("good"), Key::named("bad"));
    let encrypting = like(&bad, json!({ "use": "enc" }));
    let issuer = Issuer::publishing(&json!({ "keys": [good.jwk(), encrypting] }));
    let verifier = started(builder(&issuer).refresh_every(Duration::from_secs(1))).await;
    issuer.has_had(3).await;
    assert_eq!(log::lines(&issuer.name()).len(), 1);
    issuer.publish(&json!({ "keys": [good.jwk(), encrypting, like(&bad, json!({ "kty": "future" }))] }));
    issuer.has_had(issuer.requests() + 3).await;
    let told = log::lines(&issuer.name());
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(verdict(&verifier, &good.token()).await, Ok(()));
}

#[async_test]
async fn a_thousand_of_them_do_not_flood_the_log() {
    let good = Key::named("good");
    let mut keys = vec![json!({ "kty": "future" }); 1_000];
    keys.push(good.jwk());
    let issuer = Issuer::publishing(&json!({ "keys": keys }));
    let verifier = started(builder(&issuer)).await;
    assert_eq!(verdict(&verifier, &good.token()).await, Ok(()));
    let told = log::lines(&issuer.name());
    assert_eq!(told.len(), 11, "{told:#?}");
    assert!(told[10].contains("990 more"), "{told:#?}");
}

//! The kit of bad tokens against a resource server, which has no users to log in.

use super::{AUDIENCE, ISSUER, NOW, guards::resource, issuer::Issuer};
use countersign::{
    clock::UnixTime,
    jwt::{Algorithm, KeyRing, Rules, SigningKey},
    testing::{Kit, Protected},
};
use rocket::{async_test, http::Method};
use std::time::Duration;

#[async_test]
async fn routes_that_a_verifier_guards_withstand_the_kit_of_their_issuer() {
    let key = || SigningKey::generate(Algorithm::EdDsa).expect("a key");
    let ring = KeyRing::fixed(key(), &[key()]).expect("a ring");
    let jwks = serde_json::from_str(&ring.jwks(UnixTime(NOW))).expect("JSON");
    let client = resource(&Issuer::publishing(&jwks)).await;
    let rules = Rules {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        leeway: Duration::ZERO,
        max_lifetime: Duration::from_secs(600),
    };
    let kit = Kit::from_ring(&ring, &rules, UnixTime(NOW)).expect("a kit");
    let route = Protected::new(Method::Get, "/claims").kit(kit.clone());
    route.assert_async(&client).await;
    assert!(route.report_async(&client).await.asked() > 400);
    // It wants more than the kit's good token has.
    let report = Protected::new(Method::Get, "/editor").kit(kit).report_async(&client).await;
    assert_eq!((report.asked(), report.wrong().len()), (1, 1), "{report}");
}

#[async_test]
#[should_panic(expected = "name a kit")]
async fn without_a_kit_there_is_nobody_to_call_them() {
    let client = resource(&Issuer::publishing(&serde_json::json!({ "keys": [] }))).await;
    Protected::new(Method::Get, "/claims").report_async(&client).await;
}

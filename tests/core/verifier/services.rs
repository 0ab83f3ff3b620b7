//! A client that calls in its own name, in a Rocket that issues nothing.

use super::{
    AUDIENCE, ISSUER, Key, NOW, builder,
    guards::{get_with, resource, resource_of},
    issuer::Issuer,
};
use countersign::jwt::Profile;
use rocket::async_test;
use serde_json::{Value, json};

/// What the token of a service says.
fn service() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "worker", "client_id": "worker", "jti": "j", "iat": NOW,
        "exp": NOW + 900, "rev": 0, "crev": 2, "roles": [], "scope": "read",
    })
}

#[async_test]
async fn a_service_passes_where_the_token_counts() {
    let key = Key::named("a");
    let issuer = Issuer::publishing(&key.jwks());
    let client = resource(&issuer).await;
    let token = key.sign("at+jwt", &service());
    for path in ["/claims", "/optional", "/result", "/read"] {
        let answer = get_with(&client, path, &token).await;
        assert_eq!((answer.status, &*answer.body), (200, "worker"), "{path}");
    }
    assert_eq!(get_with(&client, "/kind", &token).await.body, "service");
    assert_eq!(get_with(&client, "/kind", &key.token()).await.body, "person");
    for path in ["/editor", "/admin", "/read-editor", "/delete"] {
        assert_eq!(get_with(&client, path, &token).await.status, 403, "{path}");
    }
    for (name, value) in
        [("sid", json!("")), ("sid", Value::Null), ("sub", json!("ada")), ("crev", json!("2"))]
    {
        let mut claims = service();
        claims[name] = value;
        let token = key.sign("at+jwt", &claims);
        for path in ["/claims", "/read"] {
            assert_eq!(get_with(&client, path, &token).await.status, 401, "{path}: {claims}");
        }
    }
    assert_eq!(issuer.requests(), 1, "the keys, and nothing for a token");
}

#[async_test]
async fn a_service_of_any_issuer_is_the_client_that_its_token_is_about() {
    let key = Key::named("a");
    let issuer = Issuer::publishing(&key.jwks());
    let client = resource_of(builder(&issuer).profile(Profile::Any)).await;
    let claims = |subject: &str, client: Option<(&str, &str)>| {
        let mut claims =
            json!({ "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 900, "scope": "read" });
        claims["sub"] = json!(subject);
        if let Some((name, id)) = client {
            claims[name] = json!(id);
        }
        key.sign("JWT", &claims)
    };
    let kinds = [
        (claims("worker", Some(("azp", "worker"))), "service"),
        (claims("worker", Some(("client_id", "worker"))), "service"),
        (claims("worker", Some(("azp", "other"))), "person"),
        (claims("worker", None), "person"),
    ];
    for (token, kind) in kinds {
        assert_eq!(get_with(&client, "/read", &token).await.body, "worker", "{kind}");
        assert_eq!(get_with(&client, "/kind", &token).await.body, kind);
        assert_eq!(get_with(&client, "/delete", &token).await.status, 403, "{kind}");
    }
    assert_eq!(issuer.requests(), 1, "the keys, and nothing for a token");
}

//! `private_key_jwt` (RFC 7523): a client that proves who it is by a signature, over HTTP. What an
//! assertion has to say is tested below HTTP.

use super::{assert_invalid_client, register, service};
use crate::{
    backing::{Backing, on_every_store},
    http::{Reply, Request},
    key::Key,
    server::{Server, assert_token_error},
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

on_every_store![
    a_client_that_signs_gets_a_token_once_for_each_assertion,
    of_many_uses_of_one_assertion_at_once_one_counts,
];

const ISSUER: &str = "https://login.example.org";
const TYPE: (&str, &str) =
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
const OWN: (&str, &str) = ("grant_type", "client_credentials");

fn start(on: &Backing) -> Server {
    let server = on.start_with(&[super::SCOPES, ("COUNTERSIGN_ISSUER", ISSUER)]);
    server.user("ada", &[]);
    server
}

/// Registers a client with the public half of this key.
fn signer(server: &Server, id: &str, key: &Key, arguments: &[&str]) {
    let forms = key.public_forms("k");
    let (_, keys) = forms.iter().find(|(what, _)| what == "a JWK Set").expect("a JWK Set");
    std::fs::write(server.folder.path().join("jwks.json"), keys).expect("written");
    let none = register(server, id, &[&["--jwks", "jwks.json", "--scope", "items"], arguments].concat());
    assert_eq!(none, None, "it needs no secret");
}

fn claims(id: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let jti = countersign::user::UserId::random().to_string();
    json!({ "iss": id, "sub": id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti })
}

fn signed(key: &Key, claims: &Value) -> String {
    key.jws(json!({ "alg": key.alg }).to_string(), claims.to_string())
}

fn present(server: &Server, assertion: &str, more: &[(&str, &str)]) -> Reply {
    let form = [&[OWN, TYPE, ("client_assertion", assertion)], more].concat();
    server.send(Request::post("/token").form(&form))
}

// T09
fn a_client_that_signs_gets_a_token_once_for_each_assertion(on: &Backing) {
    let server = start(on);
    let (key, other) = (Key::es256(), Key::eddsa());
    signer(&server, "signer", key, &["--introspects"]);
    signer(&server, "stranger", other, &[]);
    let secret = service(&server, "worker", &[]);

    let assertion = signed(key, &claims("signer"));
    let first = present(&server, &assertion, &[]);
    assert_eq!(first.status, 200, "the client need not be named (RFC 7521 §4.2): {}", first.text());
    for more in [&[][..], &[("client_id", "signer")]] {
        assert_invalid_client(&present(&server, &assertion, more));
    }
    for aud in [json!(ISSUER), json!([ISSUER]), json!(format!("{ISSUER}/token"))] {
        let mut claims = claims("signer");
        claims["aud"] = aud;
        assert_eq!(present(&server, &signed(key, &claims), &[("client_id", "signer")]).status, 200);
    }

    // Each of these would be good but for one thing.
    let with = |name: &str, value: Value| {
        let mut claims = claims("signer");
        claims[name] = value;
        signed(key, &claims)
    };
    let good = || signed(key, &claims("signer"));
    for bad in [
        with("aud", json!([ISSUER, "https://other.example.org"])),
        with("aud", json!("https://other.example.org")),
        with("aud", json!(format!("{ISSUER}/revoke"))),
        with("iss", json!("stranger")),
        with("sub", json!("stranger")),
        with("exp", json!(1)),
        with("jti", Value::Null),
        signed(other, &claims("signer")),
        signed(key, &claims("stranger")),
        format!("{}x", good()),
        "x".into(),
    ] {
        assert_invalid_client(&present(&server, &bad, &[]));
        assert_invalid_client(&present(&server, &bad, &[("client_id", "signer")]));
    }
    assert_invalid_client(&present(&server, &good(), &[("client_id", "stranger")]));
    assert_invalid_client(&present(&server, &good(), &[("client_id", "nobody")]));
    // One way and no other: not with a secret besides, nor half of it, nor a client that has a secret.
    let refused = |form: &[(&str, &str)]| server.send(Request::post("/token").form(form));
    assert_token_error(&present(&server, &good(), &[("client_secret", &secret)]), "invalid_request");
    assert_token_error(&refused(&[OWN, ("client_assertion", &good())]), "invalid_request");
    assert_token_error(&refused(&[OWN, TYPE, ("client_id", "signer")]), "invalid_request");
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    assert_invalid_client(&refused(&[OWN, saml, ("client_assertion", &good())]));
    assert_invalid_client(&refused(&[OWN, ("client_id", "signer"), ("client_secret", "csc_x")]));
    assert_invalid_client(&refused(&[OWN, ("client_id", "signer")]));
    assert_invalid_client(&present(&server, &signed(key, &claims("worker")), &[]));
    let basic = Request::post("/token").form(&[OWN, TYPE, ("client_assertion", &good())]);
    let basic = basic.header("Authorization", super::basic("worker", &secret));
    assert_token_error(&server.send(basic), "invalid_request");

    // The other endpoints take it too, each by its own name or the token endpoint's.
    let token = crate::tokens::text(&first, "access_token");
    let by_token_endpoint = with("aud", json!(format!("{ISSUER}/token")));
    let form = [TYPE, ("client_assertion", &*by_token_endpoint), ("token", &*token)];
    assert_eq!(server.send(Request::post("/introspect").form(&form)).json()["active"], true);
    let about = |route: &str| {
        let assertion = with("aud", json!(format!("{ISSUER}{route}")));
        let form = [TYPE, ("client_assertion", &*assertion), ("token", &*token)];
        server.send(Request::post(route).form(&form))
    };
    assert_eq!(about("/introspect").json()["active"], true);
    assert_eq!(about("/revoke").status, 200);
    assert_eq!(about("/introspect").text(), r#"{"active":false}"#);
    server.is_well();

    // Its next keys, beside the present ones or instead.
    let forms = Key::rs256().public_forms("k");
    let (_, keys) = forms.iter().find(|(what, _)| what == "a JWK Set").expect("a JWK Set");
    std::fs::write(server.folder.path().join("next.json"), keys).expect("written");
    server.cli(&["client", "set", "signer", "--jwks", "next.json"], "");
    assert_invalid_client(&present(&server, &good(), &[]));
    assert_eq!(present(&server, &signed(Key::rs256(), &claims("signer")), &[]).status, 200);
    for client in ["worker", "nobody"] {
        assert!(!server.try_cli(&["client", "set", client, "--jwks", "next.json"]).status.success());
    }
    for bad in ["{}", r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, "x"] {
        std::fs::write(server.folder.path().join("next.json"), bad).expect("written");
        let output = server.try_cli(&["client", "set", "signer", "--jwks", "next.json"]);
        assert_eq!(output.status.code(), Some(2), "{bad}: {output:?}");
    }
    assert_eq!(present(&server, &signed(Key::rs256(), &claims("signer")), &[]).status, 200);
}

fn of_many_uses_of_one_assertion_at_once_one_counts(on: &Backing) {
    let server = start(on);
    let beside = on.start_beside(&server, &[super::SCOPES, ("COUNTERSIGN_ISSUER", ISSUER)]);
    let key = Key::eddsa();
    signer(&server, "signer", key, &[]);
    for _ in 0..5 {
        let assertion = signed(key, &claims("signer"));
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let use_it = |at: usize| if at.is_multiple_of(2) { &server } else { &beside };
            let assertion = &assertion;
            let uses: Vec<_> =
                (0..16).map(|at| scope.spawn(move || present(use_it(at), assertion, &[]).status)).collect();
            uses.into_iter().map(|one| one.join().expect("it ends")).collect()
        });
        let mut sorted = statuses.clone();
        sorted.sort_unstable();
        assert_eq!(sorted[..2], [200, 401], "one is taken and no other: {statuses:?}");
    }
}

#[test]
fn an_assertion_is_given_the_leeway_of_all_tokens() {
    let key = Key::eddsa();
    for (leeway, status) in [("0", 401), ("60", 200)] {
        let settings = [super::SCOPES, ("COUNTERSIGN_ISSUER", ISSUER), ("COUNTERSIGN_LEEWAY", leeway)];
        let server = Server::start_with(&settings);
        signer(&server, "signer", key, &[]);
        let mut claims = claims("signer");
        // It ended twenty seconds ago.
        for claim in ["iat", "exp"] {
            claims[claim] = (claims[claim].as_u64().expect("a time") - 80).into();
        }
        assert_eq!(present(&server, &signed(key, &claims), &[]).status, status, "leeway {leeway}");
    }
}

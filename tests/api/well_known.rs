//! What others are told of our keys and endpoints: all that they need, and nothing private.

use crate::{
    forge::Token,
    http::{Reply, Request},
    server::Server,
};
use serde_json::{Value, json};

const RING: [(&str, &str); 2] =
    [("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_KEYS__STORE", "file:keys.json")];

pub fn jwks(server: &Server) -> Reply {
    let reply = server.send(Request::get("/.well-known/jwks.json"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

pub fn published(server: &Server) -> Vec<Value> {
    jwks(server).json()["keys"].as_array().expect("keys").clone()
}

fn metadata(server: &Server, path: &str) -> Reply {
    server.send(Request::get(&format!("/.well-known/oauth-authorization-server{path}")))
}

// K01
#[test]
fn a_secret_is_never_published() {
    let server = Server::start();
    server.accepts(&server.login("ada"));
    assert_eq!(jwks(&server).json(), json!({ "keys": [] }));
}

// K01
#[test]
fn only_public_members_are_published_whatever_keys_there_are() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    for algorithm in ["ES256", "RS256", "HS256"] {
        server.cli(&["keys", "revoke", &signing(&server), "--keep-sessions"], "");
        // Emergency or not, the next key is announced and then signs.
        server.cli(&["keys", "rotate", "--algorithm", algorithm], "");
        let pending = list(&server).last().expect("a key")["kid"].as_str().expect("a kid").to_owned();
        server.cli(&["keys", "revoke", &signing(&server), "--keep-sessions"], "");
        assert_eq!(signing(&server), pending, "the successor takes over");
        let kids = || published(&server).iter().map(|key| key["kid"].clone()).collect::<Vec<_>>();
        within_a_second(|| Token::of(&server).header["kid"] == *pending);
        assert_eq!(kids().contains(&json!(pending)), algorithm != "HS256");
        for key in published(&server) {
            let mut members: Vec<_> = key.as_object().expect("a key").keys().map(String::as_str).collect();
            members.sort_unstable();
            let expected: &[&str] = match key["kty"].as_str() {
                Some("OKP") => &["alg", "crv", "kid", "kty", "use", "x"],
                Some("EC") => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                Some("RSA") => &["alg", "e", "kid", "kty", "n", "use"],
                other => panic!("{other:?} is published"),
            };
            assert_eq!(members, expected);
            assert_eq!(key["use"], "sig");
        }
    }
}

#[test]
fn the_keys_may_be_kept_and_asked_for_again_cheaply() {
    let server = Server::start_with(&[RING[0], RING[1], ("COUNTERSIGN_KEYS__MAX_AGE", "77")]);
    let reply = jwks(&server);
    assert_eq!(reply.header("cache-control"), Some("public, max-age=77"));
    let tag = reply.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let again =
        |known: &str| server.send(Request::get("/.well-known/jwks.json").header("If-None-Match", known));
    for known in [&tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
        let reply = again(known);
        assert_eq!((reply.status, &*reply.body), (304, &b""[..]), "{known}");
        assert_eq!(reply.header("etag"), Some(&*tag));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=77"));
    }
    for known in ["\"x\"", tag.trim_matches('"'), "", "W/"] {
        assert_eq!(again(known).status, 200, "{known}");
    }
    server.cli(&["keys", "rotate"], "");
    within_a_second(|| jwks(&server).header("etag") != Some(&*tag));
    assert_eq!(server.send(Request::new("HEAD", "/.well-known/jwks.json")).status, 200);
    let reply = server.send(Request::post("/.well-known/jwks.json").body("application/json", "{}"));
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn the_metadata_tells_what_there_is() {
    let issuer = ("COUNTERSIGN_ISSUER", "https://login.example.org/a");
    let server = Server::start_with(&[RING[0], RING[1], issuer, ("COUNTERSIGN_SCOPES", "read write")]);
    let all = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
    assert_eq!(
        metadata(&server, "/a").json(),
        json!({
            "issuer": "https://login.example.org/a",
            "token_endpoint": "https://login.example.org/a/token",
            "jwks_uri": "https://login.example.org/a/.well-known/jwks.json",
            "grant_types_supported": ["password", "refresh_token", "client_credentials"],
            "response_types_supported": [],
            "scopes_supported": [
                "countersign:account", "countersign:admin", "countersign:roles", "offline_access", "read", "write",
            ],
            "token_endpoint_auth_methods_supported": all,
            "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
            "revocation_endpoint": "https://login.example.org/a/revoke",
            "revocation_endpoint_auth_methods_supported": all,
            "revocation_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
            "introspection_endpoint": "https://login.example.org/a/introspect",
            "introspection_endpoint_auth_methods_supported": all[1..],
            "introspection_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
        })
    );
    assert_eq!(metadata(&server, "").status, 404);
    assert!(metadata(&server, "/a").header("cache-control").expect("caching").starts_with("public"));

    let server = Server::start_with(&[("COUNTERSIGN_ISSUER", "https://login.example.org")]);
    let told = metadata(&server, "").json();
    assert_eq!(told["jwks_uri"], Value::Null, "there is nothing to fetch for a secret");
    assert_eq!(told["token_endpoint"], "https://login.example.org/token");
}

#[test]
fn an_issuer_that_is_no_url_has_no_metadata() {
    for issuer in ["countersign", "https://a.example/<x>", "https://a.example/?b", "https://a.example//b"] {
        let server = Server::start_with(&[("COUNTERSIGN_ISSUER", issuer)]);
        assert_eq!(metadata(&server, "").status, 404, "{issuer}");
    }
}

/// What `keys list --json` shows.
pub fn list(server: &Server) -> Vec<Value> {
    serde_json::from_str(&server.cli(&["keys", "list", "--json"], "")).expect("JSON")
}

/// The name of the key that signs.
pub fn signing(server: &Server) -> String {
    let keys = list(server);
    let signing: Vec<_> = keys.iter().filter(|key| key["stage"] == "signing").collect();
    assert_eq!(signing.len(), 1, "{keys:?}");
    signing[0]["kid"].as_str().expect("a kid").to_owned()
}

/// Waits for what is promised to be so within a second; twice that, for a crowded machine.
#[track_caller]
pub fn within_a_second(holds: impl Fn() -> bool) {
    let held = (0..40).any(|_| {
        let held = holds();
        if !held {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        held
    });
    assert!(held, "it is not so in two seconds");
}

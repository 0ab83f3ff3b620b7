//! What a well-signed token claims is checked to the letter.

use crate::{
    forge::{Token, members, sign_text, sign_with, twice},
    http::{Reply, Request},
    server::Server,
};
use serde_json::{Value, json};

// C05
#[test]
fn no_required_claim_may_be_missing() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    let required = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "rev"];
    server.refuses_each(required.map(|name| (name, token.without_claim(name).sign())));
    server.refuses_each(required.map(|name| (name, token.claim(name, Value::Null).sign())));
    let capital =
        |name: &str| token.without_claim(name).claim(&name.to_uppercase(), token.claims[name].clone());
    server.refuses_each(required.map(|name| (name, capital(name).sign())));
    server.refuses_each([("jti as a number", token.claim("jti", 1).sign())]);
    server.refuses_each([("client_id as an array", token.claim("client_id", json!(["first-party"])).sign())]);
}

#[test]
fn a_client_revision_may_be_missing_but_not_wrong() {
    let server = Server::start();
    let token = Token::of(&server);
    for crev in [0, 1, u64::MAX] {
        server.accepts(&token.claim("crev", crev).sign());
    }
    let revisions =
        [Value::Null, json!("1"), json!(-1), json!(1.5), json!([]), json!([1]), json!({}), json!(true)];
    server.refuses_each(revisions.map(|crev| (crev.clone(), token.claim("crev", crev).sign())));
    server.refuses_each(
        ["18446744073709551616", "1e400", "01"].map(|crev| (crev, token.raw_claim("crev", crev))),
    );
}

// C08
#[test]
fn the_issuer_matches_exactly() {
    let server = Server::start_with(&[("COUNTERSIGN_ISSUER", "https://is.example")]);
    server.user("ada", &[]);
    let token = Token::of(&server);
    server.accepts(&token.claim("iss", "https://is.example").sign());

    let issuers = [
        json!("https://evil.example"),
        json!("https://i"),
        json!("https://is.exampl"),
        json!("https://is.example.evil"),
        json!("https://is.example/"),
        json!("https://IS.example"),
        json!("HTTPS://is.example"),
        json!("https://is.example "),
        json!(" https://is.example"),
        json!("https://is.example\0"),
        json!("http://is.example"),
        json!("https://is.example:443"),
        json!("countersign"),
        json!(""),
        json!(["https://evil.example", "https://is.example"]),
        json!(["https://is.example"]),
        json!([]),
        json!(1),
        json!(true),
        json!({"https://is.example": 1}),
        Value::Null,
    ];
    server.refuses_each(issuers.map(|iss| (iss.clone(), token.claim("iss", iss).sign())));
}

// C09
#[test]
fn a_token_for_another_audience_is_refused() {
    let server = Server::start_with(&[("COUNTERSIGN_AUDIENCE", "api.example")]);
    server.user("ada", &[]);
    let token = Token::of(&server);
    server.accepts(&token.claim("aud", "api.example").sign());

    let audiences = [
        json!("other"),
        json!("countersign"),
        json!("api"),
        json!("api.exampl"),
        json!("api.example.evil"),
        json!("API.example"),
        json!(" api.example"),
        json!("api.example\0"),
        json!("other api.example"),
        json!("api.example,other"),
        json!(""),
        json!([]),
        json!(["other"]),
        json!(["other", 1]),
        json!([1]),
        json!([["api.example"]]),
        json!([null]),
        json!(1),
        json!(true),
        json!({}),
        json!({"api.example": "api.example"}),
        Value::Null,
    ];
    server.refuses_each(audiences.map(|aud| (aud.clone(), token.claim("aud", aud).sign())));
}

// C10
#[test]
fn a_token_for_several_audiences_is_accepted_when_we_are_one() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.claim("aud", json!(["other", "countersign"])).sign());
    server.accepts(&token.claim("aud", json!(["countersign"])).sign());
    server.refuses(&token.claim("aud", json!(["other", "another"])).sign());
}

// C11
#[test]
fn a_subject_that_is_no_user_here_is_refused() {
    let server = Server::start();
    server.user("bob", &[]);
    let token = Token::of(&server);
    server.accepts(&token.sign());
    let bob = server.login("bob");
    server.accepts(&bob);
    server.cli(&["user", "delete", "bob"], "");
    server.refuses_each([("a deleted user", bob)]);

    let elsewhere = Token::of(&Server::start()).claims["sub"].clone();
    let sub = token.claims["sub"].as_str().expect("a sub");
    assert_ne!(elsewhere, sub);
    let subjects = [
        json!(1),
        json!(0),
        json!(""),
        json!("ada"),
        json!("00000000-0000-0000-0000-000000000000"),
        elsewhere,
        json!(format!("{sub}\0")),
        json!(format!("\0{sub}")),
        json!(format!("{sub} ")),
        json!(format!("{sub}' OR '1'='1")),
        json!("%"),
        json!(sub[..sub.len() - 1]),
        json!([sub]),
        json!({"id": sub}),
        json!(true),
        Value::Null,
    ];
    server.refuses_each(subjects.map(|sub| (sub.clone(), token.claim("sub", sub).sign())));
}

// C12
#[test]
fn a_claim_that_stands_twice_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let header = token.header_text();
    let exp = token.claims["exp"].to_string();
    server.accepts(&sign_text(&header, members(&[("exp", &exp)], &token.claims)));

    let claims = [
        ("exp", "9999999999"),
        ("iat", "1"),
        ("sub", r#""x""#),
        ("jti", r#""x""#),
        ("iss", r#""x""#),
        ("aud", r#""x""#),
        ("client_id", r#""x""#),
        ("roles", r#"["admin"]"#),
        ("scope", r#""admin""#),
        ("ext", "2"),
    ];
    for (name, other) in claims {
        for payload in twice(&token.claims, name, other) {
            server.refuses_each([(payload.clone(), sign_text(&header, payload))]);
        }
    }
    for (escaped, other) in [(r"\u0065xp", "9999999999"), (r"ro\u006ces", r#"["admin"]"#)] {
        let payload = members(&[(escaped, other)], &token.claims.clone());
        server.refuses_each([(payload.clone(), sign_text(&header, payload))]);
    }
}

fn assert_forbidden(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 403, "{what}: {}", reply.text());
    assert_eq!(reply.json()["error"], "insufficient_scope", "{what}");
    let challenge = reply.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with(r#"Bearer error="insufficient_scope""#), "{what}: {challenge}");
}

// C13
#[test]
fn a_role_counts_only_when_it_is_spelled_and_shaped_exactly() {
    let server = Server::start();
    server.user("root", &["admin"]);
    let token = Token::parse(&server.login("root"));
    let users = |token: &Token| server.send(Request::get("/admin/users").bearer(&token.sign()));
    assert_eq!(users(&token).status, 200);
    assert_eq!(users(&token.claim("roles", json!(["other", "admin"]))).status, 200);

    let roles = [
        json!([]),
        json!(["user"]),
        json!(["admin\0"]),
        json!(["Admin"]),
        json!(["ADMIN"]),
        json!([" admin"]),
        json!(["admin "]),
        json!(["admin,user"]),
        json!(["admin user"]),
        json!(["\u{430}dmin"]),
        json!(["administrator"]),
        json!([["admin"]]),
        json!(["admin", 1]),
        json!([{"admin": true}]),
        json!("admin"),
        json!("[\"admin\"]"),
        json!({"admin": true}),
        json!({"0": "admin"}),
        json!(1),
        json!(true),
        Value::Null,
    ];
    for roles in roles {
        assert_forbidden(&users(&token.claim("roles", roles.clone())), &roles.to_string());
    }
    let without = token.without_claim("roles");
    for name in ["role", "Roles", "groups", "permissions", "authorities"] {
        assert_forbidden(&users(&without.claim(name, json!(["admin"]))), name);
        assert_forbidden(&users(&without.claim(name, "admin")), name);
    }
    // A scope is no role.
    for scope in [json!("admin"), json!(["admin"]), json!({"admin": true})] {
        assert_forbidden(&users(&without.claim("scope", scope)), "scope");
    }
}

#[test]
fn a_service_is_refused_by_the_routes_of_people() {
    let server = Server::start();
    server.user("root", &["admin"]);
    let root = Token::parse(&server.login("root"));
    let id = root.claims["sub"].clone();
    let service =
        |id: Value| root.claim("sub", id.clone()).claim("client_id", id).without_claim("sid").sign();
    for token in [service(json!("reports-worker")), service(id)] {
        let routes = [
            ("GET", "/me"),
            ("POST", "/me/password"),
            ("GET", "/sessions"),
            ("DELETE", "/sessions"),
            ("GET", "/admin/users"),
        ];
        for (method, path) in routes {
            assert_forbidden(&server.send(Request::new(method, path).bearer(&token)), path);
        }
    }
    server.accepts(&root.sign());
    let somebody = root.without_claim("sid");
    server.refuses_each([
        ("no session, and no service", somebody.sign()),
        ("another's", somebody.claim("sub", "reports-worker").sign()),
        ("in capitals", somebody.claim("sub", "FIRST-PARTY").sign()),
    ]);
}

// C13
#[test]
fn a_scope_of_a_wrong_shape_grants_nothing() {
    let server = Server::start_with(&[("COUNTERSIGN_SCOPES", "profile")]);
    server.user("ada", &[]);
    let token = Token::of(&server);
    let me = |scope: &Value| server.me(&token.claim("scope", scope.clone()).sign());
    let granted = me(&json!("profile"));
    assert!(granted.status == 200 && granted.text().contains("profile"), "{granted:?}");

    for scope in [json!(["profile"]), json!({"profile": true}), json!([["profile"]]), json!(1), Value::Null] {
        let reply = me(&scope);
        assert!(matches!(reply.status, 200 | 401), "{scope}: {reply:?}");
        assert!(!reply.text().contains("profile"), "{scope}: {reply:?}");
    }
}

// C14
#[test]
fn a_token_of_another_deployment_is_refused_even_under_our_kid() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    let key = "Hn6Tc1Vx8Lp4Wz9Rb3Kq7Yd2Mg5Sf0Ja-else";
    let other = Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", key)]);
    other.user("ada", &[]);
    let theirs = other.login("ada");
    other.accepts(&theirs);
    let foreign = Token::parse(&theirs);
    let ours = sign_with(key.as_bytes(), token.header_text(), token.claims_text());
    server.refuses_each([
        ("theirs as it stands", theirs),
        ("theirs under our kid", sign_with(key.as_bytes(), token.header_text(), foreign.claims_text())),
        ("our claims under our kid, their key", ours),
        ("our claims under their kid", sign_with(key.as_bytes(), foreign.header_text(), token.claims_text())),
    ]);
    other.refuses(&token.sign());
}

// C15
#[test]
fn a_payload_that_is_not_one_json_object_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let header = token.header_text();
    let good = token.claims_text();
    server.accepts(&sign_text(&header, &good));
    server.accepts(&sign_text(&header, members(&[("note", r#""\u00e9 \ud83d\ude00""#)], &token.claims)));

    let bytes = |prefix: &[u8], suffix: &[u8]| [prefix, good.as_bytes(), suffix].concat();
    let ill = |text: &[u8]| [good.trim_end_matches('}').as_bytes(), b",\"note\":\"", text, b"\"}"].concat();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let payloads: [(&str, Vec<u8>); 19] = [
        ("null", b"null".into()),
        ("array", b"[]".into()),
        ("the claims in an array", bytes(b"[", b"]")),
        ("string", b"\"claims\"".into()),
        ("the claims in a string", json!(good).to_string().into()),
        ("number", b"1".into()),
        ("true", b"true".into()),
        ("empty", b"".into()),
        ("a space", b" ".into()),
        ("an empty object", b"{}".into()),
        ("trailing bytes", bytes(b"", b"x")),
        ("a trailing NUL", bytes(b"", b"\0")),
        ("a second object", bytes(b"", b"{}")),
        ("a trailing comma", good.replace('}', ",}").into()),
        ("half of it", good[..good.len() / 2].into()),
        ("a BOM", bytes(b"\xef\xbb\xbf", b"")),
        ("UTF-16", utf16),
        ("invalid UTF-8 in a claim that nobody reads", ill(b"\xff")),
        ("an encoded surrogate in a claim that nobody reads", ill(b"\xed\xa0\x80")),
    ];
    server.refuses_each(payloads.map(|(what, payload)| (what, sign_text(&header, payload))));
    for lone in [r#""\ud800""#, r#""x\udc00""#, r#""\ud800\ud800""#] {
        server.refuses_each(["sub", "jti", "client_id"].map(|name| (name, token.raw_claim(name, lone))));
    }
    server.refuses_each([("a lone surrogate in a name", token.raw_claim(r"\ud800", "1"))]);
}

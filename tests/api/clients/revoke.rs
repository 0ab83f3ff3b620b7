//! `POST /revoke` (RFC 7009).

use super::{assert_invalid_client, login_through, register, revoke, service, start, token_of_service};
use crate::{
    backing::{Backing, on_every_store},
    forge::Token,
    http::{Reply, Request},
    server::assert_token_error,
    tokens::{browser, cookie, offline, refresh, text},
};

on_every_store![
    what_is_no_token_is_revoked_already,
    a_hint_is_only_a_hint,
    another_clients_token_is_refused_and_stays_good,
    a_refresh_token_ends_its_session_and_all_its_access_tokens,
    an_access_token_ends_itself_alone_and_by_its_id,
    whoever_revokes_says_who_they_are,
];

const FIRST_PARTY: (&str, &str) = ("first-party", "");

/// 200 and not a byte more.
#[track_caller]
fn assert_revoked(reply: &Reply) {
    assert_eq!((reply.status, &*reply.body), (200, &b""[..]), "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("set-cookie"), None);
}

// V01
fn what_is_no_token_is_revoked_already(on: &Backing) {
    let server = start(on);
    let (access, token) = offline(&server);
    let forged = Token::parse(&access);
    let expired = forged.claim("exp", forged.now() - 10).claim("iat", forged.now() - 100).sign();
    let last = token.chars().last().expect("a character");
    let changed = format!("{}{}", &token[..token.len() - 1], if last == 'A' { 'E' } else { 'A' });
    for nothing in [
        "x",
        "csr_",
        "csr_AAAA",
        "a.b.c",
        "....",
        "\u{0}",
        "\u{1F511}",
        &"x".repeat(9_000),
        &changed,
        &expired,
        &token.to_uppercase(),
        &forged.header("alg", "none").sign(),
    ] {
        assert_revoked(&revoke(&server, FIRST_PARTY, &[("token", nothing)]));
    }
    server.accepts(&access);
    for _ in 0..3 {
        assert_revoked(&revoke(&server, FIRST_PARTY, &[("token", &access)]));
        server.refuses(&access);
    }
    for _ in 0..3 {
        assert_revoked(&revoke(&server, FIRST_PARTY, &[("token", &token)]));
        assert_token_error(&refresh(&server, &token), "invalid_grant");
    }
    server.is_well();
}

// V02
fn a_hint_is_only_a_hint(on: &Backing) {
    let server = start(on);
    for hint in ["access_token", "refresh_token", "unheard-of", "", "\u{e9}", "id_token"] {
        let (access, token) = offline(&server);
        let hinted =
            |token: &str| revoke(&server, FIRST_PARTY, &[("token", token), ("token_type_hint", hint)]);
        assert_revoked(&hinted(&access));
        server.refuses(&access);
        assert_eq!(refresh(&server, &token).status, 200, "the session goes on");
        let (access, token) = offline(&server);
        assert_revoked(&hinted(&token));
        server.refuses(&access);
    }
    let twice = Request::post("/revoke").raw_form("token=x&token_type_hint=a&token_type_hint=b");
    assert_token_error(&server.send(twice), "invalid_request");
}

// V03
fn another_clients_token_is_refused_and_stays_good(on: &Backing) {
    let server = start(on);
    register(&server, "web", &["--public", "--scope", "items"]);
    let worker = service(&server, "worker", &[]);
    let other = service(&server, "other", &[]);
    let (access, token) = login_through(&server, "web", "items");
    let own = token_of_service(&server, ("worker", &worker), "items");
    for stranger in [FIRST_PARTY, ("other", &*other)] {
        for token in [&access, &token, &own] {
            assert_token_error(&revoke(&server, stranger, &[("token", token)]), "invalid_grant");
        }
    }
    assert_token_error(&revoke(&server, ("web", ""), &[("token", &own)]), "invalid_grant");
    server.accepts(&access);
    assert_eq!(server.me(&own).status, 403, "good, and a service's");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token), ("client_id", "web")];
    let next = server.send(Request::post("/token").form(&form));
    assert_eq!(next.status, 200);
    assert_revoked(&revoke(&server, ("web", ""), &[("token", &text(&next, "refresh_token"))]));
    server.refuses(&access);
    assert_revoked(&revoke(&server, ("worker", &worker), &[("token", &own)]));
    server.refuses(&own);
}

// V04
fn a_refresh_token_ends_its_session_and_all_its_access_tokens(on: &Backing) {
    let server = start(on);
    let (first, token) = offline(&server);
    let (other, _) = offline(&server);
    let next = refresh(&server, &token);
    let (second, newest) = (text(&next, "access_token"), text(&next, "refresh_token"));
    // Any token of the session will do, a used one too: whoever has it wants it dead.
    assert_revoked(&revoke(&server, FIRST_PARTY, &[("token", &token)]));
    server.refuses(&first);
    server.refuses(&second);
    assert_token_error(&refresh(&server, &newest), "invalid_grant");
    server.accepts(&other);

    let reply = browser(&server);
    assert_revoked(&revoke(&server, FIRST_PARTY, &[("token", &cookie(&reply))]));
    server.refuses(&text(&reply, "access_token"));
}

fn an_access_token_ends_itself_alone_and_by_its_id(on: &Backing) {
    let server = start(on);
    let (access, token) = offline(&server);
    let sibling = text(&refresh(&server, &token), "access_token");
    let forged = Token::parse(&access);
    assert_revoked(&revoke(&server, FIRST_PARTY, &[("token", &access)]));
    server.refuses(&access);
    server.accepts(&sibling);
    // The same token in other words.
    server.refuses(&forged.header("typ", "application/at+jwt").sign());
    server.accepts(&forged.claim("jti", "BwcHBwcHBwcHBwcHBwcHBw").sign());
    let beside = on.start_beside(&server, &[super::SCOPES]);
    beside.refuses(&access);
    assert_revoked(&revoke(&beside, FIRST_PARTY, &[("token", &sibling)]));
    beside.refuses(&sibling);
    crate::well_known::within_a_second(|| server.me(&sibling).status == 401);
}

fn whoever_revokes_says_who_they_are(on: &Backing) {
    let server = start(on);
    let worker = service(&server, "worker", &[]);
    let own = token_of_service(&server, ("worker", &worker), "items");
    assert_invalid_client(&revoke(&server, ("worker", ""), &[("token", &own)]));
    assert_invalid_client(&revoke(&server, ("worker", "csc_x"), &[("token", &own)]));
    assert_invalid_client(&revoke(&server, ("nobody", ""), &[("token", &own)]));
    assert_token_error(&revoke(&server, FIRST_PARTY, &[]), "invalid_request");
    assert_token_error(&revoke(&server, FIRST_PARTY, &[("token", "")]), "invalid_request");
    let json = Request::post("/revoke").body("application/json", "{\"token\":\"x\"}");
    assert_token_error(&server.send(json), "invalid_request");
    assert_token_error(&server.send(Request::post("/revoke?token=x").raw_form("")), "invalid_request");
    assert_eq!(server.send(Request::get("/revoke")).status, 405);
    assert_eq!(server.me(&own).status, 403, "its token is as good as before");
}

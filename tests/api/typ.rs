//! Only what was issued as an access token opens a door.

use crate::{
    forge::{Token, b64, hs256},
    server::{KEY, Server},
};
use serde_json::{Value, json};

// A22
#[test]
fn a_refresh_token_is_refused_as_an_access_token() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    // Of the right form and made with the right key: session id, generation, tag.
    let fields = [&[7; 16][..], &[0; 8], &hs256(KEY.as_bytes(), "refresh")].concat();
    server.refuses_each([
        ("opaque", format!("csr_{}", b64(fields))),
        ("a JWT", token.header("typ", "refresh+jwt").sign()),
        ("a JWT that says so in a claim", token.header("typ", "JWT").claim("token_use", "refresh").sign()),
    ]);
}

// A24
#[test]
fn a_token_of_any_other_type_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    let types = [
        json!("JWT"),
        json!("jwt"),
        json!("refresh+jwt"),
        json!("id+jwt"),
        json!("logout+jwt"),
        json!("at"),
        json!("at+jwt "),
        json!("at+jw"),
        json!("at+jwt\0"),
        json!("at-jwt"),
        json!("application/"),
        json!("application/jwt"),
        json!("text/at+jwt"),
        json!("application/application/at+jwt"),
        json!(""),
        json!(7),
        json!(true),
        json!(["at+jwt"]),
        json!({"at+jwt": 1}),
        Value::Null,
    ];
    server.refuses_each(types.map(|typ| (typ.clone(), token.header("typ", typ).sign())));
    server.refuses_each([
        ("missing", token.without_header("typ").sign()),
        ("an id_token", token.header("typ", "JWT").claim("nonce", "n-0S6_WzA2Mj").sign()),
        ("an id_token, no typ", token.without_header("typ").claim("nonce", "n-0S6_WzA2Mj").sign()),
    ]);
}

// A24
#[test]
fn an_access_tokens_type_is_a_media_type_in_any_case() {
    let server = Server::start();
    let token = Token::of(&server);
    assert_eq!(token.header["typ"], "at+jwt");
    for typ in ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/at+JWT"] {
        server.accepts(&token.header("typ", typ).sign());
    }
    server.refuses(&token.header("typ", "bt+jwt").sign());
}

// A25
#[test]
fn a_token_made_for_another_purpose_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    for purpose in ["password-reset", "email-verification", "csrf", "logout", "invite"] {
        let said = token.claim("purpose", purpose);
        server.refuses_each([
            (purpose, said.header("typ", format!("{purpose}+jwt")).sign()),
            (purpose, said.header("typ", "JWT").sign()),
            (purpose, said.without_header("typ").sign()),
            (purpose, said.claim("aud", purpose).sign()),
            (purpose, said.claim("aud", format!("countersign:{purpose}")).sign()),
        ]);
    }
}

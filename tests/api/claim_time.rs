//! `exp`, `iat` and `nbf` are whole seconds, and each of them counts.

use crate::{forge::Token, server::Server};
use serde_json::json;

fn with_leeway(seconds: &str) -> Server {
    let server = Server::start_with(&[("COUNTERSIGN_LEEWAY", seconds)]);
    server.user("ada", &[]);
    server
}

// C01
#[test]
fn a_token_ends_on_its_expiry_second_and_not_after_it() {
    let server = Server::start();
    let token = Token::of(&server);
    let now = token.now();
    let at = |token: &Token, exp: u64| token.claim("iat", now - 30).claim("exp", exp).sign();
    server.accepts(&at(&token, now + 60));
    server.refuses_each([now, now - 1, now - 29].map(|exp| (exp, at(&token, exp))));

    let server = with_leeway("5");
    let token = Token::of(&server);
    let now = token.now();
    server.accepts(&at(&token, now - 1));
    server.refuses_each([now - 5, now - 6, now - 20].map(|exp| (exp, at(&token, exp))));
}

// C02
#[test]
fn an_expiry_that_is_no_number_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let soon = token.now() + 60;
    server.accepts(&token.raw_claim("exp", &soon.to_string()));

    let soon_as_text = format!("\"{soon}\"");
    let exps = [
        "null",
        r#""9999999999""#,
        r#""never""#,
        r#""""#,
        "true",
        "[9]",
        "[9999999999]",
        "{}",
        "-1",
        "-0",
        "0",
        "NaN",
        "Infinity",
        "-Infinity",
        "0x7f",
        "0xffffffffff",
        "09999999999",
        "+9999999999",
        "9_999_999_999",
        "1e400",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
        "-9223372036854775809",
        "",
        &soon_as_text,
    ];
    server.refuses_each(exps.map(|exp| (exp, token.raw_claim("exp", exp))));
}

// C03
#[test]
fn a_token_that_would_live_longer_than_we_ever_issue_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let iat = token.claims["iat"].as_u64().expect("an iat");
    server.accepts(&token.claim("exp", iat + 900).sign());

    let far = [
        "1e19",
        "9.9e18",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "253402300800",
        "4102444800",
        &(iat + 901).to_string(),
        &(iat + 86_400).to_string(),
    ];
    server.refuses_each(far.map(|exp| (exp, token.raw_claim("exp", exp))));
    let early = token.claim("iat", iat - 60);
    server.accepts(&early.claim("exp", iat + 840).sign());
    server.refuses_each([
        ("issued earlier", early.claim("exp", iat + 841).sign()),
        ("issued in 1970", token.claim("iat", 0).sign()),
        ("issued before 1970", token.claim("iat", -1).sign()),
        ("issued long before 1970", token.claim("iat", i64::MIN).sign()),
    ]);
}

// C04
#[test]
fn an_expiry_with_a_fraction_is_not_rounded() {
    let server = Server::start();
    let token = Token::of(&server);
    let now = token.now();
    server.accepts(&token.raw_claim("exp", &format!("{}", now + 60)));

    let a_little_ago = format!("{:.1}", now as f64 - 0.4);
    let exps = [a_little_ago, format!("{now}.6"), format!("{}.0", now + 60), format!("{}.5", now + 60)];
    server.refuses_each(exps.map(|exp| (exp.clone(), token.raw_claim("exp", &exp))));
}

// C06
#[test]
fn a_token_is_refused_before_its_nbf() {
    let server = Server::start();
    let token = Token::of(&server);
    let now = token.now();
    server.accepts(&token.claim("nbf", now).sign());
    server.accepts(&token.claim("nbf", 0).sign());

    let nbfs = [
        json!(now + 60),
        json!(u64::MAX),
        json!("0"),
        json!(now.to_string()),
        json!(0.5),
        json!(true),
        json!([0]),
        json!({}),
    ];
    server.refuses_each(nbfs.map(|nbf| (nbf.clone(), token.claim("nbf", nbf).sign())));

    let server = with_leeway("5");
    let token = Token::of(&server);
    server.accepts(&token.claim("nbf", token.now() + 4).sign());
    server.refuses(&token.claim("nbf", token.now() + 60).sign());
}

// C07
#[test]
fn a_token_issued_in_the_future_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let now = token.now();
    let token = token.claim("exp", now + 120);
    server.accepts(&token.claim("iat", now).sign());

    let iats = [
        json!(now + 60),
        json!(now + 121),
        json!(u64::MAX),
        json!(now.to_string()),
        json!(now as f64),
        json!(now as f64 - 0.5),
        json!(true),
        json!([now]),
        json!({}),
    ];
    server.refuses_each(iats.map(|iat| (iat.clone(), token.claim("iat", iat).sign())));

    let server = with_leeway("5");
    let token = Token::of(&server);
    let soon =
        |seconds: u64| token.claim("iat", token.now() + seconds).claim("exp", token.now() + 120).sign();
    server.accepts(&soon(4));
    server.refuses(&soon(60));
}

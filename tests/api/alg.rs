//! What the token says of its algorithm never decides how it is checked.

use crate::{
    forge::{OLD_KEY, Token, after_a_key_rotation, b64, hs256, members, sign_text, sign_with},
    server::{KEY, Server},
};
use aws_lc_rs::{hmac, rand};

/// With this header and no signature at all.
fn unsigned(header: &str, token: &Token) -> String {
    format!("{}.{}.", b64(header), b64(token.claims_text()))
}

// A01
#[test]
fn an_unsigned_token_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    let none = token.header("alg", "none");
    let bare = unsigned(r#"{"alg":"none"}"#, &token);
    server.refuses_each([
        ("none", unsigned(&none.header_text(), &none)),
        ("none, no kid", unsigned(&none.without_header("kid").header_text(), &none)),
        ("none and nothing else", bare.clone()),
        ("none, no second dot", bare.trim_end_matches('.').into()),
        ("HS256", unsigned(&token.header_text(), &token)),
    ]);
}

// A02
#[test]
fn no_other_spelling_of_none_is_accepted_as_an_algorithm() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.raw_header("alg", r#""HS256""#));

    let spellings = [
        r#""None""#,
        r#""NONE""#,
        r#""nOnE""#,
        r#""none ""#,
        r#"" none""#,
        r#""\u006eone""#,
        r#""none\u0000""#,
        r#""""#,
        "null",
        "true",
        "0",
        r#"["HS256"]"#,
        r#"["none"]"#,
        r#"{"HS256":null}"#,
        r#""hs256""#,
        r#""HS256 ""#,
        r#""HS256\u0000""#,
    ];
    for alg in spellings {
        let header = members(&[("alg", alg)], &token.header);
        server.refuses_each([
            (format!("{alg}, unsigned"), unsigned(&header, &token)),
            (format!("{alg}, signed"), sign_text(&header, token.claims_text())),
        ]);
    }
    let missing = token.without_header("alg");
    server.refuses_each([
        ("missing, unsigned", unsigned(&missing.header_text(), &missing)),
        ("missing, signed", missing.sign()),
    ]);
}

// A03
#[test]
fn an_unsigned_token_with_a_signature_behind_it_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let good = token.sign();
    server.accepts(&good);

    let none = token.header("alg", "none");
    let unsigned = unsigned(&none.header_text(), &none);
    let original = good.rsplit('.').next().expect("a signature");
    let mut random = [0; 32];
    rand::fill(&mut random).expect("randomness");
    server.refuses_each([
        ("the original signature", format!("{unsigned}{original}")),
        ("a random signature", format!("{unsigned}{}", b64(random))),
        ("the right signature", none.sign()),
    ]);
}

// A04
#[test]
fn a_key_that_anybody_could_know_signs_nothing() {
    let server = Server::start();
    let token = Token::of(&server);
    let (header, claims) = (token.header_text(), token.claims_text());
    server.accepts(&sign_with(KEY.as_bytes(), &header, &claims));

    let kid = token.header["kid"].as_str().expect("a kid");
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=\n\
               -----END PUBLIC KEY-----\n";
    let jwk = format!(r#"{{"kty":"oct","kid":"{kid}","alg":"HS256"}}"#);
    let guesses = [
        "",
        "\0",
        &"\0".repeat(32),
        kid,
        &b64(kid),
        "countersign",
        "ada",
        token.claims["sub"].as_str().expect("a sub"),
        "HS256",
        "null",
        "undefined",
        "secret",
        "replace-with-env-var",
        pem,
        &pem.replace('\n', "\r\n"),
        pem.trim_end(),
        &jwk,
        &header,
        &claims,
    ];
    server.refuses_each(guesses.map(|guess| (guess, sign_with(guess.as_bytes(), &header, &claims))));
    let der = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    server.refuses_each([("DER", sign_with(&der, &header, &claims))]);
}

// A05
#[test]
fn a_key_is_used_with_its_one_algorithm_only() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.sign());

    let others =
        ["HS384", "HS512", "HS1", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "dir"];
    server.refuses_each(others.map(|alg| (alg, token.header("alg", alg).sign())));
    // The right key, really used as the header says.
    for (alg, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        let token = token.header("alg", alg);
        let message = format!("{}.{}", b64(token.header_text()), b64(token.claims_text()));
        let signature = hmac::sign(&hmac::Key::new(algorithm, KEY.as_bytes()), message.as_bytes());
        server.refuses_each([(alg, format!("{message}.{}", b64(signature)))]);
        // Cut down to the length that HS256 expects.
        server.refuses_each([(alg, format!("{message}.{}", b64(&signature.as_ref()[..32])))]);
    }
}

// A06
#[test]
fn a_token_is_checked_with_the_key_that_its_kid_names_and_no_other() {
    let (server, old, new) = after_a_key_rotation();
    let signed = |key: &[u8], token: &Token| sign_with(key, token.header_text(), token.claims_text());
    server.accepts(&signed(OLD_KEY, &old));
    server.accepts(&signed(KEY.as_bytes(), &new));
    assert_ne!(old.header["kid"], new.header["kid"]);

    server.refuses_each([
        ("the old kid, the new key", signed(KEY.as_bytes(), &old)),
        ("the new kid, the old key", signed(OLD_KEY, &new)),
        ("the old kid as HS512", signed(OLD_KEY, &old.header("alg", "HS512"))),
        ("the new kid as RS256", signed(KEY.as_bytes(), &new.header("alg", "RS256"))),
        ("the old kid as none", unsigned(&old.header("alg", "none").header_text(), &old)),
    ]);
}

// A04
#[test]
fn a_token_signed_with_itself_is_refused() {
    let server = Server::start();
    let token = Token::of(&server);
    let good = token.sign();
    server.accepts(&good);

    let (message, signature) = good.rsplit_once('.').expect("a signature");
    server.refuses_each([
        ("its signature as the key", format!("{message}.{}", b64(hs256(signature.as_bytes(), message)))),
        ("its text as the key", format!("{message}.{}", b64(hs256(message.as_bytes(), message)))),
        ("a plain repetition", format!("{message}.{}", b64(message))),
    ]);
}

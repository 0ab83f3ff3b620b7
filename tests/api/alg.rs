//! What the token says of its algorithm never decides how it is checked.

use crate::{
    forge::{Token, b64, hs256, members, sign_with},
    key::{Key, with_every_key},
    server::KEY,
};
use aws_lc_rs::{hmac, rand, signature};

with_every_key![
    an_unsigned_token_is_refused,
    no_other_spelling_of_none_is_accepted_as_an_algorithm,
    an_unsigned_token_with_a_signature_behind_it_is_refused,
    a_key_that_anybody_could_know_signs_nothing,
    a_key_is_used_with_its_one_algorithm_only,
    a_token_is_checked_with_the_key_that_its_kid_names_and_no_other,
    a_token_signed_with_itself_is_refused,
];

/// With this header and no signature at all.
fn unsigned(header: &str, token: &Token) -> String {
    format!("{}.{}.", b64(header), b64(token.claims_text()))
}

// A01
fn an_unsigned_token_is_refused(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let none = token.header("alg", "none");
    let bare = unsigned(r#"{"alg":"none"}"#, &token);
    server.refuses_each([
        ("none", unsigned(&none.header_text(), &none)),
        ("none, no kid", unsigned(&none.without_header("kid").header_text(), &none)),
        ("none and nothing else", bare.clone()),
        ("none, no second dot", bare.trim_end_matches('.').into()),
        ("the right alg", unsigned(&token.header_text(), &token)),
    ]);
}

// A02
fn no_other_spelling_of_none_is_accepted_as_an_algorithm(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.raw_header("alg", &format!("\"{}\"", key.alg)));

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
        &format!("\"{}\"", key.alg.to_lowercase()),
        &format!("\"{} \"", key.alg),
        &format!("\"{}\\u0000\"", key.alg),
        &format!("[\"{}\"]", key.alg),
    ];
    for alg in spellings {
        let header = members(&[("alg", alg)], &token.header);
        server.refuses_each([
            (format!("{alg}, unsigned"), unsigned(&header, &token)),
            (format!("{alg}, signed"), key.jws(&header, token.claims_text())),
        ]);
    }
    let missing = token.without_header("alg");
    server.refuses_each([
        ("missing, unsigned", unsigned(&missing.header_text(), &missing)),
        ("missing, signed", missing.sign()),
    ]);
}

// A03
fn an_unsigned_token_with_a_signature_behind_it_is_refused(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
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
fn a_key_that_anybody_could_know_signs_nothing(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    let (header, claims) = (token.header_text(), token.claims_text());
    server.accepts(&key.jws(&header, &claims));

    let kid = token.header["kid"].as_str().expect("a kid");
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
        &jwk,
        &header,
        &claims,
    ];
    let guesses = guesses.into_iter().map(|guess| (format!("{guess:?}"), guess.as_bytes().to_vec()));
    let token = token.header("alg", "HS256");
    for token in [token.clone(), token.without_header("kid")] {
        let (header, claims) = (token.header_text(), token.claims_text());
        server.refuses_each(
            guesses
                .clone()
                .chain(key.public_forms(kid))
                .map(|(what, guess)| (what, sign_with(&guess, &header, &claims))),
        );
    }
}

// A05
fn a_key_is_used_with_its_one_algorithm_only(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let others = ["HS384", "HS512", "HS1", "RS384", "RS512", "PS256", "ES384", "ES256K", "Ed25519", "dir"];
    let ours = ["HS256", "RS256", "ES256", "EdDSA"].into_iter().filter(|alg| *alg != key.alg);
    server.refuses_each(others.into_iter().chain(ours).map(|alg| (alg, token.header("alg", alg).sign())));

    // The right key, really used as the header says, and under the header that it should have.
    let really = |alg: &str, sign: &dyn Fn(&str) -> Vec<u8>| {
        for alg in [alg, key.alg] {
            let token = token.header("alg", alg);
            let message = format!("{}.{}", b64(token.header_text()), b64(token.claims_text()));
            let signature = sign(&message);
            server.refuses_each([
                (alg, format!("{message}.{}", b64(&signature))),
                // Cut down to the length that HS256 expects.
                (alg, format!("{message}.{}", b64(&signature[..32]))),
            ]);
        }
    };
    if key.is_secret() {
        for (alg, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
            let hmac = hmac::Key::new(algorithm, KEY.as_bytes());
            really(alg, &|message| hmac::sign(&hmac, message.as_bytes()).as_ref().to_vec());
        }
    }
    let rsa: [(_, &'static dyn signature::RsaEncoding); 4] = [
        ("RS384", &signature::RSA_PKCS1_SHA384),
        ("RS512", &signature::RSA_PKCS1_SHA512),
        ("PS256", &signature::RSA_PSS_SHA256),
        ("PS512", &signature::RSA_PSS_SHA512),
    ];
    for (alg, how) in rsa.into_iter().filter(|_| key.alg == "RS256") {
        really(alg, &|message| key.sign_rsa(how, message.as_bytes()).expect("an RSA key"));
    }
}

// A06
fn a_token_is_checked_with_the_key_that_its_kid_names_and_no_other(key: &'static Key) {
    let (server, old, new) = key.after_a_rotation();
    let signed = |key: &Key, token: &Token| key.jws(token.header_text(), token.claims_text());
    server.accepts(&old.sign());
    server.accepts(&new.sign());
    assert_ne!(old.header["kid"], new.header["kid"]);

    server.refuses_each([
        ("the old kid, the new key", signed(key, &old)),
        ("the new kid, the old key", signed(old.key, &new)),
        ("the old kid and alg, the new key", signed(key, &old.header("alg", old.key.alg))),
        ("the old kid, the new alg and key", signed(key, &old.header("alg", key.alg))),
        ("the new kid, the old alg and key", signed(old.key, &new.header("alg", old.key.alg))),
        ("the old kid as HS512", old.header("alg", "HS512").sign()),
        ("the new kid as PS256", new.header("alg", "PS256").sign()),
        ("the old kid as none", unsigned(&old.header("alg", "none").header_text(), &old)),
    ]);
}

// A04
fn a_token_signed_with_itself_is_refused(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    let good = token.sign();
    server.accepts(&good);

    let (_, signature) = good.rsplit_once('.').expect("a signature");
    let token = token.header("alg", "HS256");
    let message = format!("{}.{}", b64(token.header_text()), b64(token.claims_text()));
    server.refuses_each([
        ("its signature as the key", format!("{message}.{}", b64(hs256(signature.as_bytes(), &message)))),
        ("its text as the key", format!("{message}.{}", b64(hs256(message.as_bytes(), &message)))),
        ("a plain repetition", format!("{message}.{}", b64(&message))),
    ]);
}

//! Only what was issued as an access token is one (RFC 8725 §3.11, RFC 9068 §4).

use super::{super::forge::b64, Answer, Cases, Forge, Row, Signer, invalid};
use serde_json::{Value, json};

pub(super) fn good(signer: &Signer<'_>, cases: &mut Cases) {
    let row = Row("A24", "RFC 7515 §4.1.9", Answer::Accepted);
    for typ in ["AT+JWT", "application/at+jwt"] {
        cases.token(&row, format!("typ {typ}"), signer.sign(&signer.forge.good.header("typ", typ)));
    }
}

pub(super) fn by_anybody(_: &Forge<'_>, cases: &mut Cases) {
    let row = invalid("A22", "RFC 9068 §2.1");
    cases.token(&row, "a refresh token that nobody issued", format!("csr_{}", b64([7; 56])));
    cases.token(&row, "a UUID", "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

pub(super) fn signed(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = invalid("A22", "RFC 8725 §3.11");
    cases.token(&row, "a refresh token", signer.sign(&good.header("typ", "refresh+jwt")));

    let row = invalid("A24", "RFC 9068 §4");
    let types = [
        json!("JWT"),
        json!("id+jwt"),
        json!("logout+jwt"),
        json!("at"),
        json!("at+jwt "),
        json!("at+jw"),
        json!("application/"),
        json!("application/jwt"),
        json!("text/at+jwt"),
        json!(""),
        json!(7),
        json!(true),
        json!(["at+jwt"]),
        Value::Null,
    ];
    for typ in types {
        cases.token(&row, format!("typ {typ}"), signer.sign(&good.header("typ", typ)));
    }
    let untyped = good.without_header("typ");
    cases.token(&row, "no typ", signer.sign(&untyped));
    cases.token(&row, "an ID token", signer.sign(&good.header("typ", "JWT").claim("nonce", "n-0S6_WzA2Mj")));
    cases.token(&row, "an ID token without a typ", signer.sign(&untyped.claim("nonce", "n-0S6_WzA2Mj")));

    let row = invalid("A25", "RFC 8725 §3.12");
    for purpose in ["password-reset", "email-verification", "csrf", "invite"] {
        let typ = format!("{purpose}+jwt");
        cases.token(&row, format!("a token for {purpose}"), signer.sign(&good.header("typ", typ)));
        let said = good.claim("purpose", purpose).claim("aud", purpose);
        cases.token(&row, format!("a token for {purpose} by its audience"), signer.sign(&said));
    }
}

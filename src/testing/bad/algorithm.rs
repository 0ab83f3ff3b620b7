//! The header's `alg` never decides how a token is checked (RFC 8725 §3.1).

use super::{
    super::forge::{Token, b64, message, sign, with_member},
    Cases, Forge, Signer, invalid, public_key,
};
use serde_json::Value;

/// Other spellings of nothing, as JSON.
const NOTHINGS: [&str; 13] = [
    r#""None""#,
    r#""NONE""#,
    r#""nOnE""#,
    r#""none ""#,
    r#"" none""#,
    r#""\u006eone""#,
    r#""""#,
    "null",
    "true",
    "0",
    r#"["none"]"#,
    r#"["HS256"]"#,
    r#"{"HS256":null}"#,
];

pub(super) fn by_anybody(forge: &Forge<'_>, cases: &mut Cases) {
    let good = forge.good;
    let none = good.header("alg", "none");

    let row = invalid("A01", "RFC 8725 §3.2");
    cases.token(&row, "alg none, no signature", none.unsigned());
    cases.token(&row, "alg none and no kid, no signature", none.without_header("kid").unsigned());
    cases.token(&row, "alg none, no second dot", none.message());
    cases.token(&row, "alg none, claims of an admin", none.claim("roles", vec!["admin"]).unsigned());
    cases.token(&row, "the right alg, no signature", good.unsigned());

    let row = invalid("A02", "RFC 8725 §3.1");
    for alg in NOTHINGS {
        let header = with_member(&good.header, "alg", alg);
        cases.token(
            &row,
            format!("alg {alg}, no signature"),
            format!("{}.", message(header, good.claims_text())),
        );
    }
    cases.token(&row, "no alg, no signature", good.without_header("alg").unsigned());

    let row = invalid("A03", "RFC 8725 §3.1");
    let [_, _, signature] = forge.parts();
    cases.token(&row, "alg none, the original signature", format!("{}{signature}", none.unsigned()));
    cases.token(&row, "alg none, some signature", format!("{}{}", none.unsigned(), b64([7; 32])));

    guessed(forge, cases);
}

/// HS256 under what everybody knows or could guess.
fn guessed(forge: &Forge<'_>, cases: &mut Cases) {
    let row = invalid("A04", "RFC 8725 §2.1");
    let token = forge.good.header("alg", "HS256");
    let kid = token.header.get("kid").and_then(Value::as_str).unwrap_or_default();
    let issuer = token.claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let subject = token.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    for guess in
        ["", kid, issuer, subject, "secret", "changeme", "password", "your-256-bit-secret", "null", "{}"]
    {
        cases.token(&row, format!("HS256 under the secret {guess:?}"), token.hs256(guess.as_bytes()));
    }
    let [_, _, signature] = forge.parts();
    cases.token(&row, "HS256 under its own signature", token.hs256(signature.as_bytes()));
    for (number, jwk) in (1..).zip(forge.published) {
        for (form, bytes) in public_key::forms(jwk) {
            for (which, token) in [("", token.clone()), (", no kid", token.without_header("kid"))] {
                let what = format!("HS256 under published key {number} as {form}{which}");
                cases.token(&row, what, token.hs256(&bytes));
            }
        }
    }
}

pub(super) fn signed(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = invalid("A02", "RFC 8725 §3.1");
    for alg in NOTHINGS {
        cases.token(&row, format!("alg {alg}, rightly signed"), signer.raw_header("alg", alg));
    }
    cases.token(&row, "no alg, rightly signed", signer.sign(&good.without_header("alg")));
    let ours = signer.key.algorithm().name();
    cases.token(&row, "alg in other letters, rightly signed", {
        let other = if ours == ours.to_lowercase() { ours.to_uppercase() } else { ours.to_lowercase() };
        signer.sign(&good.header("alg", other))
    });
    let row = invalid("A03", "RFC 8725 §3.1");
    cases.token(&row, "alg none, rightly signed", signer.sign(&good.header("alg", "none")));

    let row = invalid("A05", "RFC 8725 §3.1");
    let algorithms =
        ["HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384", "ES256K", "EdDSA"];
    for alg in algorithms.into_iter().filter(|alg| *alg != ours) {
        cases.token(&row, format!("alg {alg}, signed by {ours}"), signer.sign(&good.header("alg", alg)));
    }
    let row = invalid("A06", "RFC 8725 §3.1");
    for (number, other) in (1..).zip(signer.others) {
        let named = |token: &Token| token.header("kid", other.kid());
        let alg = other.algorithm().name();
        cases.token(
            &row,
            format!("the kid of other key {number}, rightly signed"),
            signer.sign(&named(good)),
        );
        cases.token(
            &row,
            format!("the kid and alg of other key {number}, rightly signed"),
            signer.sign(&named(&good.header("alg", alg))),
        );
        cases.token(&row, format!("signed by other key {number}"), sign(other, &good.message()));
        let message = good.header("alg", alg).message();
        cases.token(
            &row,
            format!("signed by other key {number} as itself, under this kid"),
            sign(other, &message),
        );
    }
    let row = invalid("A17", "RFC 8725 §3.1");
    cases.token(&row, "no kid, rightly signed", signer.sign(&good.without_header("kid")));
}

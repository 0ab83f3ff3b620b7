//! Nothing in a token's header brings, fetches or chooses a key, or changes how the rest is read
//! (RFC 8725 §3.10, RFC 7515 §4.1).

use super::{
    super::forge::{Stranger, b64, beside, message},
    Answer, Cases, Forge, Row, Signer, invalid,
};
use serde_json::{Value, json};

/// What is no name of a key, but perhaps of a file, a query, a command or a pattern.
const NAMES: [(&str, &[&str]); 2] = [
    (
        "A14",
        &[
            "../../../../dev/null",
            "/dev/null",
            "file:///dev/null",
            "/proc/sys/kernel/randomize_va_space",
            "C:\\nul",
        ],
    ),
    (
        "A15",
        &["' OR 1=1--", "x' UNION SELECT 'k", "|id", "$(id)", "`id`", "{{7*7}}", "${7*7}", "*", "%", ".*"],
    ),
];

pub(super) fn good(signer: &Signer<'_>, cases: &mut Cases) {
    let row = Row("", "RFC 7515 §4", Answer::Accepted);
    let header = signer.forge.good.header("note", "nobody knows this member");
    cases.token(&row, "a header member that nobody knows", signer.sign(&header));
}

pub(super) fn by_anybody(forge: &Forge<'_>, cases: &mut Cases) {
    let stranger = Stranger::new();
    let signed = forge.good.header("alg", "EdDSA");
    let mut by_stranger = |row: &Row, what: &str, name: &str, value: Value| {
        let token = signed.header(name, value);
        cases.token(row, format!("{what}, signed by it"), stranger.sign(&token));
        cases.token(
            row,
            format!("{what}, signed by it, no kid"),
            stranger.sign(&token.without_header("kid")),
        );
    };
    let row = invalid("A11", "RFC 7515 §4.1.3");
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": stranger.public()});
    by_stranger(&row, "jwk: a stranger's key", "jwk", jwk.clone());
    let mut named = jwk;
    named["kid"] = forge.good.header.get("kid").cloned().unwrap_or_default();
    by_stranger(&row, "jwk: a stranger's key under our kid", "jwk", named);
    // Nobody listens there: a fetch would fail, and the token is refused either way.
    let row = invalid("A12", "RFC 8725 §3.10");
    for member in ["jku", "x5u"] {
        by_stranger(&row, &format!("{member}: an address"), member, "http://127.0.0.1:9/keys.json".into());
    }
    let row = invalid("A13", "RFC 7515 §4.1.6");
    by_stranger(&row, "x5c: a certificate", "x5c", json!(["MIIB"]));
    let row = invalid("C14", "RFC 9700 §4.4");
    cases.token(&row, "signed by a stranger under our kid", stranger.sign(&signed));

    let row = invalid("A11", "RFC 7515 §4.1.3");
    let token = forge.good.header("alg", "HS256");
    let own = token.header("jwk", json!({"kty": "oct", "alg": "HS256", "k": b64([42; 32])}));
    cases.token(&row, "jwk: a secret, signed by it", own.hs256(&[42; 32]));
    for (id, names) in NAMES {
        let row = invalid(id, "RFC 8725 §3.10");
        for kid in names {
            for secret in ["", "0", "2\n", "k", "49"] {
                let what = format!("kid {kid}, HS256 under {secret:?}");
                cases.token(&row, what, token.header("kid", *kid).hs256(secret.as_bytes()));
            }
        }
    }
    let row = invalid("A20", "RFC 7519 §5.2");
    let part = |byte: u8, length| b64(vec![byte; length]);
    let jwe = json!({"alg": "dir", "enc": "A256GCM", "typ": "at+jwt"}).to_string();
    let jwe = format!("{}..{}.{}.{}", b64(jwe), part(1, 12), part(2, 200), part(3, 16));
    cases.token(&row, "an encrypted token", jwe);
}

pub(super) fn signed(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let mut member = |id, rule, name: &str, values: &[Value]| {
        let row = invalid(id, rule);
        for value in values {
            let text: String = value.to_string().chars().take(60).collect();
            cases.token(
                &row,
                format!("{name} {text}, rightly signed"),
                signer.sign(&good.header(name, value.clone())),
            );
        }
    };
    let jwk = json!({"kty": "oct", "alg": "HS256", "k": b64([42; 32])});
    member("A11", "RFC 7515 §4.1.3", "jwk", &[jwk, Value::Null]);
    for name in ["jku", "x5u"] {
        member(
            "A12",
            "RFC 8725 §3.10",
            name,
            &["http://127.0.0.1:9/keys.json".into(), "".into(), Value::Null],
        );
    }
    member("A13", "RFC 7515 §4.1.6", "x5c", &[json!(["MIIB"]), json!([])]);
    member("A13", "RFC 7515 §4.1.7", "x5t", &["garbage".into(), 1.into()]);
    member("A13", "RFC 7515 §4.1.8", "x5t#S256", &["garbage".into()]);
    for (id, names) in NAMES {
        let names: Vec<_> = names.iter().map(|name| Value::from(*name)).collect();
        member(id, "RFC 8725 §3.10", "kid", &names);
    }
    let kid = signer.key.kid();
    let unknown = [
        json!("unknown"),
        json!(""),
        json!(1),
        json!(null),
        json!(true),
        json!([kid]),
        json!({"kid": kid}),
        json!(format!("{kid} ")),
        json!(format!("{kid}\0")),
        json!(kid[..kid.len() - 1]),
        json!("k".repeat(4096)),
        json!("a\nforged: a line\r\n"),
        json!("\u{202e}drawkcab"),
    ];
    member("A16", "RFC 8725 §3.10", "kid", &unknown);
    let crits = [
        json!(["exp"]),
        json!(["nope"]),
        json!([]),
        json!("b64"),
        json!(["b64"]),
        json!(["exp", "exp"]),
        json!(["alg"]),
        json!([null]),
        json!({}),
        Value::Null,
    ];
    member("A18", "RFC 7515 §4.1.11", "crit", &crits);
    member("A18", "RFC 7797 §6", "b64", &[true.into(), false.into()]);
    member("A20", "RFC 8725 §3.6", "zip", &["DEF".into(), Value::Null]);
    member("A20", "RFC 7519 §5.2", "enc", &["A256GCM".into()]);
    member("A20", "RFC 7519 §5.2", "cty", &["JWT".into()]);

    let row = invalid("A18", "RFC 7797 §3");
    let unencoded = message(good.header("b64", false).header("crit", json!(["b64"])).header_text(), "");
    cases.token(&row, "b64 false, an empty payload", signer.sign_message(&unencoded));
    twice(signer, cases);
}

/// RFC 7515 §4: a member stands once.
fn twice(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = invalid("A21", "RFC 7515 §4");
    let same = |name: &str| good.header.get(name).map(Value::to_string).unwrap_or_default();
    for (name, other) in [("alg", r#""none""#), ("kid", r#""other""#), ("typ", r#""JWT""#)] {
        for json in [other, &same(name)] {
            let header = beside(&good.header, name, json);
            cases.token(
                &row,
                format!("{name} twice, once {json}"),
                signer.sign_text(header, good.claims_text()),
            );
        }
    }
    // The same name in another spelling of JSON.
    for (escaped, name) in [(r"\u0061lg", "alg"), (r"k\u0069d", "kid"), (r"t\u0079p", "typ")] {
        let header = beside(&good.header, escaped, &same(name));
        cases.token(
            &row,
            format!("{name} twice, once as {escaped}"),
            signer.sign_text(header, good.claims_text()),
        );
    }
    let header = beside(&good.header("note", 1).header, "note", "2");
    cases.token(&row, "an unknown member twice", signer.sign_text(header, good.claims_text()));
}

//! What a token claims is checked to the letter, however well it is signed (RFC 7519 §4.1,
//! RFC 9068 §2.2).

use super::{
    super::forge::{Token, b64, beside},
    Answer, Cases, Forge, Row, Signer, invalid,
};
use serde_json::{Value, json};

/// All that one of our tokens has to say.
const REQUIRED: [&str; 9] = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "rev"];

pub(super) fn good(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = Row("C10", "RFC 7519 §4.1.3", Answer::Accepted);
    let ours = good.claims.get("aud").cloned().unwrap_or_default();
    cases.token(&row, "aud names another and us", signer.sign(&good.claim("aud", json!(["other", ours]))));
    let row = Row("", "RFC 7519 §4.2", Answer::Accepted);
    cases.token(&row, "a claim that nobody knows", signer.sign(&good.claim("note", json!({"a": [1]}))));
}

/// The original signature under other claims.
pub(super) fn by_anybody(forge: &Forge<'_>, cases: &mut Cases) {
    let row = invalid("A07", "RFC 7515 §5.2");
    let [header, _, signature] = forge.parts();
    let good = forge.good;
    for (what, token) in [
        ("roles added", good.claim("roles", vec!["admin"])),
        ("a later exp", good.claim("exp", forge.now.0.saturating_add(86_000))),
        ("another sub", good.claim("sub", "00000000-0000-4000-8000-000000000000")),
        ("a space more", good.clone()),
    ] {
        let claims = token.claims_text().replacen('{', "{ ", 1);
        let token = format!("{header}.{}.{signature}", b64(claims));
        cases.token(&row, format!("{what}, the original signature"), token);
    }
}

pub(super) fn signed(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = invalid("C05", "RFC 9068 §4");
    for name in REQUIRED {
        // A service's token says nothing of a session.
        let Some(value) = good.claims.get(name) else { continue };
        let without = good.without_claim(name);
        cases.token(&row, format!("no {name}"), signer.sign(&without));
        cases.token(&row, format!("{name} null"), signer.sign(&good.claim(name, Value::Null)));
        let capital = name.to_uppercase();
        cases.token(
            &row,
            format!("{capital}, no {name}"),
            signer.sign(&without.claim(&capital, value.clone())),
        );
        let other = if value.is_string() { json!(1) } else { json!(value.to_string()) };
        cases.token(&row, format!("{name} {other}"), signer.sign(&good.claim(name, other.clone())));
        for other in [json!(true), json!({}), json!([]), json!([[value]])] {
            cases.token(
                &row,
                format!("{name} of another type: {}", kind(&other)),
                signer.sign(&good.claim(name, other)),
            );
        }
    }
    exact(signer, "C08", "RFC 9068 §4", "iss", cases);
    exact(signer, "C09", "RFC 7519 §4.1.3", "aud", cases);
    let row = invalid("C08", "RFC 9068 §4");
    let issuer = good.claims.get("iss").cloned().unwrap_or_default();
    cases.token(&row, "iss an array with ours", signer.sign(&good.claim("iss", json!(["other", issuer]))));
    let row = invalid("C09", "RFC 7519 §4.1.3");
    for aud in [json!(["other"]), json!(["other", 1]), json!([null]), json!("")] {
        cases.token(&row, format!("aud {aud}"), signer.sign(&good.claim("aud", aud)));
    }
    let row = invalid("C11", "RFC 9068 §4");
    for sub in ["", "a\0b", "a\nb"] {
        cases.token(&row, format!("sub {sub:?}"), signer.sign(&good.claim("sub", sub)));
    }
    let row = invalid("C05", "RFC 9068 §2.2");
    for rev in ["-1", "1.5", "18446744073709551616", "1e400", "01"] {
        cases.token(&row, format!("rev {rev}"), signer.raw_claim("rev", rev));
        cases.token(&row, format!("crev {rev}"), signer.raw_claim("crev", rev));
    }
    for name in ["sub", "jti", "client_id"] {
        let row = invalid("C15", "RFC 8259 §8.2");
        cases.token(&row, format!("{name} half a surrogate pair"), signer.raw_claim(name, r#""\ud800""#));
    }
    let row = invalid("C12", "RFC 7519 §4");
    for (name, other) in [
        ("exp", "9999999999"),
        ("iat", "1"),
        ("sub", r#""x""#),
        ("jti", r#""x""#),
        ("iss", r#""x""#),
        ("aud", r#""x""#),
        ("roles", r#"["admin"]"#),
        (r"\u0065xp", "9999999999"),
    ] {
        let payload = beside(&good.claims, name, other);
        // An escaped name is one that is there.
        if !good.claims.contains_key(name) && !name.contains('\\') {
            continue;
        }
        cases.token(&row, format!("{name} twice"), signer.sign_text(good.header_text(), payload));
    }
}

/// A text that is almost the right one.
fn exact(signer: &Signer<'_>, id: &'static str, rule: &'static str, name: &str, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = invalid(id, rule);
    let Some(right) = good.claims.get(name).and_then(Value::as_str) else { return };
    let swapped = |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let others = [
        ("another", "https://evil.example".into()),
        ("ours cut short", right.chars().take(right.chars().count().saturating_sub(1)).collect()),
        ("ours and more", format!("{right}.evil.example")),
        ("ours with a slash behind", format!("{right}/")),
        ("ours with a space behind", format!("{right} ")),
        ("ours with a space in front", format!(" {right}")),
        ("ours with a NUL behind", format!("{right}\0")),
        ("ours and another", format!("{right} other")),
        ("ours in other letters", right.chars().map(swapped).collect::<String>()),
    ];
    for (what, other) in others.into_iter().filter(|(_, other)| other != right) {
        cases.token(&row, format!("{name} {what}"), signer.sign(&good.claim(name, other)));
    }
}

/// Tokens that are good, but not for this: only for a route whose roles or scopes are known.
pub(super) fn of_roles_and_scopes(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = Row("C13", "RFC 6750 §3.1", Answer::Forbidden);
    let mut said = |what: String, token: Token| cases.token(&row, what, signer.sign(&token));
    let (roles, scopes) = (signer.forge.roles, signer.forge.scopes);

    if !roles.is_empty() {
        let without = good.without_claim("roles");
        said("no roles at all".into(), without.clone());
        said("roles empty".into(), good.claim("roles", json!([])));
        said("the roles as a scope".into(), without.claim("scope", roles.join(" ")));
        said("the roles in a text".into(), good.claim("roles", roles.join(" ")));
        said("the roles in an array too many".into(), good.claim("roles", json!([roles])));
    }
    for role in roles {
        said(format!("{role} as a member"), good.claim("roles", json!({role: true})));
        let others = || roles.iter().filter(|other| *other != role).cloned();
        for almost in almost(role).into_iter().chain([format!(" {role}")]) {
            let roles: Vec<_> = others().chain([almost.clone()]).collect();
            said(format!("{almost:?} in the place of the role {role}"), good.claim("roles", roles));
        }
    }
    if !scopes.is_empty() {
        let without = good.without_claim("scope");
        said("no scope at all".into(), without.clone());
        said("scope null".into(), good.claim("scope", Value::Null));
        said("scope empty".into(), good.claim("scope", ""));
        said("the scopes in an array".into(), good.claim("scope", json!(scopes)));
        // Where roles are wanted too, they are left.
        if roles.is_empty() {
            said("the scopes as roles".into(), without.claim("roles", json!(scopes)));
        }
    }
    for scope in scopes {
        let others = || scopes.iter().filter(|other| *other != scope).cloned();
        for almost in almost(scope) {
            let scopes: Vec<_> = others().chain([almost.clone()]).collect();
            said(
                format!("{almost:?} in the place of the scope {scope}"),
                good.claim("scope", scopes.join(" ")),
            );
        }
    }
}

/// What is not the name of a role or a scope, but looks like it.
fn almost(right: &str) -> Vec<String> {
    let all = [
        "other".into(),
        right.to_uppercase(),
        format!("{right}s"),
        format!("{right}\0"),
        format!("{right},{right}"),
    ];
    all.into_iter().filter(|other| other != right).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "true",
        Value::Object(_) => "an object",
        Value::Array(items) if items.is_empty() => "an empty array",
        _ => "an array",
    }
}

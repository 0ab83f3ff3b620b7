//! The text of a token: three parts in strict base64url (RFC 7515 §2 and §7.1, RFC 4648 §3.5).

use super::{
    super::forge::{b64, unb64},
    Answer, Cases, Forge, Row, Signer, invalid,
};
use serde_json::json;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn by_anybody(forge: &Forge<'_>, cases: &mut Cases) {
    base64(forge, cases);
    parts(forge, cases);
    let [header, payload, signature] = forge.parts();

    let row = invalid("E03", "RFC 7519 §3");
    let flattened = json!({"payload": payload, "protected": header, "signature": signature}).to_string();
    cases.token(&row, "the flattened JSON serialisation", &flattened);
    cases.token(&row, "the flattened JSON serialisation, encoded", b64(&flattened));
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    cases.token(&row, "the general JSON serialisation", general.to_string());

    let row = Row("E05", "RFC 8725 §3.3", Answer::TooLong);
    for kib in [9, 16, 64] {
        let more = "A".repeat(kib * 1024);
        cases.token(&row, format!("{kib} KiB behind the signature"), format!("{}{more}", forge.text));
        cases.token(&row, format!("{kib} KiB of nothing else"), &more);
    }
}

fn base64(forge: &Forge<'_>, cases: &mut Cases) {
    let row = invalid("E01", "RFC 4648 §3.5");
    let names = ["header", "payload", "signature"];
    let parts = forge.parts();
    for (at, name) in names.into_iter().enumerate().filter(|(at, _)| parts[*at].len() > 4) {
        let mut with = |what: &str, part: String| {
            let mut parts = parts.map(str::to_owned);
            parts[at] = part;
            cases.token(&row, format!("{name}: {what}"), parts.join("."));
        };
        let part = parts[at];
        with("padding behind it", format!("{part}="));
        with("more padding behind it", format!("{part}=="));
        with("a space in it", [&part[..4], " ", &part[4..]].concat());
        with("a percent sign in it", [&part[..4], "%2e", &part[4..]].concat());
        with("a plus in it", [&part[..4], "+", &part[5..]].concat());
        with("a slash in it", [&part[..4], "/", &part[5..]].concat());
        with("a letter behind it", format!("{part}B"));
        with("not ASCII", [&part[..4], "é", &part[4..]].concat());
        // Where the last letter has bits that say nothing, they have to be zero.
        if let (Some((last, rest)), 2 | 3) = (part.as_bytes().split_last(), part.len() % 4) {
            let at = ALPHABET.iter().position(|letter| letter == last).unwrap_or_default();
            let rest = String::from_utf8_lossy(rest);
            with("stray bits at its end", format!("{rest}{}", char::from(ALPHABET[at ^ 1])));
        }
    }
    cases.token(&row, "spaces around the dots", parts.join(" . "));
    cases.token(&row, "dots as %2e", parts.join("%2e"));
}

fn parts(forge: &Forge<'_>, cases: &mut Cases) {
    let row = invalid("E02", "RFC 7515 §7.1");
    let [header, payload, signature] = forge.parts();
    let (first, rest) = payload.split_at(1);
    for (what, token) in [
        ("one part", header.to_owned()),
        ("two parts", [header, payload].join(".")),
        ("four parts", [header, payload, signature, signature].join(".")),
        ("a dot in front", format!(".{}", forge.text)),
        ("a dot behind", format!("{}.", forge.text)),
        ("five parts", format!("{header}.{payload}.{signature}..")),
        ("an empty header", format!(".{payload}.{signature}")),
        ("an empty payload", format!("{header}..{signature}")),
        ("the parts in another order", [payload, header, signature].join(".")),
        ("a dot moved", format!("{header}{first}.{rest}.{signature}")),
        ("two dots", "..".into()),
        ("four dots", "....".into()),
        ("a thousand dots", ".".repeat(1_000)),
    ] {
        cases.token(&row, what, token);
    }
}

pub(super) fn signed(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let row = invalid("E01", "RFC 4648 §3.5");
    let [header, payload, _] = signer.forge.parts();
    cases.token(&row, "padding, signed with it", signer.sign_message(&format!("{header}==.{payload}==")));
    let spaced = format!("{} .{payload}", header);
    cases.token(&row, "a space, signed with it", signer.sign_message(&spaced));

    let row = invalid("E04", "RFC 7515 §10.12");
    for depth in [200, 1_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        cases.token(&row, format!("exp is {depth} arrays deep"), signer.raw_claim("exp", &deep));
        cases.token(&row, format!("alg is {depth} arrays deep"), signer.raw_header("alg", &deep));
        let open = "[".repeat(depth);
        cases.token(&row, format!("{depth} arrays, not closed"), signer.raw_claim("note", &open));
    }

    let row = invalid("C15", "RFC 7519 §7.2");
    let text = good.claims_text();
    let around = |before: &[u8], behind: &[u8]| [before, text.as_bytes(), behind].concat();
    let ill = [text.trim_end_matches('}').as_bytes(), b",\"note\":\"\xff\"}"].concat();
    for (what, payload) in [
        ("null", b"null".to_vec()),
        ("an array", b"[]".to_vec()),
        ("the claims in an array", around(b"[", b"]")),
        ("the claims in a string", json!(text).to_string().into_bytes()),
        ("a number", b"1".to_vec()),
        ("empty", vec![]),
        ("an empty object", b"{}".to_vec()),
        ("the claims and something behind them", around(b"", b"x")),
        ("the claims and a second object", around(b"", b"{}")),
        ("half of the claims", text.as_bytes()[..text.len() / 2].to_vec()),
        ("the claims with a byte order mark", around(b"\xef\xbb\xbf", b"")),
        ("not UTF-8", ill),
        ("another token", signer.forge.text.as_bytes().to_vec()),
        ("the claims encoded once more", unb64(payload).map(b64).unwrap_or_default().into_bytes()),
    ] {
        cases.token(&row, format!("the payload is {what}"), signer.sign_text(good.header_text(), payload));
    }
}

//! There is one way to write a token down, and size and depth buy an attacker nothing.

use crate::{
    forge::{Token, b64, hs256, sign_message, sign_text},
    http::{Reply, Request},
    server::{KEY, Server, assert_invalid_token},
};
use serde_json::{Value, json};

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The answer of `/me` to these bytes after `Authorization: `.
fn answer(server: &Server, value: impl AsRef<[u8]>) -> Reply {
    server.send(Request::get("/me").header("Authorization", value))
}

/// Refused by the guard, or as malformed HTTP before it.
fn assert_refused(reply: &Reply, what: &str) {
    assert!(matches!(reply.status, 400 | 401), "{what}: {reply:?}");
    assert!(!String::from_utf8_lossy(&reply.body).contains("username"), "{what}: {reply:?}");
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().expect("three parts")
}

/// The same bytes with an unused bit set in the last character (RFC 4648 §3.5).
fn with_trailing_bits(part: &str) -> String {
    assert_ne!(part.len() % 4, 0, "there are unused bits");
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.find(last).expect("base64url");
    assert_eq!(value % 4, 0, "the unused bits are zero");
    format!("{rest}{}", &ALPHABET[value + 1..value + 2])
}

/// `text` with spaces, which mean nothing to JSON, until its base64 has unused bits.
fn with_unused_bits(text: String) -> String {
    let spaces = if text.len().is_multiple_of(3) { 1 } else { 0 };
    text.replacen('{', &format!("{{{}", " ".repeat(spaces)), 1)
}

/// A token whose payload and signature hold both characters that only base64url has.
fn with_url_characters(token: &Token) -> String {
    (0..)
        .map(|n| token.claim("note", format!("???>>>{n}")).sign())
        .find(|token| has_url_characters(token))
        .expect("one of many")
}

fn has_url_characters(token: &str) -> bool {
    parts(token)[1..].iter().all(|part| part.contains('-') && part.contains('_'))
}

// E01
#[test]
fn base64url_is_read_strictly() {
    let server = Server::start();
    let token = Token::of(&server);
    let (header, claims) = (with_unused_bits(token.header_text()), with_unused_bits(token.claims_text()));
    let good = sign_text(&header, &claims);
    server.accepts(&good);

    let [h, p, s] = parts(&good);
    // Each change is signed over, so that only the reading of base64 can refuse it.
    let signed = |header: &str, payload: &str| sign_message(KEY.as_bytes(), format!("{header}.{payload}"));
    let pad = |part: &str| format!("{part}{}", "=".repeat(4 - part.len() % 4));
    server.refuses_each([
        ("padded header", signed(&pad(h), p)),
        ("padded payload", signed(h, &pad(p))),
        ("padded signature", format!("{h}.{p}.{}", pad(s))),
        ("too much padding", format!("{good}==")),
        ("bits behind the header", signed(&with_trailing_bits(h), p)),
        ("bits behind the payload", signed(h, &with_trailing_bits(p))),
        ("bits behind the signature", format!("{h}.{p}.{}", with_trailing_bits(s))),
        ("a length that base64 never has", format!("{good}AA")),
        ("another dot character", good.replace('.', "%2e")),
        ("an escaped character", format!("%{:x}{}", good.as_bytes()[0], &good[1..])),
        ("dollars", good.replace('.', "$")),
        ("escaped padding", format!("{good}%3d")),
    ]);

    let good = with_url_characters(&token);
    server.accepts(&good);
    let [h, p, s] = parts(&good);
    let standard = |part: &str| part.replace('-', "+").replace('_', "/");
    server.refuses_each([
        ("standard payload", signed(h, &standard(p))),
        ("standard signature", format!("{h}.{p}.{}", standard(s))),
        ("both", format!("{}.{}", signed(h, &standard(p)).rsplit_once('.').expect("parts").0, standard(s))),
    ]);
}

// E01
#[test]
fn spaces_and_control_characters_in_a_token_are_refused() {
    let server = Server::start();
    let good = server.login("ada");
    server.accepts(&good);
    // HTTP itself trims what stands around a header's value (RFC 9110 §5.5).
    assert_eq!(answer(&server, format!("Bearer {good} \t ")).status, 200);
    assert_eq!(answer(&server, format!("  Bearer {good}")).status, 200);

    let [h, p, s] = parts(&good);
    for bytes in
        [" ", "  ", "\t", "\n", "\r", "\r\n", "\r\n ", "\0", "\u{7f}", "\u{b}", "\u{a0}", "\u{feff}", ","]
    {
        let values = [
            format!("Bearer {h}{bytes}.{p}.{s}"),
            format!("Bearer {h}.{bytes}{p}.{s}"),
            format!("Bearer {h}.{p}.{bytes}{s}"),
            format!("Bearer {h}.{}{bytes}{}.{s}", &p[..8], &p[8..]),
        ];
        for value in values {
            assert_refused(&answer(&server, value), &format!("inner {bytes:?}"));
        }
    }
    for bytes in [" ", "\t", "\0", "\u{b}", "\u{a0}", "\u{feff}", "\"", ","] {
        assert_refused(&answer(&server, format!("Bearer {bytes}{good}")), &format!("leading {bytes:?}"));
    }
    for bytes in ["\0", "\u{b}", "\u{a0}", "\"", ",", " x", " ."] {
        assert_refused(&answer(&server, format!("Bearer {good}{bytes}")), &format!("trailing {bytes:?}"));
    }
    let latin = [b"Bearer ", good.as_bytes(), b"\xff"].concat();
    assert_refused(&answer(&server, latin), "a byte that is no text");
}

// E02
#[test]
fn a_token_has_three_parts() {
    let server = Server::start();
    let good = server.login("ada");
    server.accepts(&good);

    let [h, p, s] = parts(&good);
    server.refuses_each([
        ("one part", h.into()),
        ("two parts", format!("{h}.{p}")),
        ("two parts, the last two", format!("{p}.{s}")),
        ("four parts", format!("{good}.{s}")),
        ("four parts, the last empty", format!("{good}.")),
        ("four parts, the first empty", format!(".{good}")),
        ("four parts, one empty", format!("{h}..{p}.{s}")),
        ("five parts", format!("{good}.{p}.{s}")),
        ("six parts", format!("{good}.{good}")),
        ("no header", format!(".{p}.{s}")),
        ("no payload", format!("{h}..{s}")),
        ("nothing but a signature", format!("..{s}")),
        ("one dot", ".".into()),
        ("two dots", "..".into()),
        ("four dots", "....".into()),
        ("8 000 dots", ".".repeat(8_000)),
        ("10 000 dots", ".".repeat(10_000)),
        ("10 000 dots behind a token", format!("{good}{}", ".".repeat(10_000))),
    ]);
    // The signature over what an attacker may want to be read as the payload.
    let two = format!("{h}.{}", b64(hs256(KEY.as_bytes(), h)));
    server.refuses_each([("two parts, rightly signed", two)]);
    assert_refused(&answer(&server, "Bearer "), "no part at all");
    assert_refused(&answer(&server, "Bearer"), "no part and no space");
}

// E03
#[test]
fn a_token_in_the_json_serialisation_is_refused() {
    let server = Server::start();
    let good = server.login("ada");
    server.accepts(&good);

    let [h, p, s] = parts(&good);
    let flattened = json!({"payload": p, "protected": h, "signature": s});
    let general = json!({"payload": p, "signatures": [{"protected": h, "signature": s}]});
    let unprotected = json!({"payload": p, "header": Token::parse(&good).header, "signature": s});
    for (what, json) in [("flattened", flattened), ("general", general), ("unprotected", unprotected)] {
        let text = json.to_string();
        server.refuses_each([
            (what, text.clone()),
            (what, b64(&text)),
            (what, format!("{}.{p}.{s}", b64(&text))),
            (what, sign_text(&text, &text)),
        ]);
    }
}

// E04
#[test]
fn deeply_nested_json_is_refused_and_overflows_no_stack() {
    let server = Server::start();
    let token = Token::of(&server);
    server.accepts(&token.raw_claim("note", "[[[]]]"));

    // 100 000 is beyond the size cap; the others are under it and reach the parser.
    for depth in [1_000, 2_000, 100_000] {
        let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let pairs = depth.min(50_000);
        let objects = format!("{}1{}", r#"{"":"#.repeat(pairs), "}".repeat(pairs));
        let open = "[".repeat(depth);
        for (what, deep) in [("arrays", &arrays), ("objects", &objects), ("unclosed", &open)] {
            server.refuses_each([
                ((what, depth, "alg"), token.raw_header("alg", deep)),
                ((what, depth, "exp"), token.raw_claim("exp", deep)),
                ((what, depth, "header"), sign_text(deep, token.claims_text())),
                ((what, depth, "payload"), sign_text(token.header_text(), deep)),
            ]);
            // Skipping what nobody reads without recursion would be fine too, but only under the cap.
            for token in [token.raw_header("note", deep), token.raw_claim("note", deep)] {
                let reply = server.me(&token);
                if what == "unclosed" || token.len() > 8 * 1024 || reply.status != 200 {
                    assert_invalid_token(
                        &reply,
                        &format!("{what} {depth} deep in a member that nobody reads"),
                    );
                }
            }
        }
    }
    server.accepts(&token.sign());
}

// E05
#[test]
fn a_token_over_the_size_cap_is_refused_and_good_requests_go_on() {
    let server = Server::start();
    let token = Token::of(&server);
    let good = token.sign();
    server.accepts(&good);
    let padded = |bytes: usize| token.claim("note", "n".repeat(bytes * 3 / 4)).sign();
    server.accepts(&padded(6 * 1024));

    let number_header = |bytes: usize| {
        let numbers = Value::from(vec![1; bytes * 3 / 8]);
        token.header("note", numbers).sign()
    };
    for kibibytes in [9, 16, 64, 400] {
        let bytes = kibibytes * 1024;
        let tokens = [
            padded(bytes),
            number_header(bytes),
            token.header("kid", "k".repeat(bytes * 3 / 4)).sign(),
            format!("{good}{}", "A".repeat(bytes)),
            "A".repeat(bytes),
            "=".repeat(bytes),
        ];
        for token in tokens {
            assert!(token.len() >= bytes);
            let reply = server.me(&token);
            // Hyper's own limit on a request's head is near 400 KiB.
            if kibibytes < 400 || reply.status != 431 {
                assert_invalid_token(&reply, &format!("{kibibytes} KiB"));
            }
            server.accepts(&good);
        }
    }
}

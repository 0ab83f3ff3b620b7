//! Nothing in a token's header chooses, brings or fetches a key, or changes how it is read.

use crate::{
    forge::{Token, b64, members, sign_with, twice},
    key::{Key, with_every_key},
};
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    io::ErrorKind,
    net::{TcpListener, TcpStream},
};

with_every_key![
    a_key_that_the_token_brings_is_never_used,
    no_key_is_fetched_from_an_address_that_the_token_names,
    a_certificate_that_the_token_brings_is_never_used,
    a_kid_is_not_a_file_name,
    a_kid_is_not_a_query_a_command_or_a_pattern,
    a_kid_that_names_no_key_is_refused_and_splits_no_log_line,
    a_kid_is_needed_once_there_are_two_keys,
    a_critical_extension_is_refused,
    a_compressed_encrypted_or_nested_token_is_refused,
    a_header_member_that_stands_twice_is_refused,
];

/// The attacker's own key pair.
fn attacker() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed")
}

/// A certificate for the attacker's key, signed by that key (openssl req -x509, 100 years).
const CERTIFICATE: &str = "\
    MIIBLjCB4aADAgECAhR/uOVqSMsCkyhZYCi2BkKjZl5uYTAFBgMrZXAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQwMjE1MTdaGA8y\
    MTI2MTAzMTAyMTUxN1owDDEKMAgGA1UEAwwBYTAqMAUGAytlcAMhAOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIso1Mw\
    UTAdBgNVHQ4EFgQUTF7OQCOgNB7irP/MTRcVSoVPAuUwHwYDVR0jBBgwFoAUTF7OQCOgNB7irP/MTRcVSoVPAuUwDwYDVR0TAQH/\
    BAUwAwEB/zAFBgMrZXADQQAQKNca/eLn0TONAKEDRrrwiovaQC1GA+qlgWdDE3H6ubzqwVseoYRteeSepX0l1An4tgEwwcqrVHsj\
    4BMXzXsL";

/// The token as EdDSA, signed by the attacker, with and without the server's `kid`.
fn by_attacker(token: &Token) -> [String; 2] {
    let token = token.header("alg", "EdDSA");
    [token.clone(), token.without_header("kid")].map(|token| {
        let message = format!("{}.{}", b64(token.header_text()), b64(token.claims_text()));
        let signature = attacker().sign(message.as_bytes());
        format!("{message}.{}", b64(signature))
    })
}

/// The token as HS256 under this key, with and without the server's `kid`.
fn with_key(key: &[u8], token: &Token) -> [String; 2] {
    let token = token.header("alg", "HS256");
    [token.clone(), token.without_header("kid")]
        .map(|token| sign_with(key, token.header_text(), token.claims_text()))
}

// A11
fn a_key_that_the_token_brings_is_never_used(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let public = b64(attacker().public_key());
    let public_jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": public});
    let private_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": public, "d": b64([7; 32])});
    let mut named_jwk = public_jwk.clone();
    named_jwk["kid"] = token.header["kid"].clone();
    for jwk in [public_jwk, private_jwk, named_jwk] {
        server.refuses_each(by_attacker(&token.header("jwk", jwk.clone())).map(|token| (jwk.clone(), token)));
    }
    let own = [42; 32];
    let secret_jwk = json!({"kty": "oct", "alg": "HS256", "k": b64(own)});
    server.refuses_each(with_key(&own, &token.header("jwk", secret_jwk.clone())).map(|token| ("oct", token)));
    // Whoever holds the right key has no reason to send one along.
    server.refuses_each([
        ("jwk, rightly signed", token.header("jwk", secret_jwk).sign()),
        ("jwk null, rightly signed", token.header("jwk", Value::Null).sign()),
    ]);
}

// A12
fn no_key_is_fetched_from_an_address_that_the_token_names(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let address = listener.local_addr().expect("an address");
    for member in ["jku", "x5u"] {
        for scheme in ["http", "https"] {
            let token = token.header(member, format!("{scheme}://{address}/keys.json"));
            let [with_kid, without] = by_attacker(&token);
            server.refuses_each([(member, with_kid), (member, without), (member, token.sign())]);
        }
        for url in ["file:///dev/null", "//127.0.0.1", "data:,{}", ""] {
            server.refuses_each([(member, token.header(member, url).sign())]);
        }
    }
    assert_eq!(listener.accept().expect_err("nobody came").kind(), ErrorKind::WouldBlock);

    // The listener would have seen it.
    let _visit = TcpStream::connect(address).expect("the listener is there");
    listener.accept().expect("the visit is seen");
}

// A13
fn a_certificate_that_the_token_brings_is_never_used(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let der = BASE64_STANDARD.decode(CERTIFICATE).expect("the certificate");
    assert!(der.windows(32).any(|part| part == attacker().public_key().as_ref()), "it is the attacker's");
    let chained = token.header("x5c", vec![CERTIFICATE]);
    let sha1 = b64(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der));
    let sha256 = b64(digest::digest(&digest::SHA256, &der));
    let thumbs = chained.header("x5t", sha1.clone()).header("x5t#S256", sha256.clone());
    for token in [&chained, &thumbs] {
        server.refuses_each(by_attacker(token).map(|token| ("signed by the certificate's key", token)));
        server.refuses_each(with_key(&der, token).map(|token| ("the certificate as a secret", token)));
    }
    server.refuses_each([
        ("x5c, rightly signed", chained.sign()),
        ("x5c empty", token.header("x5c", json!([])).sign()),
        ("x5t garbage", token.header("x5t", "garbage").sign()),
        ("x5t number", token.header("x5t", 1).sign()),
        ("x5t", token.header("x5t", sha1).sign()),
        ("x5t#S256 garbage", token.header("x5t#S256", "%%%").sign()),
        ("x5t#S256", token.header("x5t#S256", sha256).sign()),
    ]);
}

// A14
fn a_kid_is_not_a_file_name(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let files = [
        "../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "../../../../../../proc/sys/kernel/randomize_va_space",
        "C:\\nul",
        "nul",
        "test.db",
        "./",
    ];
    for kid in files {
        let token = token.header("kid", kid);
        server.refuses_each([(kid, token.sign())]);
        let token = token.header("alg", "HS256");
        for content in [&b""[..], b"\0", b"0", b"2", b"0\n", b"1\n", b"2\n", key.setting.as_bytes()] {
            server.refuses_each([(kid, sign_with(content, token.header_text(), token.claims_text()))]);
        }
    }
}

// A15
fn a_kid_is_not_a_query_a_command_or_a_pattern(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let right = token.header["kid"].as_str().expect("a kid").to_owned();
    let kids = [
        "' OR 1=1--",
        "' OR '1'='1",
        "x' UNION SELECT 'k",
        "x' UNION SELECT 'k'--",
        "|id",
        "$(id)",
        "`id`",
        "{{7*7}}",
        "${7*7}",
        "*",
        "?",
        "%",
        "_",
        ".*",
        "[a-z0-9]*",
        &format!("{right}' OR '1'='1"),
        &format!("{right}*"),
        &format!("{right} "),
        &right[..right.len() - 1],
    ];
    for kid in kids {
        let token = token.header("kid", kid);
        server.refuses_each([(kid, token.sign())]);
        let token = token.header("alg", "HS256");
        for guess in [&b""[..], b"k", b"49", key.setting.as_bytes()] {
            server.refuses_each([(kid, sign_with(guess, token.header_text(), token.claims_text()))]);
        }
    }
}

// A16
fn a_kid_that_names_no_key_is_refused_and_splits_no_log_line(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let right = token.header["kid"].as_str().expect("a kid");
    let kids = [
        json!("unknown"),
        json!(""),
        json!(1),
        json!(0),
        json!(null),
        json!(true),
        json!([right]),
        json!({"kid": right}),
        json!("k".repeat(4096)),
        json!("k".repeat(64 * 1024)),
        json!(format!("{right}\0")),
        json!("a\0b"),
        json!("a\nforged: a line\r\nforged: another"),
        json!("a\u{2028}forged: a line"),
        json!("\u{202e}drawkcab"),
        json!("\u{1b}[2Jwiped"),
    ];
    server.refuses_each(kids.map(|kid| {
        let what: String = kid.to_string().chars().take(40).collect();
        (what, token.header("kid", kid).sign())
    }));

    server.is_well();
    let log = server.log();
    for raw in ["\nforged", "\r", "\0", "\u{2028}", "\u{202e}", "\u{1b}[2J"] {
        assert!(!log.contains(raw), "{raw:?} stands raw in the log: {log:?}");
    }
}

// A17
fn a_kid_is_needed_once_there_are_two_keys(key: &'static Key) {
    let (server, old, new) = key.after_a_rotation();
    server.accepts(&old.sign());
    server.accepts(&new.sign());

    for token in [new.without_header("kid"), new.header("kid", ""), new.header("kid", Value::Null)] {
        server.refuses_each([
            ("signed by the current key", token.sign()),
            ("signed by the previous key", old.key.jws(token.header_text(), token.claims_text())),
            (
                "signed by the previous key as itself",
                old.key.jws(token.header("alg", old.key.alg).header_text(), token.claims_text()),
            ),
        ]);
    }
}

// A18
fn a_critical_extension_is_refused(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    server.accepts(&token.sign());

    let crits = [
        r#"["exp"]"#,
        r#"["nope"]"#,
        "[]",
        r#""b64""#,
        r#"["b64"]"#,
        r#"["b64","b64"]"#,
        r#"["exp","exp"]"#,
        r#"["alg"]"#,
        r#"["kid","typ"]"#,
        "[null]",
        "[1]",
        "[[]]",
        "{}",
        r#"{"exp":1}"#,
        "null",
        "false",
        r#""""#,
    ];
    server.refuses_each(crits.map(|crit| (crit, token.raw_header("crit", crit))));
    let exp = token.header("exp", token.claims["exp"].clone());
    server.refuses_each([
        ("crit exp, and exp there", exp.raw_header("crit", r#"["exp"]"#)),
        ("crit b64, and b64 there", token.header("b64", true).raw_header("crit", r#"["b64"]"#)),
        ("b64 alone", token.header("b64", true).sign()),
        ("b64 false alone", token.header("b64", false).sign()),
    ]);
    // RFC 7797: the payload unencoded and signed as it stands.
    let header = members(&[("b64", "false"), ("crit", r#"["b64"]"#)], &token.header);
    let message = format!("{}.{}", b64(header), token.claims_text());
    server.refuses_each([("an unencoded payload", key.signed(message))]);
}

// A20
fn a_compressed_encrypted_or_nested_token_is_refused(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    let good = token.sign();
    server.accepts(&good);

    // RFC 1951 §3.2.4: one stored block, the last.
    let text = token.claims_text();
    let length = u16::try_from(text.len()).expect("a short payload");
    let deflated = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), text.as_bytes()].concat();
    let zip = token.header("zip", "DEF");
    server.refuses_each([
        ("zip, compressed", key.jws(zip.header_text(), deflated)),
        ("zip, not compressed", zip.sign()),
        ("zip null", token.header("zip", Value::Null).sign()),
    ]);

    let part = |byte: u8, length| b64(vec![byte; length]);
    let jwe = json!({"alg": "dir", "enc": "A256GCM", "kid": token.header["kid"], "typ": "at+jwt"});
    let jwe = format!("{}..{}.{}.{}", b64(jwe.to_string()), part(1, 12), part(2, 200), part(3, 16));
    server.refuses_each([
        ("a JWE", jwe),
        ("enc on a JWS", token.header("enc", "A256GCM").sign()),
        ("enc and alg dir", token.header("enc", "A256GCM").header("alg", "dir").sign()),
    ]);

    let nested = token.header("cty", "JWT");
    server.refuses_each([
        ("a token in a token", key.jws(nested.header_text(), &good)),
        ("a token in a token, no cty", key.jws(token.header_text(), &good)),
        ("a token as a string in a token", key.jws(nested.header_text(), json!(good).to_string())),
        ("cty alone", nested.sign()),
    ]);
}

// A21
fn a_header_member_that_stands_twice_is_refused(key: &'static Key) {
    let server = key.start();
    let token = key.token(&server);
    let claims = token.claims_text();
    let alg = format!("\"{}\"", key.alg);
    server.accepts(&key.jws(members(&[("alg", &alg)], &token.header), &claims));

    for (name, other) in [("alg", r#""none""#), ("kid", r#""other""#), ("typ", r#""JWT""#), ("ext", "2")] {
        for header in twice(&token.header, name, other) {
            server.refuses_each([(header.clone(), key.jws(header, &claims))]);
        }
    }
    // The same name in another spelling of JSON.
    for (escaped, other) in [(r"\u0061lg", &*alg), (r"k\u0069d", r#""other""#), (r"t\u0079p", "1")] {
        let header = members(&[(escaped, other)], &token.header);
        server.refuses_each([(header.clone(), key.jws(header, &claims))]);
    }
    let unsigned = format!("{}.{}.", b64(&twice(&token.header, "alg", r#""none""#)[0]), b64(&claims));
    let signature = b64(key.sign(unsigned.trim_end_matches('.')));
    server.refuses_each([("alg twice, unsigned", unsigned.clone()), ("then signed", unsigned + &*signature)]);
}

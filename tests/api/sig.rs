//! A signature is right in every bit, or it is wrong.

use crate::{
    forge::{Token, b64, unb64},
    key::{Key, with_every_key},
};
use aws_lc_rs::signature;

with_every_key![a_signature_changed_in_any_way_is_refused, a_signature_belongs_to_one_token_only];

/// How long the signature of each algorithm is, in bytes.
fn length(alg: &str) -> usize {
    match alg {
        "HS256" => 32,
        "RS256" => 256,
        _ => 64,
    }
}

// A07
fn a_signature_changed_in_any_way_is_refused(key: &'static Key) {
    let server = key.start();
    let good = server.login("ada");
    server.accepts(&good);

    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let with = |signature: &[u8]| format!("{message}.{}", b64(signature));
    let signature = unb64(signature);
    let length = length(key.alg);
    assert_eq!((signature.len(), with(&signature)), (length, good.clone()));
    server.refuses_each([
        ("empty", with(b"")),
        ("one byte", with(&signature[..1])),
        ("half", with(&signature[..length / 2])),
        ("one byte short", with(&signature[..length - 1])),
        ("without its first byte", with(&signature[1..])),
        ("one byte long", with(&[&signature[..], &[0]].concat())),
        ("a zero in front", with(&[&[0], &signature[..]].concat())),
        ("twice", with(&[&signature[..], &signature].concat())),
        ("all zero", with(&vec![0; length])),
        ("all ones", with(&vec![255; length])),
        ("backwards", with(&signature.iter().rev().copied().collect::<Vec<_>>())),
        ("of another key", with(&key.previous().sign(message))),
    ]);
    // Every bit of a short one, a bit of every byte of a long one.
    let step = if length == 32 { 1 } else { 9 };
    server.refuses_each((0..8 * length).step_by(step).map(|bit| {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        (bit, with(&flipped))
    }));
}

// A07
fn a_signature_belongs_to_one_token_only(key: &'static Key) {
    let server = key.start();
    let (first, second) = (server.login("ada"), server.login("ada"));
    server.accepts(&first);
    server.accepts(&second);

    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (parts(&first), parts(&second));
    assert_ne!(a[1], b[1], "every token is another one");
    server.refuses_each([
        ("the other's signature", [&*a[0], &a[1], &b[2]].join(".")),
        ("the other's payload", [&*a[0], &b[1], &a[2]].join(".")),
    ]);
    let admin = Token::parse(&first).claim("roles", vec!["admin"]);
    server.refuses_each([("roles added", [&*a[0], &b64(admin.claims_text()), &a[2]].join("."))]);
    server.refuses_each([
        ("parts in another order", [&*a[1], &a[0], &a[2]].join(".")),
        ("the dot moved", format!("{}{}.{}.{}", a[0], &a[1][..4], &a[1][4..], a[2])),
    ]);
}

// A08
#[test]
fn an_es256_signature_has_one_form_and_numbers_in_their_range() {
    let key = Key::es256();
    let server = key.start();
    let good = server.login("ada");
    server.accepts(&good);

    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let with = |parts: &[&[u8]]| format!("{message}.{}", b64(parts.concat()));
    let signature = unb64(signature);
    let (r, s) = signature.split_at(32);
    // INTEGER, with a zero before what would be negative.
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [&[0x30, 70][..], &integer(r), &integer(s)];
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let zero = [0; 32];
    server.refuses_each([
        ("DER", with(&der)),
        ("r = 0", with(&[&zero, s])),
        ("s = 0", with(&[r, &zero])),
        ("r = s = 0", with(&[&zero, &zero])),
        ("r = n", with(&[&N, s])),
        ("s = n", with(&[r, &N])),
        ("r = s = n", with(&[&N, &N])),
        ("63 bytes", with(&[r, &s[..31]])),
        ("65 bytes", with(&[&[0], r, s])),
        ("s before r", with(&[s, r])),
    ]);
}

// A10
#[test]
fn an_eddsa_signature_has_no_twin() {
    /// RFC 8032 §5.1, little-endian.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = Key::eddsa();
    let server = key.start();
    let good = server.login("ada");
    server.accepts(&good);

    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let with = |r: &[u8], s: &[u8]| format!("{message}.{}", b64([r, s].concat()));
    let signature = unb64(signature);
    let (r, s) = signature.split_at(32);
    let mut twin = s.to_vec();
    let mut carry = 0;
    for at in 0..32 {
        let digit = u16::from(s[at]) + u16::from(L[at]) + carry;
        (twin[at], carry) = (digit as u8, digit >> 8);
    }
    let (mut neutral, zero) = ([0; 32], [0; 32]);
    neutral[0] = 1;
    server.refuses_each([
        ("S + L", with(r, &twin)),
        ("S = 0 and R neutral", with(&neutral, &zero)),
        ("S = 0 and R = 0", with(&zero, &zero)),
        ("S = L and R neutral", with(&neutral, &L)),
    ]);
}

#[test]
fn rs256_is_one_padding_and_one_hash() {
    let key = Key::rs256();
    let server = key.start();
    let good = server.login("ada");
    server.accepts(&good);

    let (message, _) = good.rsplit_once('.').expect("a signature");
    let others: [(_, &'static dyn signature::RsaEncoding); 4] = [
        ("PSS", &signature::RSA_PSS_SHA256),
        ("SHA-384", &signature::RSA_PKCS1_SHA384),
        ("SHA-512", &signature::RSA_PKCS1_SHA512),
        ("PSS with SHA-512", &signature::RSA_PSS_SHA512),
    ];
    server.refuses_each(others.map(|(what, how)| {
        let signature = key.sign_rsa(how, message.as_bytes()).expect("an RSA key");
        (what, format!("{message}.{}", b64(signature)))
    }));
}

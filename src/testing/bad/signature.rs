//! A signature is right in every bit, or it is wrong (RFC 7515 §5.2).

use super::{
    super::forge::{b64, unb64},
    Cases, Forge, invalid,
};
use serde_json::Value;

/// The order of P-256, big-endian (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of Ed25519's base point, little-endian (RFC 8032 §5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn by_anybody(forge: &Forge<'_>, cases: &mut Cases) {
    let [header, payload, signature] = forge.parts();
    let with = |signature: &[u8]| format!("{header}.{payload}.{}", b64(signature));
    let signature = unb64(signature).unwrap_or_default();
    let length = signature.len();

    let row = invalid("A07", "RFC 7515 §5.2");
    if length > 1 {
        cases.token(&row, "one byte of the signature", with(&signature[..1]));
        cases.token(&row, "half of the signature", with(&signature[..length / 2]));
        cases.token(&row, "the signature one byte short", with(&signature[..length - 1]));
        cases.token(&row, "the signature without its first byte", with(&signature[1..]));
    }
    cases.token(&row, "the signature one byte long", with(&[&signature[..], &[0]].concat()));
    cases.token(&row, "the signature with a zero in front", with(&[&[0], &signature[..]].concat()));
    cases.token(&row, "the signature twice", with(&signature.repeat(2)));
    cases.token(&row, "a signature of zeros, as r = s = 0", with(&vec![0; length]));
    cases.token(&row, "a signature of ones", with(&vec![255; length]));
    cases.token(&row, "the signature backwards", with(&signature.iter().rev().copied().collect::<Vec<_>>()));
    // The first, the last, and one in each of eight places between.
    let places = (0..8).map(|place| place * length / 8).chain([length.saturating_sub(1)]);
    for (place, bit) in places.filter(|place| *place < length).zip([7, 0, 3, 5, 1, 6, 2, 4, 0]) {
        let mut flipped = signature.clone();
        flipped[place] ^= 1 << bit;
        cases.token(&row, format!("bit {bit} of byte {place} of the signature flipped"), with(&flipped));
    }
    cases.token(&row, "the payload as its own signature", format!("{header}.{payload}.{payload}"));

    match (forge.good.header.get("alg").and_then(Value::as_str), signature.split_at_checked(32)) {
        (Some("ES256"), Some((r, s))) => es256(r, s, &with, cases),
        (Some("EdDSA"), Some((r, s))) => eddsa(r, s, &with, cases),
        _ => {}
    }
}

/// RFC 7518 §3.4: 64 bytes, r and s, each from 1 to the order less 1.
fn es256(r: &[u8], s: &[u8], with: &dyn Fn(&[u8]) -> String, cases: &mut Cases) {
    let row = invalid("A08", "RFC 7518 §3.4");
    let (zero, order) = ([0; 32], P256_ORDER);
    // INTEGER, with a zero before what would be negative.
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [&[0x30, 70][..], &integer(r), &integer(s)].concat();
    for (what, signature) in [
        ("DER", der),
        ("r = 0", [&zero, s].concat()),
        ("s = 0", [r, &zero].concat()),
        ("r = n", [&order, s].concat()),
        ("s = n", [r, &order].concat()),
        ("r = s = n", [order, order].concat()),
        ("s before r", [s, r].concat()),
    ] {
        cases.token(&row, format!("the ES256 signature: {what}"), with(&signature));
    }
}

/// RFC 8032 §5.1.7: S is less than the order, so that there is no twin.
fn eddsa(r: &[u8], s: &[u8], with: &dyn Fn(&[u8]) -> String, cases: &mut Cases) {
    let row = invalid("A10", "RFC 8032 §5.1.7");
    let mut twin = [0; 32];
    let mut carry = 0;
    for ((digit, s), l) in twin.iter_mut().zip(s).zip(ED25519_ORDER) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        [*digit, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    let (mut neutral, zero) = ([0; 32], [0; 32]);
    neutral[0] = 1;
    for (what, r, s) in [
        ("S + L", r, &twin),
        ("S = 0 and R neutral", &neutral[..], &zero),
        ("S = 0 and R = 0", &zero, &zero),
        ("S = L and R neutral", &neutral, &ED25519_ORDER),
    ] {
        cases.token(&row, format!("the EdDSA signature: {what}"), with(&[r, s].concat()));
    }
}

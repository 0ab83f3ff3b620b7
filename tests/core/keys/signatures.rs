//! There is one signature for each algorithm, in one form; its twins are refused.

use super::{ALGORITHMS, NOW, b64, hex, issue, message, resigned, rsa, rsa_der, rules, set, unb64, with};
use aws_lc_rs::{
    digest::{SHA512, digest},
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use countersign::jwt::{AccessTokens, JwtError, KeyRing, KeySet, SigningKey, verify_jws};
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

/// Refused, and for its signature.
#[track_caller]
fn refused(keys: &KeySet, message: &str, signature: impl AsRef<[u8]>, what: &str) {
    let token = resigned(message, signature);
    assert_eq!(verify_jws(token.as_bytes(), keys).expect_err(what), JwtError::Signature, "{what}");
}

#[track_caller]
fn accepted(keys: &KeySet, message: &str, signature: impl AsRef<[u8]>) {
    assert!(verify_jws(resigned(message, signature).as_bytes(), keys).is_ok());
}

/// The sum of two big-endian numbers of the same length, which must not overflow.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut sum = vec![0; a.len()];
    let mut carry = 0;
    for at in (0..a.len()).rev() {
        let digit = u16::from(a[at]) + u16::from(b[at]) + carry;
        (sum[at], carry) = (digit as u8, digit >> 8);
    }
    assert_eq!(carry, 0, "it fits");
    sum
}

/// a − b.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut difference = vec![0; a.len()];
    let mut borrow = 0;
    for at in (0..a.len()).rev() {
        let digit = i16::from(a[at]) - i16::from(b[at]) - borrow;
        (difference[at], borrow) = (digit.rem_euclid(256) as u8, i16::from(digit < 0));
    }
    difference
}

// A08
#[test]
fn an_es256_signature_is_two_numbers_of_32_bytes_within_their_range() {
    let n = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": b64(x), "y": b64(y) });
    let keys = KeySet::from_jwks(&set(&[jwk])).expect("a key");
    let message = message("ES256");
    let right = pair.sign(&SystemRandom::new(), message.as_bytes()).expect("signed");
    let right = right.as_ref();
    let (r, s) = right.split_at(32);
    accepted(&keys, &message, right);
    // JOSE does not ask for the smaller of the two (RFC 7518 §3.4).
    accepted(&keys, &message, [r, &difference(&n, s)].concat());

    refused(&keys, &message, super::der::signature(right), "DER");
    let (zero, one, max) = ([0; 32], hex(&format!("{}01", "00".repeat(31))), [0xff; 32]);
    for number in [&zero[..], &n, &one, &max, &sum(&n, &one)] {
        refused(&keys, &message, [number, s].concat(), "r");
        refused(&keys, &message, [r, number].concat(), "s");
        refused(&keys, &message, [number, number].concat(), "r and s");
    }
    refused(&keys, &message, [s, r].concat(), "the other way round");
    for length in [0, 1, 31, 32, 62, 63] {
        refused(&keys, &message, &right[..length], "short");
        refused(&keys, &message, &right[64 - length..], "short");
    }
    refused(&keys, &message, [right, &[0]].concat(), "65 bytes");
    refused(&keys, &message, [&[0], right].concat(), "65 bytes");
    refused(&keys, &message, [&[0], r, &[0], s].concat(), "66 bytes");
    refused(&keys, &message, [&zero[..16], r, &zero[..16], s].concat(), "as P-384 has it");
    refused(&keys, &message, [right, right].concat(), "twice");
}

/// Numbers modulo L (RFC 8032 §5.1), the least significant word first.
type Number = [u64; 4];
const L: Number = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];

/// The plain sum, which must fit.
fn plus(a: Number, b: Number) -> Number {
    let mut carry = false;
    std::array::from_fn(|at| {
        let (sum, first) = a[at].overflowing_add(b[at]);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        carry = first || second;
        sum
    })
}

fn plus_modulo(a: Number, b: Number) -> Number {
    let sum = plus(a, b);
    if sum.iter().rev().lt(L.iter().rev()) {
        return sum;
    }
    // −L as the complement.
    plus(plus(sum, L.map(|word| !word)), [1, 0, 0, 0])
}

/// A number in little-endian bytes, times `b`.
fn times(bytes: &[u8], b: Number) -> Number {
    let bits = bytes.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.fold([0; 4], |product, bit| {
        let twice = plus_modulo(product, product);
        if bit == 1 { plus_modulo(twice, b) } else { twice }
    })
}

fn little_endian(number: Number) -> Vec<u8> {
    number.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn words(bytes: &[u8]) -> Number {
    std::array::from_fn(|at| u64::from_le_bytes(bytes[at * 8..at * 8 + 8].try_into().expect("8 bytes")))
}

// A10
#[test]
fn an_eddsa_signature_has_no_twin() {
    let seed = [7; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64(pair.public_key()) });
    let keys = KeySet::from_jwks(&set(&[jwk])).expect("a key");
    let message = message("EdDSA");
    let right = pair.sign(message.as_bytes()).as_ref().to_vec();
    let (r, s) = right.split_at(32);
    accepted(&keys, &message, &right);

    let mut twin = words(s);
    for _ in 0..8 {
        twin = plus(twin, L);
        refused(&keys, &message, [r, &little_endian(twin)].concat(), "S + L");
    }
    let mut high = s.to_vec();
    high[31] |= 0xe0;
    refused(&keys, &message, [r, &high].concat(), "bits that are always 0");

    // With R the neutral element whoever has the private key can sign, but only with R in the
    // one form; S is the hash times the key (RFC 8032 §5.1.6 with r = 0).
    let mut private = digest(&SHA512, &seed).as_ref()[..32].to_vec();
    (private[0], private[31]) = (private[0] & 0xf8, private[31] & 0x7f | 0x40);
    let with_r = |r: &[u8; 32]| {
        let hashed = [&r[..], pair.public_key().as_ref(), message.as_bytes()].concat();
        let hash = times(digest(&SHA512, &hashed).as_ref(), [1, 0, 0, 0]);
        [&r[..], &little_endian(times(&private, hash))].concat()
    };
    let mut neutral = [0; 32];
    neutral[0] = 1;
    accepted(&keys, &message, with_r(&neutral));
    let (mut signed, mut beyond_p) = (neutral, [0xff; 32]);
    signed[31] = 0x80;
    (beyond_p[0], beyond_p[31]) = (0xee, 0x7f);
    refused(&keys, &message, with_r(&signed), "R as −0");
    refused(&keys, &message, with_r(&beyond_p), "R as p + 1");
    beyond_p[31] = 0xff;
    refused(&keys, &message, with_r(&beyond_p), "R as −(p + 1)");
    for r in [neutral, signed, beyond_p, [0; 32]] {
        refused(&keys, &message, [r, [0; 32]].concat(), "S = 0");
    }
    for length in [0, 1, 32, 63] {
        refused(&keys, &message, &right[..length], "short");
    }
    refused(&keys, &message, [&right[..], &[0]].concat(), "65 bytes");
}

#[test]
fn an_rs256_signature_has_the_size_of_the_modulus() {
    let private = SigningKey::parse(rsa_pem().as_bytes()).expect("a key");
    let keys = KeySet::of([&private]).expect("a key");
    let der = rsa_der();
    let pair = RsaKeyPair::from_der(&der).expect("a key");
    let n = unb64(rsa()["n"].as_str().expect("a member"));
    let (message, right) = (0_u32..)
        .map(|count| {
            let message = format!("{}.{}", b64(r#"{"alg":"RS256"}"#), b64(count.to_string()));
            let mut signature = vec![0; 256];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
                .expect("signed");
            (message, signature)
        })
        .find(|(_, signature)| signature[0] == 0)
        .expect("one of many");
    accepted(&keys, &message, &right);
    refused(&keys, &message, &right[1..], "without the zero in front");
    refused(&keys, &message, [&[0], &right[..]].concat(), "with another zero");
    refused(&keys, &message, sum(&right, &n), "s + n");
    refused(&keys, &message, difference(&n, &right), "n − s");
    refused(&keys, &message, &n, "n");
    for byte in [0, 1, 0xff] {
        refused(&keys, &message, [byte; 256], "the same byte");
    }
}

fn rsa_pem() -> String {
    super::der::pem("RSA PRIVATE KEY", &rsa_der())
}

/// One key for each algorithm, as making RSA keys takes long.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let made = ALGORITHMS.map(|algorithm| SigningKey::generate(algorithm).expect("a key"));
    let large = with(&rsa(), "note", 1);
    made.into_iter().chain([super::signing(&large).expect("a key")]).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_key_signs_it_verifies_and_no_other_does(which in 0..5_usize, other in 0..5_usize) {
        let tokens = AccessTokens::new(KeyRing::new(KEYS[which].clone(), NOW), rules());
        let token = issue(&tokens, NOW);
        prop_assert!(tokens.verify(token.as_bytes(), NOW).is_ok());
        let others = AccessTokens::new(KeyRing::new(KEYS[other].clone(), NOW), rules());
        prop_assert_eq!(others.verify(token.as_bytes(), NOW).is_ok(), which == other);
        let jws = verify_jws(token.as_bytes(), &KeySet::of([&KEYS[which]]).expect("a key")).expect("signed");
        prop_assert_eq!((jws.algorithm(), jws.kid()), (KEYS[which].algorithm(), Some(KEYS[which].kid())));
    }
}

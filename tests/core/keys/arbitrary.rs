//! Whatever is read as a key or a set of keys, nothing panics.

use super::{ec, oct, okp, rsa, set, with};
use countersign::jwt::{KeyRing, KeySet, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};

fn good() -> impl Strategy<Value = Value> {
    prop_oneof![Just(okp()), Just(ec()), Just(rsa()), Just(oct())]
}

/// A value such as might stand in a JWK, right or wrong.
fn value() -> impl Strategy<Value = Value> {
    let words =
        "RSA|EC|OKP|oct|P-256|P-384|Ed25519|X25519|sig|enc|sign|verify|RS256|ES256|EdDSA|HS256|AQAB|AA";
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[A-Za-z0-9_-]{0,700}".prop_map(Value::from),
        "[A-Za-z0-9_-]{43}".prop_map(Value::from),
        proptest::collection::vec("[a-z]{0,8}", 0..4).prop_map(Value::from),
        Just(json!({ "published_at": 1, "signs_from": 2, "retires_at": 1 })),
        (any::<u64>(), any::<u64>()).prop_map(|(a, b)| json!({ "published_at": a, "signs_from": b })),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "kty|crv|kid|alg|use|key_ops|x|y|n|e|d|p|q|dp|dq|qi|k|oth|life|[a-z]{1,3}"
}

/// A good JWK with some members set.
fn mutated() -> impl Strategy<Value = Value> {
    (good(), proptest::collection::vec((name(), value()), 0..4)).prop_map(|(jwk, changes)| {
        changes.into_iter().fold(jwk, |jwk, (name, value)| with(&jwk, &name, value))
    })
}

fn read(text: &str) {
    let _ = KeySet::from_jwks(text);
    let _ = KeySet::published(text);
    let _ = KeySet::registered(text);
    if let Ok(ring) = KeyRing::from_json(text) {
        let again = KeyRing::from_json(&ring.to_json()).expect("what was read is written so that it can be");
        assert_eq!(*again.to_json(), *ring.to_json());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_set_of_almost_good_keys_is_read_or_refused(keys in proptest::collection::vec(mutated(), 0..4)) {
        read(&set(&keys));
    }

    #[test]
    fn any_damaged_set_is_read_or_refused(
        key in mutated(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut text = set(&[key]).into_bytes();
        let at = at.index(text.len());
        if cut { text.truncate(at) } else { text[at] = byte }
        read(&String::from_utf8_lossy(&text));
    }

    #[test]
    fn any_bytes_are_a_key_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SigningKey::parse(&bytes);
    }

    #[test]
    fn any_bytes_in_pem_are_a_key_or_refused(
        label in "(RSA |EC |ENCRYPTED |DSA |OPENSSH )?PRIVATE KEY|PUBLIC KEY|CERTIFICATE|[A-Z ]{0,9}",
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = SigningKey::parse(super::der::pem(&label, &bytes).as_bytes());
    }

    #[test]
    fn a_damaged_key_is_a_whole_key_or_refused(
        algorithm in 0..3_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let jwk = [okp(), ec(), rsa()][algorithm].clone();
        let key = super::signing(&jwk).expect("a key");
        let mut pem = key.to_text().expect("no secret").as_bytes().to_vec();
        let at = at.index(pem.len());
        pem[at] = byte;
        if let Ok(read) = SigningKey::parse(&pem) && read.algorithm() == key.algorithm() {
            let text = super::token_of(&read);
            let keys = KeySet::of([&read]).expect("a key");
            prop_assert!(countersign::jwt::verify_jws(text.as_bytes(), &keys).is_ok(), "its halves belong together");
        }
    }
}

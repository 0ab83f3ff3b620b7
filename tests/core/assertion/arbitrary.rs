//! Whatever comes as an assertion, nothing panics, and only what the client signed is taken.

use super::{CLIENT, ENDPOINT, ISSUER, LEEWAY, NOW, claims, said, signer::Signer, verify};
use crate::keys::{b64, set, with};
use countersign::jwt::{Assertion, JwtError, KeySet};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SIGNERS: LazyLock<[(Signer, KeySet); 3]> = LazyLock::new(|| {
    Signer::all().map(|signer| {
        let keys = signer.keys();
        (signer, keys)
    })
});

/// All of them under the names that they sign by.
static ALL: LazyLock<KeySet> = LazyLock::new(|| {
    let jwks = SIGNERS.each_ref().map(|(signer, _)| signer.jwk.clone());
    KeySet::registered(&set(&jwks)).expect("three keys")
});

#[test]
fn any_one_changed_bit_of_an_assertion_is_refused_for_every_algorithm() {
    for (signer, keys) in &*SIGNERS {
        let mut token = signer.sign(signer.header().to_string(), claims().to_string()).into_bytes();
        assert!(verify(&token, keys, LEEWAY, NOW).is_ok());
        for bit in 0..8 * token.len() {
            token[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&token, keys, LEEWAY, NOW).is_err(), "{}, bit {bit}", signer.alg);
            token[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Any JSON value, small.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!(CLIENT)),
        Just(json!(ISSUER)),
        Just(json!(NOW + 60)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{0,4}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Whether the value is of the type that the claim has.
fn fits(claim: &str, value: &Value) -> bool {
    match claim {
        "exp" => value.is_u64(),
        "aud" => {
            value.is_string() || matches!(&value.as_array().map(Vec::as_slice), Some([Value::String(_)]))
        }
        _ => value.is_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_the_client_signs_is_taken_and_says_what_it_said(
        which in 0..3_usize,
        alone in any::<bool>(),
        id in "\\PC{1,60}",
        life in 1_u64..=3_600,
        age in proptest::option::of(0_u64..1_000_000),
        (to_endpoint, in_array) in any::<(bool, bool)>(),
        typ in proptest::option::of("JWT|jwt|client-authentication\\+jwt|application/client-authentication\\+jwt"),
        now in prop_oneof![1_000_000_u64..u64::MAX - 10_000, Just(NOW)],
    ) {
        let (signer, keys) = &SIGNERS[which];
        let name = if to_endpoint { ENDPOINT } else { ISSUER };
        let aud = if in_array { json!([name]) } else { json!(name) };
        let mut claims = json!({ "iss": CLIENT, "sub": CLIENT, "aud": aud, "jti": id, "exp": now + life });
        if let Some(age) = age {
            claims["iat"] = (now - age).into();
        }
        let mut header = json!({ "alg": signer.alg, "kid": signer.jwk["kid"] });
        if let Some(typ) = typ {
            header["typ"] = typ.into();
        }
        let token = signer.sign(header.to_string(), claims.to_string());
        let found = verify(&token, if alone { keys } else { &ALL }, LEEWAY, now);
        prop_assert_eq!(found.as_ref().map(|found| (found.id(), found.expires_at().0)), Ok((&*id, now + life + LEEWAY)));
        prop_assert_eq!(Assertion::claimed_subject(token.as_bytes()), CLIENT.parse().ok());
        for (other, (_, keys)) in SIGNERS.iter().enumerate() {
            prop_assert_eq!(verify(&token, keys, LEEWAY, now).is_ok(), other == which);
        }
    }

    #[test]
    fn a_required_claim_of_another_type_is_refused(
        claim in prop_oneof![Just("iss"), Just("sub"), Just("aud"), Just("exp"), Just("jti")],
        value in value(),
    ) {
        let found = said(with(&claims(), claim, value.clone()).to_string());
        if !fits(claim, &value) {
            prop_assert_eq!(found, Err(JwtError::Claim(claim)), "{} is {}", claim, value);
        }
    }

    #[test]
    fn any_bytes_are_no_assertion_and_nobodys(token in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Assertion::claimed_subject(&token);
        prop_assert!(verify(&token, &SIGNERS[0].1, LEEWAY, NOW).is_err());
    }

    #[test]
    fn any_three_parts_are_read_or_not_but_never_taken(
        header in proptest::collection::vec(any::<u8>(), 0..60),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        signature in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let token = format!("{}.{}.{}", b64(header), b64(payload), b64(signature));
        let _ = Assertion::claimed_subject(token.as_bytes());
        prop_assert!(verify(&token, &SIGNERS[0].1, LEEWAY, NOW).is_err());
    }

    #[test]
    fn any_payload_says_whose_it_is_or_nothing(value in value(), more in value(), cut in any::<prop::sample::Index>()) {
        let said = json!({ "sub": value, "note": more }).to_string();
        let claimed = |text: &str| Assertion::claimed_subject(format!("e30.{}.", b64(text)).as_bytes());
        let expected = value.as_str().and_then(|text| text.parse().ok());
        prop_assert_eq!(claimed(&said), expected);
        let cut = String::from_utf8_lossy(&said.as_bytes()[..cut.index(said.len())]).into_owned();
        prop_assert_eq!(claimed(&cut), None, "{}", cut);
        prop_assert_eq!(claimed(&more.to_string()), more["sub"].as_str().and_then(|text| text.parse().ok()));
    }
}

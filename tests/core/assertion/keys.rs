//! The keys that a client is registered with.

use super::{LEEWAY, NOW, claims, signer::Signer, verify};
use crate::keys::{b64, ec, oct, okp, public, rsa, set, with, without};
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use countersign::jwt::{KeyError, KeySet, KeySetError, WeakSecret};
use serde_json::{Value, json};

fn named(jwk: &Value, kid: &str) -> Value {
    with(&public(jwk), "kid", kid)
}

/// Which key is refused and why.
#[track_caller]
fn refused(keys: &[Value]) -> (usize, KeyError) {
    match KeySet::registered(&set(keys)) {
        Err(KeySetError::Key { index, source }) => (index, source),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_is_registered_with_1_to_10_public_keys() {
    for signer in Signer::all() {
        for jwk in [signer.jwk.clone(), with(&signer.jwk, "alg", signer.alg), with(&signer.jwk, "use", "sig")]
        {
            let keys = KeySet::registered(&set(&[jwk])).expect("a key");
            let token = signer.sign(signer.header().to_string(), claims().to_string());
            assert!(verify(token, &keys, LEEWAY, NOW).is_ok(), "{}", signer.alg);
        }
        assert!(
            KeySet::registered(&set(&[without(&signer.jwk, &["kid"])])).is_ok(),
            "alone it needs no name"
        );
    }
    let key = |at: u8| {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[at; 32]).expect("a seed");
        named(&with(&okp(), "x", b64(pair.public_key())), &at.to_string())
    };
    let keys = |count: u8| (0..count).map(key).collect::<Vec<_>>();
    assert!(KeySet::registered(&set(&keys(10))).is_ok());
    assert!(matches!(KeySet::registered(&set(&keys(11))), Err(KeySetError::TooMany)));
    assert!(matches!(KeySet::registered(&set(&[])), Err(KeySetError::Empty)));
}

#[test]
fn ten_of_the_largest_keys_have_room_and_what_is_longer_than_16_kib_is_not_read() {
    let text = set(&[public(&okp())]);
    let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    assert!(KeySet::registered(&padded(16 * 1024)).is_ok());
    assert!(matches!(KeySet::registered(&padded(16 * 1024 + 1)), Err(KeySetError::TooLong)));
    assert!(matches!(KeySet::registered(&"x".repeat(1 << 20)), Err(KeySetError::TooLong)));
    // 8192 bits, odd; that it is the product of two primes is not looked at.
    let large = |at: u8| {
        let part = |part: u8| digest::digest(&digest::SHA256, &[at, part]).as_ref().to_vec();
        let n = [vec![0xff], (0..32).flat_map(part).skip(2).collect(), vec![0xff]].concat();
        with(&with(&with(&public(&rsa()), "n", b64(n)), "use", "sig"), "kid", b64([at; 32]))
    };
    let keys = (0..10).map(large).collect::<Vec<_>>();
    assert!(KeySet::registered(&set(&keys)).is_ok());
}

// K01
#[test]
fn a_key_that_is_no_public_one_is_refused_and_what_to_register_is_said() {
    let good = named(&ec(), "good");
    let secret = with(&oct(), "kid", "secret");
    assert_eq!(refused(std::slice::from_ref(&secret)), (0, KeyError::Symmetric));
    assert_eq!(refused(&[good.clone(), without(&secret, &["k"])]), (1, KeyError::Symmetric));
    for jwk in [okp(), ec(), rsa()] {
        for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            let private = with(&named(&jwk, "private"), member, "AA");
            assert_eq!(refused(&[good.clone(), private]), (1, KeyError::Private(member)));
        }
        for oth in [json!([]), json!([{ "r": "Aw", "d": "AQ", "t": "AQ" }]), json!("AA")] {
            let private = with(&named(&jwk, "private"), "oth", oth);
            assert_eq!(refused(&[private]), (0, KeyError::Private("oth")));
        }
    }
    // As a program writes it that gives the whole pair away.
    assert_eq!(refused(&[okp()]), (0, KeyError::Private("d")));
    let said = |keys: &[Value]| KeySet::registered(&set(keys)).expect_err("refused").to_string();
    let whole = said(&[good, with(&ec(), "kid", "whole")]);
    assert_eq!(whole, "the key at 1 has a member \"d\" that is secret; register the public half alone");
    let secret = said(&[secret]);
    assert!(secret.starts_with("the key at 0 is a secret; register the public half"), "{secret}");
    for said in [whole, secret] {
        for member in [&ec()["d"], &oct()["k"]] {
            assert!(!said.contains(&member.as_str().expect("a text")[..8]), "{said}");
        }
    }
}

// A10
#[test]
fn a_key_that_cannot_be_used_is_refused_not_passed_over() {
    let good = named(&ec(), "good");
    let cases = [
        (json!({ "kty": "future" }), KeyError::Unknown),
        (json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" }), KeyError::Unknown),
        (json!({}), KeyError::Unknown),
        (with(&okp(), "crv", "Ed448"), KeyError::Member("crv")),
        (with(&okp(), "crv", "X25519"), KeyError::Member("crv")),
        (with(&ec(), "crv", "P-384"), KeyError::Member("crv")),
        (with(&okp(), "x", b64([0; 32])), KeyError::SmallOrder),
        (with(&okp(), "x", b64([7; 31])), KeyError::Length("x")),
        (with(&ec(), "y", b64([1; 32])), KeyError::NotOnCurve),
        (without(&ec(), &["y"]), KeyError::Member("y")),
        (with(&rsa(), "e", "AQ"), KeyError::RsaExponent),
        (with(&rsa(), "n", b64([0xff; 128])), KeyError::RsaSize(1_024)),
        (with(&rsa(), "alg", "PS256"), KeyError::Member("alg")),
        (with(&rsa(), "alg", "HS256"), KeyError::Member("alg")),
        (with(&rsa(), "use", "enc"), KeyError::Member("use")),
        (with(&okp(), "key_ops", json!(["sign"])), KeyError::Member("key_ops")),
    ];
    for (jwk, error) in cases {
        let jwk = named(&jwk, "bad");
        assert_eq!(refused(&[good.clone(), jwk.clone()]), (1, error.clone()), "{jwk}");
        assert_eq!(refused(&[jwk.clone(), good.clone()]), (0, error), "{jwk}");
    }
}

#[test]
fn of_several_keys_each_has_a_name_of_its_own() {
    let (a, b) = (named(&okp(), "a"), named(&ec(), "b"));
    assert!(KeySet::registered(&set(&[a.clone(), b.clone()])).is_ok());
    assert_eq!(refused(&[a.clone(), b.clone(), named(&rsa(), "a")]), (2, KeyError::Duplicate));
    assert_eq!(refused(&[a.clone(), b.clone(), a.clone()]), (2, KeyError::Duplicate));
    assert_eq!(refused(&[a.clone(), public(&ec())]), (1, KeyError::Member("kid")));
    assert_eq!(refused(&[public(&okp()), b.clone()]), (0, KeyError::Member("kid")));
    assert_eq!(refused(&[public(&okp()), public(&ec())]), (0, KeyError::Member("kid")));
    assert_eq!(refused(&[a, with(&b, "kid", json!(null))]), (1, KeyError::Member("kid")));
}

#[test]
fn what_is_no_jwk_set_in_strict_json_is_refused() {
    let jwk = public(&okp()).to_string();
    for text in [
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        jwk.clone(),
        format!("[{jwk}]"),
        // As a derived reader would take a struct.
        format!("[[{jwk}]]"),
        format!(r#"{{"keys":{jwk}}}"#),
        r#"{"keys":null}"#.into(),
        format!(r#"{{"keys":[{jwk}],"keys":[{jwk}]}}"#),
        format!(r#"{{"note":1,"note":1,"keys":[{jwk}]}}"#),
        format!(r#"{{"keys":[{jwk}]}} x"#),
        format!("\u{feff}{{\"keys\":[{jwk}]}}"),
        format!(r#"{{"keys":[{jwk},]}}"#),
        "-----BEGIN PUBLIC KEY-----".into(),
    ] {
        assert!(matches!(KeySet::registered(&text), Err(KeySetError::NotAJwkSet)), "{text}");
    }
    let members = &jwk[1..];
    for key in [
        "1",
        "null",
        "\"x\"",
        r#"["OKP","Ed25519"]"#,
        &format!(r#"{{"kty":"OKP",{members}"#),
        &format!(r#"{{"note":1,"note":1,{members}"#),
        &format!(r#"{{"kid":1,{members}"#),
        &format!(r#"{{"key_ops":"verify",{members}"#),
    ] {
        let text = format!(r#"{{"keys":[{key}]}}"#);
        match KeySet::registered(&text) {
            Err(KeySetError::Key { index: 0, source }) => assert_eq!(source, KeyError::Malformed, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(KeySet::registered(&format!("{{\"keys\":[{{\"note\":1,{members}],\"note\":1}}")).is_ok());
}

#[test]
fn a_secret_is_not_judged_by_its_strength() {
    let weak = json!({ "kty": "oct", "k": "AA" });
    assert!(matches!(
        KeySet::from_jwks(&set(std::slice::from_ref(&weak))),
        Err(KeySetError::Key { source: KeyError::Weak(WeakSecret::Short), .. })
    ));
    assert_eq!(refused(&[weak]), (0, KeyError::Symmetric));
}

//! Sets of keys: of one's own, where anything wrong is an error, and of another issuer, where
//! what cannot be used is passed over and said.

use super::{b64, ec, oct, okp, public, rsa, set, signing, token_of, with, without};
use countersign::jwt::{JwtError, KeyError, KeyRing, KeySet, KeySetError, SigningKey, verify_jws};
use serde_json::{Value, json};

fn named(jwk: &Value) -> Value {
    with(jwk, "kid", signing(jwk).expect("a key").kid())
}

fn verifies(keys: &KeySet, key: &SigningKey) -> Result<(), JwtError> {
    verify_jws(token_of(key).as_bytes(), keys).map(drop)
}

/// What of this set can be used, and what is said of the rest.
fn published(keys: &[Value]) -> (Option<KeySet>, Vec<(usize, KeyError)>) {
    match KeySet::published(&set(keys)) {
        Ok((keys, refused)) => (Some(keys), refused.into_iter().map(index).collect()),
        Err(KeySetError::Empty) => (None, vec![]),
        Err(other) => panic!("{other:?}"),
    }
}

fn index(error: KeySetError) -> (usize, KeyError) {
    match error {
        KeySetError::Key { index, source } => (index, source),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_verifies_with_each_of_its_keys() {
    let jwks = [okp(), ec(), rsa(), oct()].map(|jwk| named(&jwk));
    let keys = KeySet::from_jwks(&set(&jwks)).expect("four keys");
    for jwk in &jwks {
        let key = signing(jwk).expect("a key");
        assert_eq!(verifies(&keys, &key), Ok(()), "{jwk}");
        // Each under the name of another.
        for other in &jwks {
            let one =
                KeySet::from_jwks(&set(&[with(&public(jwk), "kid", other["kid"].clone())])).expect("a key");
            let right = if other == jwk { Ok(()) } else { Err(()) };
            let other = signing(other).expect("a key");
            assert_eq!(verifies(&one, &other).map_err(drop), right, "{jwk}");
        }
    }
}

#[test]
fn the_same_name_twice_is_refused_and_so_is_the_same_key_under_two_names() {
    for (a, b) in [(okp(), okp()), (okp(), ec()), (ec(), rsa())] {
        let same = [with(&public(&a), "kid", "a"), with(&public(&b), "kid", "a")];
        assert!(matches!(KeySet::from_jwks(&set(&same)), Err(KeySetError::AmbiguousKid)));
    }
    let twice = [named(&okp()), with(&public(&okp()), "kid", "b")];
    let refused = index(KeySet::from_jwks(&set(&twice)).expect_err("one key"));
    assert_eq!(refused, (1, KeyError::Shared));
    // In a ring a key is known by what it is, so it cannot stand there twice.
    let twice = [with(&okp(), "kid", "a"), with(&okp(), "kid", "b")];
    let error = KeyRing::from_json(&set(&twice)).expect_err("refused");
    assert!(error.to_string().contains("\"kid\""), "{error}");
}

#[test]
fn of_a_published_set_what_cannot_be_used_is_passed_over_and_said() {
    let key = public(&named(&ec()));
    let bad = [
        (json!({ "kty": "future", "kid": "f" }), KeyError::Unknown),
        (json!(1), KeyError::Unknown),
        (json!({ "kty": "OKP", "crv": "Ed25519", "x": 1 }), KeyError::Unknown),
        (with(&public(&rsa()), "use", "enc"), KeyError::Member("use")),
        (with(&public(&rsa()), "alg", "PS256"), KeyError::Member("alg")),
        (with(&public(&rsa()), "key_ops", json!(["wrapKey"])), KeyError::Member("key_ops")),
        (with(&public(&ec()), "crv", "P-384"), KeyError::Member("crv")),
        (with(&public(&okp()), "x", b64([0; 32])), KeyError::SmallOrder),
        (with(&public(&ec()), "y", b64([1; 32])), KeyError::NotOnCurve),
        (with(&oct(), "kid", "secret"), KeyError::Published("k")),
        // The name of another, before it.
        (with(&public(&okp()), "kid", key["kid"].clone()), KeyError::Duplicate),
        // No name, beside others.
        (public(&okp()), KeyError::Member("kid")),
        (without(&key, &["kid"]), KeyError::Member("kid")),
    ];
    for (bad, error) in &bad {
        let (keys, refused) = published(&[key.clone(), bad.clone()]);
        assert_eq!(refused, [(1, error.clone())], "{bad}");
        let keys = keys.expect("the good one");
        assert_eq!(verifies(&keys, &signing(&ec()).expect("a key")), Ok(()), "{bad}");
    }
    let all: Vec<_> = std::iter::once(key).chain(bad.iter().map(|(bad, _)| bad.clone())).collect();
    let (keys, refused) = published(&all);
    assert_eq!(refused.len(), bad.len(), "{refused:?}");
    for (at, (_, error)) in bad.iter().enumerate() {
        assert!(refused.contains(&(at + 1, error.clone())), "{at} in {refused:?}");
    }
    assert_eq!(format!("{:?}", keys.expect("the good one")).matches("Some").count(), 1);
}

#[test]
fn where_a_key_without_a_name_stands_in_a_published_set_makes_no_difference() {
    let (key, nameless) = (public(&named(&ec())), public(&okp()));
    for (keys, at) in [([nameless.clone(), key.clone()], 0), ([key, nameless.clone()], 1)] {
        let (keys, refused) = published(&keys);
        let keys = keys.expect("the one with a name");
        assert_eq!(refused, [(at, KeyError::Member("kid"))]);
        assert_eq!(verifies(&keys, &signing(&ec()).expect("a key")), Ok(()));
        assert_eq!(verifies(&keys, &signing(&okp()).expect("a key")), Err(JwtError::UnknownKey));
    }
    // Alone it needs none.
    let (keys, refused) = published(&[nameless]);
    assert_eq!(refused, []);
    assert_eq!(verifies(&keys.expect("a key"), &signing(&okp()).expect("a key")), Ok(()));
}

#[test]
fn a_secret_that_is_published_is_never_used() {
    let (keys, _) = published(&[with(&oct(), "kid", "secret")]);
    assert!(keys.is_none(), "everybody has it");
    for private in [okp(), ec(), rsa()] {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let leaked = with(&public(&named(&private)), member, "AA");
            let other = if private == ec() { okp() } else { ec() };
            let (keys, refused) = published(&[leaked, with(&public(&other), "kid", "e")]);
            assert_eq!(refused, [(0, KeyError::Published(member))]);
            assert_eq!(verifies(&keys.expect("the other"), &signing(&private).expect("a key")).ok(), None);
        }
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        assert!(matches!(KeySet::published(text), Err(KeySetError::NotAJwkSet)), "{text}");
    }
}

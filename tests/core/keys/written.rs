//! What is written of a key, for everybody and for ourselves.

use super::{ALGORITHMS, NOW, ec, okp, public, rsa, set, with};
use countersign::jwt::{Algorithm, KeyRing, SigningKey};
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_published_key_says_what_it_is_for_and_has_all_of_its_public_half() {
    for (jwk, alg) in [(okp(), "EdDSA"), (ec(), "ES256"), (rsa(), "RS256")] {
        let ring = KeyRing::from_json(&set(std::slice::from_ref(&jwk))).expect("a ring");
        let kid = ring.signing(NOW).kid().to_owned();
        let expected = with(&with(&with(&public(&jwk), "alg", alg), "use", "sig"), "kid", kid);
        assert_eq!(parsed(&ring.jwks(NOW)), json!({ "keys": [expected] }));
    }
}

/// RFC 7517 §4.3: `use` and `key_ops` are not to stand together.
#[test]
fn a_key_is_kept_as_one_for_signatures_whatever_it_said_of_itself() {
    for given in [okp(), ec(), rsa()] {
        let said = with(&with(&given, "key_ops", json!(["sign"])), "kid", "a name of its own");
        let ring = KeyRing::from_json(&set(&[said])).expect("a ring");
        let kept = &parsed(&ring.to_json())["keys"][0];
        assert_eq!(kept["kid"], ring.signing(NOW).kid());
        assert_eq!((&kept["use"], &kept["key_ops"]), (&json!("sig"), &Value::Null));
        for (name, value) in given.as_object().expect("an object") {
            assert_eq!(&kept[name], value, "{name}");
        }
    }
}

#[test]
fn a_new_key_is_another_each_time_and_is_kept_whole() {
    for algorithm in ALGORITHMS {
        let [one, other] = [(); 2].map(|()| SigningKey::generate(algorithm).expect("a key"));
        assert_ne!(one.kid(), other.kid(), "{algorithm}");
        let kept = KeyRing::new(one.clone(), NOW).to_json();
        let read = KeyRing::from_json(&kept).expect("a ring");
        assert_eq!(read.signing(NOW).kid(), one.kid(), "{algorithm}");
        assert_eq!(parsed(&read.to_json()), parsed(&kept), "{algorithm}");
        let alg = &parsed(&kept)["keys"][0]["alg"];
        assert_eq!(alg, algorithm.name());
    }
}

#[test]
fn an_algorithm_is_known_by_its_name_alone() {
    for algorithm in ALGORITHMS {
        assert_eq!(algorithm.name().parse::<Algorithm>().expect("its name"), algorithm);
    }
    for name in ["", "none", "eddsa", "HS512", "EdDSA "] {
        assert!(name.parse::<Algorithm>().is_err(), "{name:?}");
    }
}

//! Nothing that is printed holds key material.

use super::{ALGORITHMS, NOW, issue, okp, rules, set, signing, unb64, with};
use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, KeyRing, KeySet, Lives, SigningKey},
};
use serde_json::Value;
use std::{fmt::Debug, time::Duration};

const LIVES: Lives = Lives { access: Duration::from_secs(900), session: Duration::from_secs(9_000) };

/// Every form in which the private members might stand in a text.
fn forms(key: &SigningKey) -> Vec<String> {
    let ring: Value = serde_json::from_str(&KeyRing::new(key.clone(), NOW).to_json()).expect("JSON");
    let members = ring["keys"][0].as_object().expect("a key").clone();
    let private =
        members.iter().filter(|(name, _)| ["d", "p", "q", "dp", "dq", "qi", "k"].contains(&&***name));
    let forms: Vec<_> = private
        .flat_map(|(_, value)| {
            let text = value.as_str().expect("a text");
            let bytes = unb64(text);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let debug = format!("{:?}", &bytes[..16]);
            [text[..16].to_owned(), hex[..16].to_owned(), hex[..16].to_uppercase(), debug[1..40].to_owned()]
        })
        .collect();
    assert!(!forms.is_empty());
    forms
}

#[track_caller]
fn hides(key: &SigningKey, what: &dyn Debug) {
    for shown in [format!("{what:?}"), format!("{what:#?}")] {
        let lines = shown.replace([' ', '\n'], "");
        for form in forms(key) {
            assert!(!shown.contains(&form) && !lines.contains(&form.replace(' ', "")), "{shown}");
        }
    }
}

// G02
#[test]
fn no_type_that_holds_a_key_shows_it() {
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm).expect("a key");
        let previous = SigningKey::generate(algorithm).expect("a key");
        let ring = KeyRing::fixed(key.clone(), std::slice::from_ref(&previous)).expect("a ring");
        let tokens = AccessTokens::new(ring.clone(), rules());
        let token = issue(&tokens, NOW);
        for key in [&key, &previous] {
            hides(key, &key);
            hides(key, &ring);
            hides(key, &ring.keys());
            hides(key, &ring.seals(NOW));
            hides(key, &tokens);
            hides(key, &KeySet::of([key]).expect("a key"));
            hides(key, &ring.jwks(NOW));
            hides(key, &token);
            hides(key, &tokens.verify(token.as_bytes(), NOW));
            hides(key, &KeyRing::fixed(key.clone(), std::slice::from_ref(key)));
            hides(key, &ring.rotate(key.clone(), NOW, NOW, LIVES));
            hides(key, &ring.revoke("none", NOW, true, key.clone(), LIVES));
            hides(key, &ring.revoke(key.kid(), NOW, true, key.clone(), LIVES));
        }
    }
}

// G02
#[test]
fn no_error_shows_the_key_that_it_is_about() {
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm).expect("a key");
        let json = KeyRing::new(key.clone(), NOW).to_json();
        let value: Value = serde_json::from_str(&json).expect("JSON");
        let jwk = &value["keys"][0];
        let changed =
            [("alg", "x"), ("use", "x"), ("kty", "x"), ("crv", "x"), ("x", "AA"), ("n", "AA"), ("e", "AA")];
        let texts = changed.map(|(name, text)| set(&[with(jwk, name, text)]));
        for text in
            texts.into_iter().chain([json[..json.len() - 9].to_owned(), set(&[jwk.clone(), jwk.clone()])])
        {
            let errors = [
                KeyRing::from_json(&text).map_err(|error| format!("{error:?} {error}")).map(drop),
                KeySet::from_jwks(&text).map_err(|error| format!("{error:?} {error}")).map(drop),
                KeySet::published(&text).map_err(|error| format!("{error:?} {error}")).map(drop),
                KeySet::registered(&text).map_err(|error| format!("{error:?} {error}")).map(drop),
                SigningKey::parse(text.as_bytes()).map_err(|error| format!("{error:?} {error}")).map(drop),
            ];
            errors.iter().for_each(|error| hides(&key, error));
        }
        if let Some(pem) = key.to_text() {
            for text in [&pem[..pem.len() - 40], &pem.replace('\n', ""), &pem[30..]] {
                let error = SigningKey::parse(text.as_bytes()).map_err(|error| format!("{error:?} {error}"));
                hides(&key, &error.map(drop));
            }
        }
    }
}

// K01
#[test]
fn the_published_set_has_only_what_everybody_may_have() {
    let all = |algorithm| SigningKey::generate(algorithm).expect("a key");
    for algorithm in ALGORITHMS {
        let ring = KeyRing::fixed(all(algorithm), &ALGORITHMS.map(all)).expect("a ring");
        let jwks: Value = serde_json::from_str(&ring.jwks(UnixTime(99))).expect("JSON");
        let keys = jwks["keys"].as_array().expect("an array");
        let mut kids = std::collections::BTreeSet::new();
        for key in keys {
            let mut members: Vec<_> = key.as_object().expect("a key").keys().map(String::as_str).collect();
            members.sort_unstable();
            let expected: &[_] = match key["kty"].as_str() {
                Some("OKP") => &["alg", "crv", "kid", "kty", "use", "x"],
                Some("EC") => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                Some("RSA") => &["alg", "e", "kid", "kty", "n", "use"],
                other => panic!("{other:?}"),
            };
            assert_eq!(members, expected);
            assert_eq!(key["use"], "sig");
            assert!(kids.insert(key["kid"].to_string()), "{kids:?}");
        }
        let signing = ring.signing(UnixTime(99));
        assert_eq!(keys.len(), if algorithm.is_asymmetric() { 4 } else { 3 });
        assert_eq!(keys[0]["kid"] == signing.kid(), algorithm.is_asymmetric());
        assert!(KeySet::published(&jwks.to_string()).expect("a set").1.is_empty());
    }
    // Whatever else the kept set said of them.
    let kept = with(&with(&okp(), "key_ops", serde_json::json!(["sign"])), "note", "secret");
    let ring = KeyRing::new(signing(&kept).expect("a key"), NOW);
    assert_eq!(
        serde_json::from_str::<Value>(&ring.jwks(NOW)).expect("JSON")["keys"][0].as_object().map(|o| o.len()),
        Some(6)
    );
}

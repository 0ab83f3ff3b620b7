//! Texts as sets of keys: those of an issuer, of a client, and our own private ones. The oracle looks at
//! the JSON by itself: no key that is taken is weak, none is of a kind that must not be there; what is
//! published of our own reads back, and has no private member.
#![no_main]

use countersign::jwt::{KeyRing, KeySet};
use countersign_fuzz::{NOW, from_base64url};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Map, Value};

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    if KeySet::from_jwks(text).is_ok() {
        let keys = keys(text);
        assert!(keys.iter().filter(|key| is_known(key)).all(is_strong), "a weak key");
        assert!(keys.iter().any(is_known), "a set without a key");
    }
    if let Ok((_, refused)) = KeySet::published(text) {
        let usable = keys(text).into_iter().filter(|key| is_strong(key) && !is_private(key)).count();
        assert!(usable > 0, "a set without a key that is good");
        assert!(refused.len() < keys(text).len(), "all were refused, and yet there is one");
    }
    if KeySet::registered(text).is_ok() {
        let keys = keys(text);
        assert!((1..=10).contains(&keys.len()) && text.len() <= 16_384);
        assert!(keys.iter().all(|key| is_strong(key) && !is_private(key)), "no public key");
        let mut names: Vec<_> = keys.iter().map(|key| member(key, "kid")).collect();
        names.sort_unstable();
        names.dedup();
        assert!(keys.len() == 1 || (names.len() == keys.len() && names[0].is_some()), "names");
        // What a client may register, an issuer may publish, and with its algorithms we may have it.
        let stated = keys.iter().all(|key| member(key, "alg").is_some());
        assert_eq!(KeySet::from_jwks(text).is_ok(), stated);
        let (_, refused) = KeySet::published(text).expect("a set of good keys");
        assert!(refused.is_empty(), "{refused:?}");
    }
    if let Ok(ring) = KeyRing::from_json(text) {
        own(text, &ring);
    }
    Corpus::Keep
});

/// Our own keys, which have been read.
fn own(text: &str, ring: &KeyRing) {
    let read = keys(text);
    assert!(read.iter().all(is_strong) && read.iter().all(is_private), "a key that cannot sign, or is weak");
    let kept = ring.to_json();
    let again = KeyRing::from_json(&kept).expect("what was written can be read");
    assert_eq!(*again.to_json(), *kept);
    for now in [countersign::clock::UnixTime(0), NOW] {
        let jwks = ring.jwks(now);
        let published = keys(&jwks);
        assert!(!published.iter().any(is_private), "private members are published");
        assert_eq!(ring.publishes(now), !published.is_empty());
        assert_eq!(again.jwks(now), jwks);
        if !published.is_empty() {
            let (_, refused) = KeySet::published(&jwks).expect("what is published can be used");
            assert!(refused.is_empty() && KeySet::from_jwks(&jwks).is_ok());
            assert!(published.iter().all(|key| member(key, "alg").is_some() && member(key, "kid").is_some()));
        }
    }
}

/// The objects in the array `keys`.
fn keys(text: &str) -> Vec<Map<String, Value>> {
    let set: Value = serde_json::from_str(text).expect("JSON, as it was taken");
    let Value::Array(keys) = &set["keys"] else { panic!("no array") };
    keys.iter().filter_map(|key| key.as_object().cloned()).collect()
}

fn member<'k>(key: &'k Map<String, Value>, name: &str) -> Option<&'k str> {
    key.get(name)?.as_str()
}

fn is_private(key: &Map<String, Value>) -> bool {
    PRIVATE.iter().any(|name| key.get(*name).is_some_and(|value| !value.is_null()))
}

/// Whether the key is of a type that is known here; others are passed over (RFC 7517 §5).
fn is_known(key: &Map<String, Value>) -> bool {
    ["oct", "RSA", "EC", "OKP"].contains(&member(key, "kty").unwrap_or_default())
}

/// What RFC 7518, RFC 8037 and RFC 8725 ask of a key for signatures.
fn is_strong(key: &Map<String, Value>) -> bool {
    let bytes = |name| member(key, name).and_then(|text| from_base64url(text.as_bytes())).unwrap_or_default();
    let is_point = |name| bytes(name).len() == 32;
    let (kty, crv) = (member(key, "kty").unwrap_or_default(), member(key, "crv").unwrap_or_default());
    let (algorithm, strong) = match (kty, crv) {
        ("oct", _) => ("HS256", bytes("k").len() >= 32),
        ("EC", "P-256") => ("ES256", is_point("x") && is_point("y")),
        ("OKP", "Ed25519") => ("EdDSA", is_point("x") && !is_of_small_order(&bytes("x"))),
        ("RSA", _) => {
            let (n, e) = (bytes("n"), bytes("e"));
            let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
            let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
            let exponent = e.iter().fold(0u64, |number, byte| number.saturating_mul(256) + u64::from(*byte));
            ("RS256", (2048..=8192).contains(&bits) && odd(&n) && odd(&e) && exponent >= 3)
        }
        _ => return false,
    };
    let agrees = |name, value| key.get(name).is_none_or(|said| said.is_null() || said == value);
    strong && agrees("alg", algorithm) && agrees("use", "sig")
}

/// Whether y is 0, 1 or −1, or one of the two of order 8, modulo 2²⁵⁵ − 19 (RFC 8032 §5.1.3): points for
/// which there are signatures that nobody made.
fn is_of_small_order(point: &[u8]) -> bool {
    let mut y = point.to_vec();
    y[31] &= 0x7f;
    y.reverse();
    let hex: String = y.iter().map(|byte| format!("{byte:02x}")).collect();
    let p = format!("7f{}", "ff".repeat(30));
    let near_p = |last: &str| hex == format!("{p}{last}");
    let number = hex.trim_start_matches('0');
    ["", "1"].contains(&number)
        || ["ec", "ed", "ee"].iter().any(|last| near_p(last))
        || hex == "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"
        || hex == "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7"
}

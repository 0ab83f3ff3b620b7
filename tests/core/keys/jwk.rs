//! JWKs (RFC 7517, RFC 7518 §6, RFC 8037 §2) with one thing wrong.

use super::{b64, ec, oct, okp, public, rsa, set, signing, unb64, verifying, with, without};
use base64::{Engine, prelude::BASE64_STANDARD};
use countersign::jwt::{KeyError, KeySet, KeySetError};
use serde_json::{Value, json};

/// Each key, the members that make its public half, and those of its private one.
fn keys() -> [(Value, &'static [&'static str], &'static [&'static str]); 4] {
    [
        (okp(), &["x"], &["d"]),
        (ec(), &["x", "y"], &["d"]),
        (rsa(), &["n", "e"], &["d", "p", "q", "dp", "dq", "qi"]),
        (oct(), &["k"], &["k"]),
    ]
}

/// Neither half can be used, for this reason.
#[track_caller]
fn refused(jwk: &Value, error: KeyError) {
    assert_eq!(signing(jwk).expect_err("refused"), error, "{jwk}");
    assert_eq!(verifying(&public(jwk)).expect_err("refused"), error, "{jwk}");
}

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    unb64(jwk[name].as_str().expect("a member"))
}

#[test]
fn the_keys_of_the_rfcs_are_taken_and_named_as_the_rfcs_name_them() {
    // RFC 8037 appendix A.3, RFC 7638 §3.1.
    assert_eq!(signing(&okp()).expect("a key").kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(signing(&rsa()).expect("a key").kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    for (jwk, ..) in keys() {
        let kid = signing(&jwk).expect("a key").kid().to_owned();
        assert!(verifying(&public(&jwk)).is_ok());
        // Nothing beside the key itself changes its name.
        let named = with(&with(&with(&jwk, "kid", "other"), "use", "sig"), "note", 1);
        assert_eq!(signing(&named).expect("a key").kid(), kid);
    }
}

#[test]
fn a_member_that_a_key_needs_is_there_and_is_strict_base64url() {
    for (jwk, of_public, of_private) in keys() {
        for name in of_public.iter().chain(of_private).copied() {
            let right = jwk[name].as_str().expect("a member").to_owned();
            let standard = BASE64_STANDARD.encode(unb64(&right));
            let mut wrong = vec![
                Value::Null,
                json!("*"),
                json!(format!("{right}=")),
                json!(format!("{right}==")),
                json!(format!(" {right}")),
                json!(format!("{right}\n")),
            ];
            if standard.contains(['+', '/', '=']) {
                wrong.push(json!(standard));
            }
            let wrong = wrong.into_iter().map(|value| with(&jwk, name, value));
            for jwk in wrong.chain([without(&jwk, &[name]), with(&jwk, name, "")]) {
                let is_error = |error: &KeyError| {
                    let (KeyError::Member(member) | KeyError::Length(member)) = error else {
                        // Of another length, or nothing at all.
                        return matches!(
                            error,
                            KeyError::Public
                                | KeyError::RsaExponent
                                | KeyError::Weak(_)
                                | KeyError::Inconsistent
                        );
                    };
                    *member == name
                };
                let error = signing(&jwk).expect_err("refused");
                assert!(is_error(&error), "{name}: {error:?} of {jwk}");
                if of_public.contains(&name) {
                    let error = verifying(&public(&jwk)).expect_err("refused");
                    assert!(is_error(&error), "{name}: {error:?} of {jwk}");
                }
            }
            // What is no text is no member at all.
            for value in [json!(1), json!([right]), json!({}), json!(true)] {
                let text = set(&[with(&jwk, name, value)]);
                assert!(matches!(KeySet::from_jwks(&text), Err(KeySetError::NotAJwkSet)), "{text}");
            }
        }
    }
}

#[test]
fn a_member_has_exactly_the_length_of_its_curve() {
    for (jwk, names) in [(okp(), &["x", "d"][..]), (ec(), &["x", "y", "d"])] {
        for name in names {
            let right = bytes(&jwk, name);
            let lengths = [
                vec![],
                vec![right[0]],
                right[..31].to_vec(),
                right[1..].to_vec(),
                [&right[..], &[0]].concat(),
                [&[0], &right[..]].concat(),
                [&right[..], &right].concat(),
            ];
            for bytes in lengths {
                let jwk = with(&jwk, name, b64(&bytes));
                assert_eq!(signing(&jwk).expect_err("refused"), KeyError::Length(name), "{bytes:?}");
                if *name != "d" {
                    assert_eq!(verifying(&public(&jwk)).expect_err("refused"), KeyError::Length(name));
                }
            }
        }
    }
    for name in ["n", "e"] {
        let jwk = with(&rsa(), name, b64([&[0][..], &bytes(&rsa(), name)].concat()));
        refused(&jwk, if name == "n" { KeyError::Member("n") } else { KeyError::RsaExponent });
    }
}

/// All encodings of the eight points of small order, little-endian and without the sign: those
/// of libsodium's `ge25519_has_small_order`, written here as numbers.
fn small_orders() -> Vec<[u8; 32]> {
    let number = |text: &str| {
        let mut bytes = super::hex(text);
        bytes.reverse();
        <[u8; 32]>::try_from(bytes).expect("32 bytes")
    };
    let near_p = |last: &str| number(&format!("7f{}{last}", "ff".repeat(30)));
    vec![
        [0; 32],
        number(&format!("{}01", "00".repeat(31))),
        number("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"),
        number("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"),
        near_p("ec"),
        near_p("ed"),
        near_p("ee"),
    ]
}

// A10
#[test]
fn a_point_for_which_anybody_can_sign_is_refused_in_every_encoding() {
    for point in small_orders() {
        for sign in [0, 0x80] {
            let mut point = point;
            point[31] |= sign;
            refused(&with(&okp(), "x", b64(point)), KeyError::SmallOrder);
        }
    }
}

#[test]
fn a_point_beside_its_curve_is_refused() {
    let p = super::hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let (x, y) = (bytes(&ec(), "x"), bytes(&ec(), "y"));
    let mut beside = y.clone();
    beside[31] ^= 1;
    let zero = vec![0; 32];
    // (0, √b) is on the curve, so (p, √b) is the same point in a form that is not allowed.
    let root = super::hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
    let point = |x: &[u8], y: &[u8]| with(&with(&ec(), "x", b64(x)), "y", b64(y));
    assert!(verifying(&public(&point(&zero, &root))).is_ok(), "it is on the curve");
    for (x, y) in [
        (&x, &beside),
        (&y, &x),
        (&zero, &zero),
        (&x, &zero),
        (&zero, &y),
        (&p, &root),
        (&p, &p),
        (&vec![0xff; 32], &vec![0xff; 32]),
    ] {
        refused(&point(x, y), KeyError::NotOnCurve);
    }
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    let n = super::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut d = bytes(&ec(), "d");
    d[31] ^= 1;
    // d + n is the same number to whoever reduces it; it has 33 bytes or more than n.
    for d in [&d, &vec![0; 32], &n, &vec![0xff; 32]] {
        assert_eq!(signing(&with(&ec(), "d", b64(d))).expect_err("refused"), KeyError::Inconsistent, "{d:?}");
    }
    let mut d = bytes(&okp(), "d");
    d[0] ^= 1;
    for d in [d, vec![0; 32], bytes(&okp(), "x")] {
        assert_eq!(signing(&with(&okp(), "d", b64(d))).expect_err("refused"), KeyError::Inconsistent);
    }
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        let right = bytes(&rsa(), name);
        let mut changed = [right.clone(), right.clone(), right];
        changed[0][10] ^= 1;
        changed[1] = vec![0];
        changed[2] = vec![1];
        for value in changed {
            let jwk = with(&rsa(), name, b64(value));
            assert_eq!(signing(&jwk).expect_err("refused"), KeyError::Inconsistent, "{name}");
        }
    }
    let swapped = with(&with(&rsa(), "p", rsa()["q"].clone()), "q", rsa()["p"].clone());
    assert_eq!(signing(&swapped).expect_err("refused"), KeyError::Inconsistent, "qi is of the other");
    for oth in [json!([]), json!([{ "r": "Aw", "d": "AQ", "t": "AQ" }]), json!("x")] {
        assert_eq!(signing(&with(&rsa(), "oth", oth)).expect_err("refused"), KeyError::Member("oth"));
    }
}

#[test]
fn an_rsa_modulus_or_exponent_that_protects_nothing_is_refused() {
    let n = bytes(&rsa(), "n");
    for (n, bits) in [(&n[..128], 1024), (&n[..255], 2040)] {
        refused(&with(&rsa(), "n", b64(n)), KeyError::RsaSize(bits));
    }
    let short = [&[0x7f][..], &n[1..]].concat();
    refused(&with(&rsa(), "n", b64(short)), KeyError::RsaSize(2047));
    let huge = [&[1][..], &n.repeat(4)].concat();
    refused(&with(&rsa(), "n", b64(huge)), KeyError::RsaSize(8193));
    refused(&with(&rsa(), "n", b64(vec![0xff; 1 << 16])), KeyError::RsaSize(8 << 16));
    let mut even = n.clone();
    even[255] &= 0xfe;
    refused(&with(&rsa(), "n", b64(even)), KeyError::Member("n"));

    for e in [&[1][..], &[2], &[1, 0, 0], &[0], &[0, 3], &[], &[1, 0, 0, 0, 1], &n[..]] {
        refused(&with(&rsa(), "e", b64(e)), KeyError::RsaExponent);
    }
    for e in [&[3][..], &[17], &[1, 0, 1], &[1, 0, 0, 1]] {
        assert!(verifying(&public(&with(&rsa(), "e", b64(e)))).is_ok(), "{e:?}");
    }
}

#[test]
fn a_key_that_says_it_is_for_something_else_is_refused() {
    for (jwk, ..) in keys() {
        let right = signing(&jwk).expect("a key").algorithm().name();
        for alg in ["none", "", "HS512", "RS512", "PS256", "ES384", "Ed25519", "RSA-OAEP", "ECDH-ES", "rs256"]
        {
            refused(&with(&jwk, "alg", alg), KeyError::Member("alg"));
        }
        for other in ["EdDSA", "ES256", "RS256", "HS256"].into_iter().filter(|alg| *alg != right) {
            refused(&with(&jwk, "alg", other), KeyError::Member("alg"));
        }
        for usage in ["enc", "", "SIG", "tls"] {
            refused(&with(&jwk, "use", usage), KeyError::Member("use"));
        }
        for ops in [json!([]), json!(["encrypt"]), json!(["Sign", "Verify"]), json!(["deriveKey"])] {
            refused(&with(&jwk, "key_ops", ops), KeyError::Member("key_ops"));
        }
        let (signs, verifies) =
            (with(&jwk, "key_ops", json!(["sign"])), with(&jwk, "key_ops", json!(["verify"])));
        assert!(signing(&signs).is_ok() && verifying(&public(&verifies)).is_ok(), "{jwk}");
        assert_eq!(signing(&verifies).expect_err("refused"), KeyError::Member("key_ops"));
        assert_eq!(verifying(&public(&signs)).expect_err("refused"), KeyError::Member("key_ops"));
    }
}

#[test]
fn a_type_or_curve_that_is_not_known_here_is_not_guessed_at() {
    for curve in ["P-384", "P-521", "secp256k1", "p-256", "", "Ed25519", "X25519"] {
        refused(&with(&ec(), "crv", curve), KeyError::Member("crv"));
    }
    for curve in ["Ed448", "X25519", "ed25519", "", "P-256"] {
        refused(&with(&okp(), "crv", curve), KeyError::Member("crv"));
    }
    for (jwk, ..) in keys() {
        for kty in ["", "rsa", "OCT", "AKP", "future"] {
            refused(&with(&jwk, "kty", kty), KeyError::Unknown);
        }
        refused(&without(&jwk, &["kty"]), KeyError::Unknown);
    }
    refused(&without(&ec(), &["crv"]), KeyError::Member("crv"));
    // One kind's members under another kind's name.
    let (okp, ec) = (without(&okp(), &["alg"]), without(&ec(), &["alg"]));
    refused(&with(&okp, "kty", "RSA"), KeyError::Member("n"));
    refused(&with(&ec, "kty", "oct"), KeyError::Member("x"));
    refused(&with(&without(&ec, &["x", "y", "d"]), "kty", "oct"), KeyError::Member("k"));
    refused(&with(&with(&okp, "kty", "EC"), "crv", "P-256"), KeyError::Member("y"));
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    for (jwk, of_public, of_private) in keys() {
        let names = of_public.iter().chain(of_private).chain(&["kty"]).copied();
        for name in names.chain(["kid", "alg", "use"]) {
            let value = jwk.get(name).cloned().unwrap_or(json!("x"));
            let once = with(&jwk, name, value.clone()).to_string();
            let text = format!(r#"{{"keys":[{{"{name}":{value},{}]}}"#, &once[1..]);
            assert!(matches!(KeySet::from_jwks(&text), Err(KeySetError::NotAJwkSet)), "{text}");
            assert!(countersign::jwt::KeyRing::from_json(&text).is_err(), "{text}");
            assert!(KeySet::published(&text).is_err(), "{text}");
        }
    }
}

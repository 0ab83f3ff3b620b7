//! The verification seam against a signer of the test's own.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::jwt::{HmacSecret, JwtError, KeySet, MAX_TOKEN_BYTES, SigningKey, verify_jws};
use proptest::prelude::*;

pub const KEY: &[u8] = b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

pub fn signing_key() -> SigningKey {
    SigningKey::hs256(&HmacSecret::parse(KEY).expect("a good key"))
}

pub fn keys() -> KeySet {
    KeySet::of([&signing_key()]).expect("one key")
}

/// Signs any header and payload with [`KEY`].
pub fn sign(header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
    let signature = BASE64.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

pub fn good_header() -> String {
    format!(r#"{{"alg":"HS256","kid":"{}","typ":"at+jwt"}}"#, signing_key().kid())
}

#[test]
fn the_payload_is_returned_byte_for_byte_whatever_it_is() {
    for payload in [&b""[..], b"{}", b"\0\xff\xfe", &[b'x'; 5000]] {
        let jws =
            verify_jws(sign(good_header().as_bytes(), payload).as_bytes(), &keys()).expect("well signed");
        assert_eq!(jws.payload(), payload);
        assert_eq!((jws.kid(), jws.typ()), (Some(signing_key().kid()), Some("at+jwt")));
    }
}

#[test]
fn a_token_over_the_cap_is_refused_before_any_work() {
    let header = good_header();
    let fitting = |length: usize| {
        let mut payload = vec![b'x'; length * 3 / 4];
        while sign(header.as_bytes(), &payload).len() > length {
            payload.pop();
        }
        sign(header.as_bytes(), &payload)
    };
    assert!(verify_jws(fitting(MAX_TOKEN_BYTES).as_bytes(), &keys()).is_ok());
    let long = sign(header.as_bytes(), &vec![b'x'; MAX_TOKEN_BYTES]);
    assert_eq!(verify_jws(long.as_bytes(), &keys()).unwrap_err(), JwtError::TooLong);
    assert_eq!(verify_jws(&vec![b'.'; MAX_TOKEN_BYTES], &keys()).unwrap_err(), JwtError::Malformed);
    assert_eq!(verify_jws(&vec![b'.'; MAX_TOKEN_BYTES + 1], &keys()).unwrap_err(), JwtError::TooLong);
}

#[test]
fn a_header_that_brings_a_key_or_an_extension_is_refused_though_well_signed() {
    for member in ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"] {
        for value in ["[]", "null", "true", "\"DEF\"", "{}"] {
            let header = format!(r#"{{"alg":"HS256","kid":"{}","{member}":{value}}}"#, signing_key().kid());
            let refused = verify_jws(sign(header.as_bytes(), b"{}").as_bytes(), &keys()).unwrap_err();
            assert_eq!(refused, JwtError::HeaderMember(member), "{value}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_panic_and_are_never_accepted(token in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify_jws(&token, &keys()).is_err());
    }

    #[test]
    fn three_arbitrary_parts_never_panic_and_are_never_accepted(
        header in proptest::collection::vec(any::<u8>(), 0..100),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        signature in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let token = format!("{}.{}.{}", BASE64.encode(header), BASE64.encode(payload), BASE64.encode(signature));
        prop_assert!(verify_jws(token.as_bytes(), &keys()).is_err());
    }

    #[test]
    fn a_good_header_does_not_help_without_the_signature(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        signature in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let (header, payload) = (BASE64.encode(good_header()), BASE64.encode(payload));
        let token = format!("{header}.{payload}.{}", BASE64.encode(signature));
        prop_assert!(verify_jws(token.as_bytes(), &keys()).is_err());
    }

    #[test]
    fn a_good_signature_does_not_help_a_header_that_is_not_ours(
        alg in "[A-Za-z0-9]{0,6}",
        kid in proptest::option::of("[ -~]{0,20}"),
    ) {
        let kid = kid.map_or(String::new(), |kid| format!(",\"kid\":{}", serde_json::json!(kid)));
        let header = format!("{{\"alg\":\"{alg}\"{kid}}}");
        let accepted = verify_jws(sign(header.as_bytes(), b"{}").as_bytes(), &keys()).is_ok();
        prop_assert_eq!(accepted, alg == "HS256" && kid.is_empty(), "{}", header);
    }
}

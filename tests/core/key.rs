//! Keys and key sets: what is refused, and that nothing of them shows.

use crate::jws::{KEY, sign};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::jwt::{
    HmacSecret, JwtError, KeyError, KeySet, KeySetError, SigningKey, WeakSecret, verify_jws,
};

fn jwk(members: &str) -> String {
    let alg = if members.contains("\"alg\"") { "" } else { r#","alg":"HS256""# };
    format!(r#"{{"kty":"oct","k":"{}"{alg}{members}}}"#, BASE64.encode(KEY))
}

fn set(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[test]
fn a_jwk_set_verifies_what_its_key_signed() {
    let keys =
        KeySet::from_jwks(&set(&[jwk(r#","kid":"a","alg":"HS256","use":"sig","key_ops":["verify"]"#)]));
    let keys = keys.expect("a good set");
    let token = |kid: &str| sign(format!(r#"{{"alg":"HS256"{kid}}}"#).as_bytes(), b"{}");
    assert!(verify_jws(token(r#","kid":"a""#).as_bytes(), &keys).is_ok());
    assert!(verify_jws(token("").as_bytes(), &keys).is_ok(), "a key that is alone needs no naming");
    assert_eq!(verify_jws(token(r#","kid":"b""#).as_bytes(), &keys).unwrap_err(), JwtError::UnknownKey);
    assert_eq!(verify_jws(token(r#","kid":"""#).as_bytes(), &keys).unwrap_err(), JwtError::UnknownKey);
}

// A17
#[test]
fn with_two_keys_a_token_must_say_which() {
    let other = format!(
        r#"{{"kty":"oct","kid":"b","alg":"HS256","k":"{}"}}"#,
        BASE64.encode(b"Zr3Lw0TnB6yKd2HsPf9GjMcU5eA1q8Xv")
    );
    let keys = KeySet::from_jwks(&set(&[jwk(r#","kid":"a""#), other])).expect("two keys");
    let token = |kid: &str| sign(format!(r#"{{"alg":"HS256"{kid}}}"#).as_bytes(), b"{}");
    assert!(verify_jws(token(r#","kid":"a""#).as_bytes(), &keys).is_ok());
    assert_eq!(verify_jws(token("").as_bytes(), &keys).unwrap_err(), JwtError::UnknownKey);
    assert_eq!(verify_jws(token(r#","kid":"b""#).as_bytes(), &keys).unwrap_err(), JwtError::Signature);
}

#[test]
fn a_jwk_whose_members_disagree_is_refused() {
    for (members, member) in [
        (r#","alg":"HS512""#, "alg"),
        (r#","alg":"none""#, "alg"),
        (r#","use":"enc""#, "use"),
        (r#","key_ops":["sign"]"#, "key_ops"),
        (r#","key_ops":[]"#, "key_ops"),
    ] {
        match KeySet::from_jwks(&set(&[jwk(members)])) {
            Err(KeySetError::Key { index: 0, source }) => assert_eq!(source, KeyError::Member(member)),
            other => panic!("{members}: {other:?}"),
        }
    }
}

#[test]
fn a_set_without_names_or_without_keys_is_refused() {
    let named = || jwk(r#","kid":"a""#);
    let ambiguous = [set(&[jwk(""), jwk("")]), set(&[jwk(""), named()]), set(&[named(), named()])];
    for text in ambiguous {
        assert!(matches!(KeySet::from_jwks(&text), Err(KeySetError::AmbiguousKid)), "{text}");
    }
    for text in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"future"}]}"#] {
        assert!(matches!(KeySet::from_jwks(text), Err(KeySetError::Empty)), "{text}");
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#] {
        assert!(matches!(KeySet::from_jwks(text), Err(KeySetError::NotAJwkSet)), "{text}");
    }
    let signing = SigningKey::hs256(&HmacSecret::parse(KEY).expect("a good key"));
    assert!(matches!(KeySet::of([&signing, &signing]), Err(KeySetError::AmbiguousKid)));
}

// K05
#[test]
fn a_secret_that_could_be_guessed_is_refused() {
    for (secret, weak) in [
        ("", WeakSecret::Short),
        ("x", WeakSecret::Short),
        ("q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA", WeakSecret::Short),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", WeakSecret::Repeated),
        ("abcdabcdabcdabcdabcdabcdabcdabcdab", WeakSecret::Repeated),
        ("q8XvZr3Lw0TnB6yKq8XvZr3Lw0TnB6yK", WeakSecret::Repeated),
        ("qxzvqzxwvqkzxvwqkxzvqwxkvzqjwxkz", WeakSecret::Repeated),
        ("0123456789abcdef0123456789abcdef", WeakSecret::Repeated),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", WeakSecret::Repeated),
        ("replace-with-env-var-replace-with-env-var!", WeakSecret::Published),
        ("CHANGE_ME-please-0f9a8b7c6d5e4f3a2b1c", WeakSecret::Published),
        ("your-256-bit-secret-your-other-bits", WeakSecret::Published),
        ("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", WeakSecret::Published),
        ("qwertyuiopasdfghjklzxcvbnm123456", WeakSecret::Published),
        ("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", WeakSecret::Key),
    ] {
        assert_eq!(HmacSecret::parse(secret.as_bytes()).unwrap_err(), weak, "{secret:?}");
    }
}

#[test]
fn a_secret_of_eight_different_letters_or_half_a_sequence_is_taken() {
    assert!(HmacSecret::parse(b"qxzvqzxwvqkzxvwqkxzvqwxkvzqjwxkb").is_ok());
    assert!(HmacSecret::parse(b"abmnefqrcdwxghuvijopklstyzABEFCD").is_ok());
    assert!(HmacSecret::parse(b"abmnefqrcdwxghuvijopklstyzABCDEF").is_err());
}

// A04
#[test]
fn der_of_a_key_is_no_secret_and_what_only_resembles_it_is_one() {
    let random = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"random");
    let of = |tag: u8, first: u8| [&[tag, 30, first][..], &random.as_ref()[..29]].concat();
    for first in [0x02, 0x30] {
        assert_eq!(HmacSecret::parse(&of(0x30, first)).unwrap_err(), WeakSecret::Key, "a SEQUENCE");
        assert!(HmacSecret::parse(&of(0x04, first)).is_ok(), "an OCTET STRING");
    }
    assert!(HmacSecret::parse(&of(0x30, 0x04)).is_ok(), "a SEQUENCE of something else");
    // A SEQUENCE of 32 bytes, or somebody's passphrase.
    assert!(HmacSecret::parse(b"0 0wls hunt by night, mice by day.").is_ok());
}

// A04
#[test]
fn the_text_of_a_key_of_another_kind_is_no_secret() {
    use countersign::jwt::Algorithm;
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let key = SigningKey::generate(algorithm).expect("a key");
        let pem = key.to_text().expect("PEM");
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let wrapped = pem.lines().filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().join("\n");
        let urlsafe = body.replace('+', "-").replace('/', "_");
        for text in [&body, &wrapped, &urlsafe, body.trim_end_matches('='), &BASE64.encode(pem.as_bytes())] {
            assert_eq!(HmacSecret::parse(text.as_bytes()).unwrap_err(), WeakSecret::Key, "{algorithm}");
        }
    }
}

#[test]
fn random_secrets_are_taken_in_every_common_spelling() {
    for seed in 0_u32..2_000 {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &seed.to_le_bytes());
        let bytes = digest.as_ref();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for secret in [bytes, hex.as_bytes(), &hex.as_bytes()[..32], BASE64.encode(bytes).as_bytes()] {
            assert!(HmacSecret::parse(secret).is_ok(), "seed {seed}: {}", String::from_utf8_lossy(secret));
        }
    }
}

// G02
#[test]
fn no_key_type_shows_its_secret() {
    let secret = HmacSecret::parse(KEY).expect("a good key");
    let signing = SigningKey::hs256(&secret);
    let set = KeySet::of([&signing]).expect("one key");
    let shown = format!("{secret:?} {signing:?} {set:?} {:#?}", (&secret, &signing, &set));
    for form in [String::from_utf8_lossy(KEY).into_owned(), BASE64.encode(KEY), format!("{KEY:?}")] {
        assert!(!shown.contains(&form), "{shown}");
    }
}

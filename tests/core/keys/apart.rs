//! One material, one key: a secret is never a number of another key, in any encoding.

use super::{b64, der, ec, oct, okp, public, rsa, set, signing, unb64, with, without};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use countersign::jwt::{
    HmacSecret, KeyError, KeyRing, KeySet, KeySetError, RingError, SigningKey, WeakSecret,
};
use proptest::prelude::*;
use serde_json::Value;

/// The numbers of a key pair of each kind, by their members.
const NUMBERS: [(&str, &[&str]); 3] =
    [("OKP", &["x", "d"]), ("EC", &["x", "y", "d"]), ("RSA", &["n", "d", "p", "q", "dp", "dq", "qi"])];

fn pair(kind: &str) -> Value {
    match kind {
        "OKP" => okp(),
        "EC" => ec(),
        _ => rsa(),
    }
}

fn number(jwk: &Value, member: &str) -> Vec<u8> {
    unb64(jwk[member].as_str().expect("a member"))
}

fn lower(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines(text: &str) -> String {
    text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n").collect()
}

type Encode = fn(&[u8]) -> Vec<u8>;

/// How operators may have a number at hand.
static ENCODINGS: [(&str, Encode); 12] = [
    ("bytes", |bytes| bytes.to_vec()),
    ("base64url", |bytes| b64(bytes).into()),
    ("base64", |bytes| BASE64_STANDARD.encode(bytes).into()),
    ("base64 without padding", |bytes| BASE64_STANDARD_NO_PAD.encode(bytes).into()),
    ("base64 in lines", |bytes| lines(&BASE64_STANDARD.encode(bytes)).into()),
    ("hexadecimal", |bytes| lower(bytes).into()),
    ("HEXADECIMAL", |bytes| lower(bytes).to_uppercase().into()),
    ("hexadecimal behind 0x", |bytes| format!("0x{}", lower(bytes)).into()),
    ("hexadecimal with colons", |bytes| {
        let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        pairs.join(":").into()
    }),
    ("a JSON string", |bytes| format!("{:?}", b64(bytes)).into()),
    ("a point, uncompressed", |bytes| [&[4], bytes].concat()),
    ("OpenSSH's wire format", |bytes| {
        let length = (bytes.len() as u32).to_be_bytes();
        [b"\0\0\0\x0bssh-ed25519", &length[..], bytes].concat()
    }),
];

/// A signing key of these bytes, if they are not refused as a secret before.
fn secret(bytes: &[u8]) -> Option<SigningKey> {
    HmacSecret::parse(bytes).ok().map(|secret| SigningKey::hs256(&secret))
}

fn is_shared<T>(refused: Result<T, RingError>) -> bool {
    matches!(refused, Err(RingError::Keys(KeySetError::Key { source: KeyError::Shared, .. })))
}

/// Whether a ring refuses this secret beside this key, however the two come into it.
#[track_caller]
fn refuses(bytes: &[u8], jwk: &Value, what: &str) {
    let Some(secret) = secret(bytes) else { return };
    let key = signing(jwk).expect("a key");
    assert!(
        is_shared(KeyRing::fixed(secret.clone(), std::slice::from_ref(&key))),
        "{what}: as the signing key"
    );
    assert!(
        is_shared(KeyRing::fixed(key.clone(), std::slice::from_ref(&secret))),
        "{what}: as the previous key"
    );
    let now = super::NOW;
    assert!(is_shared(KeyRing::new(key, now).with_previous(&[secret])), "{what}: beside a ring");
    let life = |from: u64| serde_json::json!({ "published_at": 0, "signs_from": from });
    let oct = with(&with(&oct(), "k", b64(bytes)), "life", life(1));
    for keys in [[with(jwk, "life", life(2)), oct.clone()], [oct.clone(), with(jwk, "life", life(2))]] {
        assert!(is_shared(KeyRing::from_json(&set(&keys))), "{what}: in a ring");
    }
    let verifying = KeySet::from_jwks(&set(&[with(jwk, "kid", "a"), with(&oct, "kid", "b")]));
    let is_shared = matches!(verifying, Err(KeySetError::Key { source: KeyError::Shared, .. }));
    assert!(is_shared, "{what}: in a set that verifies: {verifying:?}");
}

// A04
#[test]
fn a_secret_is_no_number_of_another_key_in_any_encoding() {
    for (kind, members) in NUMBERS {
        let jwk = pair(kind);
        for member in members {
            for (name, encode) in ENCODINGS {
                let bytes = encode(&number(&jwk, member));
                refuses(&bytes, &jwk, &format!("{kind} {member}, {name}"));
            }
        }
    }
}

// A04
#[test]
fn a_secret_is_no_document_with_another_key() {
    for jwk in [okp(), ec(), rsa()] {
        let shown = public(&jwk).to_string();
        let kid = signing(&jwk).expect("a key").kid().to_owned();
        let texts = [
            shown.clone().into_bytes(),
            b64(&shown).into_bytes(),
            BASE64_STANDARD.encode(&shown).into_bytes(),
            b64(b64(&shown)).into_bytes(),
            format!("  {shown}\n").into_bytes(),
            set(&[public(&jwk)]).into_bytes(),
            kid.clone().into_bytes(),
            unb64(&kid),
        ];
        for text in &texts {
            refuses(text, &jwk, &String::from_utf8_lossy(text));
        }
    }
}

#[test]
fn two_secrets_are_not_the_same_bytes_in_two_encodings_and_may_begin_alike() {
    let bytes = b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";
    let first = secret(bytes).expect("a good secret");
    for (name, encode) in ENCODINGS {
        let Some(other) = secret(&encode(bytes)) else { continue };
        if name == "bytes" {
            continue;
        }
        assert!(is_shared(KeyRing::fixed(first.clone(), std::slice::from_ref(&other))), "{name}");
        assert!(is_shared(KeyRing::fixed(other, std::slice::from_ref(&first))), "{name}");
    }
    let named =
        |rest: &str| secret(format!("countersign-production-2026-{rest}").as_bytes()).expect("a secret");
    let two = KeyRing::fixed(named("Zr3Lw0TnB6yKd2Hs"), &[named("sHd2Ky6BnT0wL3rZ")]);
    assert!(two.is_ok(), "{two:?}");
}

#[test]
fn a_key_is_not_made_of_the_private_half_of_another() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    // The private number of a P-256 key as the seed of an Ed25519 key.
    let d = number(&ec(), "d");
    let pair = Ed25519KeyPair::from_seed_unchecked(&d).expect("a seed");
    let twin = with(&with(&okp(), "x", b64(pair.public_key())), "d", b64(&d));
    let twin = signing(&twin).expect("a key");
    let first = signing(&ec()).expect("a key");
    assert!(is_shared(KeyRing::fixed(first, &[twin])));
}

#[test]
fn a_key_has_no_member_of_a_key_of_another_type() {
    let refused = |jwk: &Value| match KeyRing::from_json(&set(std::slice::from_ref(jwk))) {
        Err(RingError::Keys(KeySetError::Key { source, .. })) => source,
        other => panic!("{other:?}"),
    };
    for jwk in [okp(), ec(), rsa()] {
        assert_eq!(refused(&with(&jwk, "k", oct()["k"].clone())), KeyError::Member("k"));
    }
    for member in ["x", "n", "d"] {
        assert_eq!(refused(&with(&oct(), member, okp()["x"].clone())), KeyError::Member(member));
    }
}

#[test]
fn a_key_of_ours_says_its_algorithm() {
    for jwk in [okp(), ec(), rsa(), oct()] {
        let unstated = without(&jwk, &["alg"]);
        let expected = KeyError::Unstated(signing(&jwk).expect("a key").algorithm());
        match KeyRing::from_json(&set(std::slice::from_ref(&unstated))) {
            Err(RingError::Keys(KeySetError::Key { index: 0, source })) => assert_eq!(source, expected),
            other => panic!("{other:?}"),
        }
        match KeySet::from_jwks(&set(std::slice::from_ref(&unstated))) {
            Err(KeySetError::Key { index: 0, source }) => assert_eq!(source, expected),
            other => panic!("{other:?}"),
        }
        let text = expected.to_string();
        assert!(text.contains(jwk["alg"].as_str().expect("a name")), "{text}");
    }
    // Others need not, in RFC 7517 §4.4: the type says it.
    let theirs = set(&[with(&without(&public(&rsa()), &["alg"]), "kid", "a")]);
    assert!(KeySet::registered(&theirs).is_ok());
    assert!(KeySet::published(&theirs).is_ok());
}

#[test]
fn a_published_key_is_not_used_if_its_private_half_is_published_too() {
    let (whole, half) = (with(&ec(), "kid", "whole"), with(&public(&ec()), "kid", "half"));
    let good = with(&public(&okp()), "kid", "good");
    let (_, refused) =
        KeySet::published(&set(&[half.clone(), whole, good.clone()])).expect("one key is left");
    let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert!(refused.len() == 2 && refused[0].contains("the key at 0 shares material"), "{refused:?}");
    // A secret tells nothing of a key, even if it is the public number of it.
    let secret = with(&with(&oct(), "k", ec()["x"].clone()), "kid", "secret");
    let (_, refused) = KeySet::published(&set(&[half, secret, good])).expect("two keys are left");
    assert_eq!(refused.len(), 1, "{refused:?}");
}

#[test]
fn a_client_registers_each_key_once() {
    let twice = [with(&public(&ec()), "kid", "a"), with(&public(&ec()), "kid", "b")];
    let refused = KeySet::registered(&set(&twice));
    assert!(matches!(refused, Err(KeySetError::Key { index: 1, source: KeyError::Shared })), "{refused:?}");
}

#[test]
fn pem_has_one_key() {
    let text = |jwk: &Value| signing(jwk).expect("a key").to_text().expect("PEM").to_string();
    let (first, second, third) = (text(&okp()), text(&ec()), text(&rsa()));
    for (one, other) in [(&first, &second), (&second, &third), (&third, &first), (&first, &first)] {
        for together in [format!("{one}{other}"), format!("{one}\n# another\n{other}")] {
            assert_eq!(SigningKey::parse(together.as_bytes()).unwrap_err(), KeyError::Several);
        }
    }
    for label in ["PUBLIC KEY", "CERTIFICATE", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let other = der::pem(label, &[0x30, 0]);
        for together in [format!("{first}{other}"), format!("{other}{first}")] {
            assert_eq!(SigningKey::parse(together.as_bytes()).unwrap_err(), KeyError::Several, "{label}");
        }
    }
    // As `openssl ecparam -genkey` writes it.
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    assert!(SigningKey::parse(format!("{parameters}{second}").as_bytes()).is_ok());
}

#[test]
fn what_is_refused_shows_nothing_of_it() {
    let x = okp()["x"].as_str().expect("a member").to_owned();
    let keys = [okp(), with(&oct(), "k", b64(&x))];
    let error = KeyRing::from_json(&set(&keys)).expect_err("refused");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&x) && shown.contains("the key at 1"), "{shown}");
}

fn kinds() -> impl Strategy<Value = (usize, prop::sample::Index, prop::sample::Index)> {
    (0..NUMBERS.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A part of the text of a number, from anywhere and of any length that a secret may have.
    #[test]
    fn no_part_of_a_number_is_a_secret(
        (kind, member, encoding) in kinds(),
        from in any::<prop::sample::Index>(),
        length in 48_usize..120,
        before in "[ -~]{0,6}",
        after in "[ -~]{0,6}",
    ) {
        let (kind, members) = NUMBERS[kind];
        let (jwk, member) = (pair(kind), member.get(members));
        // Text that other text may stand around; of colons there is a test above.
        let (name, encode) = encoding.get(&ENCODINGS[..7]);
        let bytes = encode(&number(&jwk, member));
        let length = length.min(bytes.len());
        let from = from.index(bytes.len() - length + 1);
        let part = [before.as_bytes(), &bytes[from..from + length], after.as_bytes()].concat();
        refuses(&part, &jwk, &format!("{kind} {member}, {name}"));
    }

    /// Encoded twice.
    #[test]
    fn no_text_of_a_text_of_a_number_is_a_secret((kind, member, inner) in kinds(), outer in 0..7_usize) {
        let (kind, members) = NUMBERS[kind];
        let (jwk, member) = (pair(kind), member.get(members));
        let ((inner, first), (outer, second)) = (inner.get(&ENCODINGS), ENCODINGS[outer]);
        let bytes = second(&first(&number(&jwk, member)));
        refuses(&bytes, &jwk, &format!("{kind} {member}, {inner}, {outer}"));
    }

    /// And a secret of its own is taken beside every key.
    #[test]
    fn a_random_secret_is_taken_beside_any_key(
        bytes in any::<[u8; 32]>(), kind in 0..NUMBERS.len(), encoding in 0..7_usize
    ) {
        let bytes = ENCODINGS[encoding].1(&bytes);
        let secret = HmacSecret::parse(&bytes);
        prop_assume!(!matches!(secret, Err(WeakSecret::Repeated | WeakSecret::Published | WeakSecret::Key)));
        let secret = SigningKey::hs256(&secret.expect("a good secret"));
        let ring = KeyRing::fixed(secret, &[signing(&pair(NUMBERS[kind].0)).expect("a key")]);
        prop_assert!(ring.is_ok(), "{ring:?}");
    }
}

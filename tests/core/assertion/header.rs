//! What an assertion's header and signature have to be.

use super::{CLIENT, LEEWAY, NOW, claims, said, signer::Signer, verify};
use crate::{
    jws,
    keys::{b64, oct, public, rsa, set, with, without},
};
use aws_lc_rs::hmac;
use countersign::jwt::{JwtError, KeySet, MAX_TOKEN_BYTES};
use serde_json::{Value, json};

/// What becomes of good claims under this header, well signed.
fn under(signer: &Signer, header: &Value) -> Result<String, JwtError> {
    let token = signer.sign(header.to_string(), claims().to_string());
    verify(token, &signer.keys(), LEEWAY, NOW).map(|assertion| assertion.id().to_owned())
}

fn hs256(key: &[u8], header: &Value) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    format!("{message}.{}", b64(signature))
}

// A01, A02, A03, A05
#[test]
fn an_assertion_is_signed_by_the_one_algorithm_of_its_key() {
    for signer in Signer::all() {
        assert_eq!(under(&signer, &signer.header()), Ok("j".into()), "{}", signer.alg);
        for alg in
            ["none", "None", "", "HS256", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
        {
            if alg != signer.alg {
                let header = with(&signer.header(), "alg", alg);
                assert_eq!(under(&signer, &header), Err(JwtError::Algorithm), "{alg} by {}", signer.alg);
                let unsigned = format!("{}.{}.", b64(header.to_string()), b64(claims().to_string()));
                assert!(verify(unsigned, &signer.keys(), LEEWAY, NOW).is_err(), "{alg}");
            }
        }
        for header in
            [with(&signer.header(), "alg", json!([signer.alg])), without(&signer.header(), &["alg"])]
        {
            assert_eq!(under(&signer, &header), Err(JwtError::HeaderMember("alg")));
        }
    }
}

// A04
#[test]
fn a_public_key_is_no_secret_that_assertions_are_signed_with() {
    for signer in Signer::all() {
        for alg in ["HS256", signer.alg] {
            let named = with(&signer.header(), "alg", alg);
            for header in [without(&named, &["kid"]), named] {
                for form in signer.public_forms() {
                    let expected = if alg == "HS256" { JwtError::Algorithm } else { JwtError::Signature };
                    let token = hs256(&form, &header);
                    let found = verify(token, &signer.keys(), LEEWAY, NOW);
                    assert_eq!(found, Err(expected), "{}", String::from_utf8_lossy(&form));
                }
            }
        }
    }
}

// OpenID Connect Core §9: what two know is `client_secret_jwt`, which is another method.
#[test]
fn an_assertion_is_not_signed_with_a_secret_even_if_it_is_among_the_keys() {
    let keys = KeySet::from_jwks(&set(&[oct()])).expect("a secret");
    let token = jws::sign(br#"{"alg":"HS256"}"#, claims().to_string().as_bytes());
    assert_eq!(verify(token, &keys, LEEWAY, NOW), Err(JwtError::Algorithm));
}

// A06, A07, A16, A17
#[test]
fn of_several_keys_the_one_that_the_kid_names_has_signed() {
    let signers = Signer::all();
    let keys = KeySet::registered(&set(&signers.each_ref().map(|signer| signer.jwk.clone()))).expect("keys");
    for signer in &signers {
        let sign = |header: Value| {
            let token = signer.sign(header.to_string(), claims().to_string());
            verify(token, &keys, LEEWAY, NOW).map(|assertion| assertion.id().to_owned())
        };
        assert_eq!(sign(signer.header()), Ok("j".into()));
        assert_eq!(sign(without(&signer.header(), &["kid"])), Err(JwtError::UnknownKey));
        for kid in ["", "another", "the ES256 key\0", "../../../../dev/null", "' OR 1=1--"] {
            assert_eq!(sign(with(&signer.header(), "kid", kid)), Err(JwtError::UnknownKey), "{kid}");
        }
        for other in signers.iter().filter(|other| other.alg != signer.alg) {
            let kid = other.jwk["kid"].clone();
            assert_eq!(sign(with(&signer.header(), "kid", kid)), Err(JwtError::Algorithm));
            assert_eq!(sign(other.header()), Err(JwtError::Signature));
        }
    }
    let stranger = Signer::ed25519();
    let token = stranger.sign(stranger.header().to_string(), claims().to_string());
    let theirs = with(&public(&rsa()), "kid", stranger.jwk["kid"].clone());
    let theirs = KeySet::registered(&set(&[theirs])).expect("a key");
    assert_eq!(verify(&token, &theirs, LEEWAY, NOW), Err(JwtError::Algorithm), "signed by another client");
    let (message, _) = token.rsplit_once('.').expect("a signature");
    for signature in [b64([]), b64([0; 64]), b64([0; 63]), b64([1; 65])] {
        let token = format!("{message}.{signature}");
        assert_eq!(verify(token, &stranger.keys(), LEEWAY, NOW), Err(JwtError::Signature));
    }
}

// A11, A12, A13, A18, A20, A21
#[test]
fn an_assertion_brings_neither_a_key_nor_an_extension() {
    let signer = Signer::ed25519();
    for member in ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"] {
        for value in [json!(["exp"]), json!("https://login.example/keys"), signer.jwk.clone(), json!(null)] {
            let header = with(&signer.header(), member, value);
            assert_eq!(under(&signer, &header), Err(JwtError::HeaderMember(member)));
        }
    }
    let header = signer.header().to_string();
    for twice in ["alg", "kid", "typ", "note"] {
        let header = format!("{{\"{twice}\":\"x\",\"{twice}\":\"x\",{}", &header[1..]);
        let token = signer.sign(header, claims().to_string());
        assert_eq!(verify(token, &signer.keys(), LEEWAY, NOW), Err(JwtError::Malformed), "{twice}");
    }
}

// A22, A24, A25
#[test]
fn a_token_that_was_made_for_something_else_is_no_assertion() {
    let signer = Signer::ed25519();
    let of_type = |typ: &str| under(&signer, &with(&signer.header(), "typ", typ));
    for typ in [
        "JWT",
        "jwt",
        "application/JWT",
        "client-authentication+jwt",
        "Client-Authentication+JWT",
        "application/client-authentication+jwt",
        "APPLICATION/CLIENT-AUTHENTICATION+JWT",
    ] {
        assert_eq!(of_type(typ), Ok("j".into()), "{typ}");
    }
    assert_eq!(under(&signer, &without(&signer.header(), &["typ"])), Ok("j".into()));
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "refresh+jwt",
        "id+jwt",
        "dpop+jwt",
        "logout+jwt",
        "oauth-authz-req+jwt",
        "client-authentication",
        "authentication+jwt",
        "client-authentication+jwt ",
        "text/client-authentication+jwt",
        "application/application/JWT",
        "JOSE",
        "",
    ] {
        assert_eq!(of_type(typ), Err(JwtError::Type), "{typ}");
    }
    for typ in [json!(null), json!(1), json!(["JWT"])] {
        assert_eq!(under(&signer, &with(&signer.header(), "typ", typ)), Err(JwtError::HeaderMember("typ")));
    }
}

// A20
#[test]
fn a_token_within_a_token_is_no_assertion() {
    let signer = Signer::ed25519();
    for cty in [json!("JWT"), json!("json"), json!(null)] {
        assert_eq!(under(&signer, &with(&signer.header(), "cty", cty)), Err(JwtError::Type));
    }
    let inner = signer.sign(signer.header().to_string(), claims().to_string());
    assert_eq!(said(inner), Err(JwtError::Malformed));
}

#[test]
fn an_assertion_is_as_long_as_any_token_may_be_and_no_longer() {
    let signer = Signer::ed25519();
    let token = |note: usize| {
        let claims = with(&claims(), "note", "x".repeat(note)).to_string();
        signer.sign(signer.header().to_string(), claims)
    };
    let longest = (0..).take_while(|note| token(*note).len() <= MAX_TOKEN_BYTES).last().expect("some");
    assert_eq!(verify(token(longest), &signer.keys(), LEEWAY, NOW).map(|found| found.id().len()), Ok(1));
    assert_eq!(verify(token(longest + 1), &signer.keys(), LEEWAY, NOW), Err(JwtError::TooLong));
    let claimed = |note| countersign::jwt::Assertion::claimed_subject(token(note).as_bytes());
    assert_eq!(claimed(longest).expect("a client").as_str(), CLIENT);
    assert_eq!(claimed(longest + 1), None);
}

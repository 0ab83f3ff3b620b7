//! What an assertion has to say, beside the times.

use super::{CLIENT, ENDPOINT, ISSUER, claims, raw, said, saying, signer::Signer};
use crate::keys::{b64, with, without};
use countersign::jwt::{Assertion, JwtError};
use serde_json::{Value, json};

/// Refused for this claim.
#[track_caller]
fn blames(claim: &'static str, value: impl Into<Value>) {
    let value = value.into();
    assert_eq!(saying(claim, value.clone()), Err(JwtError::Claim(claim)), "{claim} is {value}");
}

#[test]
fn a_good_assertion_tells_its_id() {
    assert_eq!(said(claims().to_string()).expect("good").id(), "j");
    // RFC 7523 §3, point 9 and RFC 7519 §4: what is not known is passed over.
    for (name, value) in [("scope", json!(1)), ("nonce", json!(null)), ("note", json!({ "aud": "x" }))] {
        assert!(saying(name, value).is_ok(), "{name}");
    }
    assert!(said(without(&claims(), &["iat"]).to_string()).is_ok());
}

// C05
#[test]
fn an_assertion_without_one_of_its_claims_is_refused() {
    for claim in ["iss", "sub", "aud", "exp", "jti"] {
        let found = said(without(&claims(), &[claim]).to_string());
        assert_eq!(found, Err(JwtError::Claim(claim)), "{claim}");
    }
}

// C08, C11
#[test]
fn the_issuer_and_the_subject_are_both_exactly_the_client() {
    for claim in ["iss", "sub"] {
        for other in
            ["", "reports", "reports-worker2", "Reports-Worker", "reports-worker ", "first-party", ISSUER]
        {
            blames(claim, other);
        }
        blames(claim, format!("{CLIENT}\0"));
        for other in [json!(null), json!(1), json!(true), json!({}), json!([CLIENT]), json!([CLIENT, "evil"])]
        {
            blames(claim, other);
        }
    }
}

// C09, C10
#[test]
fn the_audience_is_one_of_the_servers_names_and_nothing_beside_it() {
    for name in [ISSUER, ENDPOINT] {
        assert!(saying("aud", name).is_ok(), "{name}");
        assert!(saying("aud", json!([name])).is_ok(), "{name}");
        for other in ["https://evil.example", ISSUER, ENDPOINT] {
            blames("aud", json!([name, other]));
            blames("aud", json!([other, name]));
        }
        for beside in [json!(1), json!(null), json!([]), json!([name]), json!({})] {
            blames("aud", json!([name, beside]));
        }
        blames("aud", format!("{name}/"));
        blames("aud", json!([format!("{name}/")]));
        blames("aud", format!(" {name}"));
        blames("aud", name.to_uppercase());
        blames("aud", &name[..name.len() - 1]);
        blames("aud", json!([[name]]));
        blames("aud", json!({ "aud": name }));
    }
    for other in [json!("https://evil.example"), json!(""), json!([]), json!([""]), json!(null), json!(1)] {
        blames("aud", other);
    }
    blames("aud", CLIENT);
    blames("aud", format!("{ISSUER} {ENDPOINT}"));
}

#[test]
fn an_assertion_has_an_id_of_1_to_255_bytes_that_can_be_read() {
    for id in ["x".repeat(255), "é".repeat(127), "/ \"'\\ %00".into(), "\u{1f511}".into()] {
        assert_eq!(saying("jti", &*id).expect("good").id(), id);
    }
    for id in ["", &"x".repeat(256), &"é".repeat(128), "\0", "j\n", "\tj", "j\u{7f}", "\u{85}"] {
        blames("jti", id);
    }
    for id in [json!(null), json!(1), json!(true), json!(["j"]), json!({})] {
        blames("jti", id);
    }
}

// C12
#[test]
fn a_claim_that_stands_twice_is_refused_whatever_it_says() {
    let claims = claims().to_string();
    for twice in ["iss", "sub", "aud", "exp", "jti", "iat", "nbf", "note"] {
        for value in ["1", "null", "\"x\""] {
            let text = format!("{{\"{twice}\":{value},\"{twice}\":{value},{}", &claims[1..]);
            assert_eq!(said(text), Err(JwtError::Malformed), "{twice}");
        }
    }
    assert_eq!(said(format!("{{\"sub\":\"{CLIENT}\",{}", &claims[1..])), Err(JwtError::Malformed));
    // The same name spelt in another way.
    assert_eq!(said(format!("{{\"s\\u0075b\":\"{CLIENT}\",{}", &claims[1..])), Err(JwtError::Malformed));
}

/// What is no JSON object, whatever stands in it.
fn no_objects() -> Vec<Vec<u8>> {
    let text = claims().to_string();
    let texts = [
        String::new(),
        "null".into(),
        "1".into(),
        "[]".into(),
        format!("[{text}]"),
        json!(text).to_string(),
        format!("{text}{text}"),
        format!("{text}x"),
        format!("{text}\0"),
        format!("\u{feff}{text}"),
        text[..text.len() - 1].into(),
        raw("note", "NaN"),
        raw("exp", "1e400"),
        raw("jti", "\"\\ud800\""),
        raw("note", "'x'"),
    ];
    let behind = [text.as_bytes(), b"\xff"].concat();
    let within = raw("note", "\"?\"").bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
    texts.into_iter().map(String::into_bytes).chain([behind, within]).collect()
}

// C15
#[test]
fn what_is_no_object_in_strict_json_is_no_assertion() {
    for text in no_objects() {
        assert_eq!(said(&text), Err(JwtError::Malformed), "{}", String::from_utf8_lossy(&text));
    }
    assert!(said(format!(" {}\n", claims())).is_ok(), "white space is JSON");
}

// RFC 7521 §4.2: with an assertion the parameter client_id may be left out.
#[test]
fn an_assertion_says_whose_it_is_before_it_is_verified() {
    let claimed = |payload: &[u8]| {
        let token = format!("{}.{}.{}", b64("any header"), b64(payload), b64("any signature"));
        Assertion::claimed_subject(token.as_bytes()).map(|client| client.to_string())
    };
    assert_eq!(claimed(claims().to_string().as_bytes()).as_deref(), Some(CLIENT));
    assert_eq!(claimed(br#"{"sub":"other"}"#).as_deref(), Some("other"));
    for sub in [json!(null), json!(1), json!([CLIENT]), json!(""), json!("a b"), json!("x".repeat(65))] {
        assert_eq!(claimed(with(&claims(), "sub", sub.clone()).to_string().as_bytes()), None, "{sub}");
    }
    assert_eq!(claimed(without(&claims(), &["sub"]).to_string().as_bytes()), None);
    assert_eq!(claimed(format!("{{\"sub\":\"{CLIENT}\",\"sub\":\"{CLIENT}\"}}").as_bytes()), None);
    for text in no_objects() {
        assert_eq!(claimed(&text), None, "{}", String::from_utf8_lossy(&text));
    }
    let good = Signer::ed25519().sign("{}", claims().to_string());
    for token in [&good[1..], &good.replace('.', ""), &format!("{good}.{good}"), &good.replacen('.', ".=", 1)]
    {
        let claimed = Assertion::claimed_subject(token.as_bytes());
        // Of the header nothing is read.
        assert_eq!(claimed.is_some(), token == &good[1..], "{token}");
    }
}

//! `exp`, `iat` and `nbf` at the exact second, by a clock of the test's own.

use crate::jws::{good_header, sign, signing_key};
use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Issuance, JwtError, KeyRing, Rules},
    scope::Scope,
    session::SessionId,
    user::UserId,
};
use std::{collections::BTreeSet, time::Duration};

pub fn tokens(leeway: u64, max_lifetime: u64) -> AccessTokens {
    let rules = Rules {
        issuer: "https://issuer.example".into(),
        audience: "api".into(),
        leeway: Duration::from_secs(leeway),
        max_lifetime: Duration::from_secs(max_lifetime),
    };
    AccessTokens::new(KeyRing::new(signing_key(), UnixTime(0)), rules)
}

/// A token with these times, each as JSON text; the rest is good.
pub fn token(iat: &str, exp: &str, more: &str) -> String {
    let payload = format!(
        r#"{{"iss":"https://issuer.example","aud":"api","sub":"s","client_id":"c","sid":"i","jti":"j","rev":0,
            "iat":{iat},"exp":{exp}{more}}}"#
    );
    sign(good_header().as_bytes(), payload.as_bytes())
}

pub fn verdict(tokens: &AccessTokens, token: &str, now: u64) -> Result<(), JwtError> {
    tokens.verify(token.as_bytes(), UnixTime(now)).map(drop)
}

// C01
#[test]
fn a_token_is_good_until_the_second_before_exp_and_not_in_it() {
    let tokens = tokens(0, 900);
    let token = token("1000", "1900", "");
    assert_eq!(verdict(&tokens, &token, 1000), Ok(()));
    assert_eq!(verdict(&tokens, &token, 1899), Ok(()));
    assert_eq!(verdict(&tokens, &token, 1900), Err(JwtError::Expired));
    assert_eq!(verdict(&tokens, &token, 1901), Err(JwtError::Expired));
}

// C01, C06, C07
#[test]
fn leeway_moves_both_ends_by_exactly_its_seconds() {
    let tokens = tokens(5, 900);
    let issued = token("1000", "1900", "");
    assert_eq!(verdict(&tokens, &issued, 994), Err(JwtError::NotYetValid));
    assert_eq!(verdict(&tokens, &issued, 995), Ok(()));
    assert_eq!(verdict(&tokens, &issued, 1904), Ok(()));
    assert_eq!(verdict(&tokens, &issued, 1905), Err(JwtError::Expired));
    let delayed = token("1000", "1900", ",\"nbf\":1100");
    assert_eq!(verdict(&tokens, &delayed, 1094), Err(JwtError::NotYetValid));
    assert_eq!(verdict(&tokens, &delayed, 1095), Ok(()));
}

// C02, C03, C04: what jsonwebtoken rounds, wraps or lets through.
#[test]
fn times_that_are_not_whole_numbers_in_range_are_refused_at_any_clock() {
    let tokens = tokens(60, 900);
    for exp in [
        "1900.0",
        "1899.6",
        "1.9e3",
        "1e400",
        "-1",
        "\"1900\"",
        "null",
        "true",
        "[1900]",
        "{}",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775808",
        "10000000000000000000",
        "253402300800",
    ] {
        for now in [0, 30, 1000, 1900, u64::MAX] {
            assert!(verdict(&tokens, &token("1000", exp, ""), now).is_err(), "exp {exp} at {now}");
        }
    }
    for iat in ["999.5", "\"1000\"", "null", "-1", "true"] {
        assert_eq!(verdict(&tokens, &token(iat, "1900", ""), 1000), Err(JwtError::Claim("iat")), "iat {iat}");
    }
    for nbf in ["999.5", "\"1000\"", "null", "-1", "true", "18446744073709551616"] {
        let token = token("1000", "1900", &format!(",\"nbf\":{nbf}"));
        assert_eq!(verdict(&tokens, &token, 1000), Err(JwtError::Claim("nbf")), "nbf {nbf}");
    }
}

#[test]
fn a_leeway_greater_than_the_clock_does_not_wrap() {
    let tokens = tokens(60, 900);
    assert_eq!(verdict(&tokens, &token("0", "1", ""), 10), Ok(()), "1 and the leeway is 61");
    assert_eq!(verdict(&tokens, &token("0", "1", ""), 61), Err(JwtError::Expired));
}

#[test]
fn what_is_issued_is_accepted_for_its_lifetime_and_names_what_it_was_given() {
    let tokens = tokens(0, 900);
    let roles: BTreeSet<_> = ["admin", "editor"].iter().map(|role| role.parse().expect("a role")).collect();
    let scope: Scope = "a b".parse().expect("a scope");
    let subject = UserId::random();
    let issuance = Issuance {
        session_ends: UnixTime(u64::MAX),
        subject: subject.to_string(),
        client_id: "first-party",
        client_revision: 5,
        session_id: Some(SessionId::from_bytes([7; 16])),
        lifetime: Duration::from_secs(1_000_000),
        revision: 3,
        roles: &roles,
        scope: &scope,
    };
    let token = tokens.issue(&issuance, UnixTime(1000)).expect("issued");
    let claims = tokens.verify(token.as_bytes(), UnixTime(1899)).expect("accepted");
    assert_eq!(claims.subject(), subject.to_string());
    assert_eq!((claims.session_id(), claims.revision()), ("BwcHBwcHBwcHBwcHBwcHBw", 3));
    assert_eq!((claims.client_id(), claims.client_revision()), ("first-party", 5));
    assert_eq!((claims.roles(), claims.scope()), (&roles, &scope));
    assert_eq!((claims.issued_at(), claims.expires_at()), (UnixTime(1000), UnixTime(1900)));
    assert_eq!(verdict(&tokens, &token, 1900), Err(JwtError::Expired));
    let again = tokens.issue(&issuance, UnixTime(1000)).expect("issued");
    assert_ne!(token, again, "each token has a jti of its own");
}

//! A token that is remembered is good for no longer, and for nothing else, than one that is not.

use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Algorithm, Issuance, JwtError, KeyRing, Lives, Rules, SigningKey},
    scope::Scope,
    session::SessionId,
    user::UserId,
};
use std::{collections::BTreeSet, time::Duration};

const NOW: UnixTime = UnixTime(1_800_000_000);
const LIVES: Lives = Lives { access: Duration::from_secs(100), session: Duration::from_secs(1_000) };
const ASYMMETRIC: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("a key")
}

fn tokens(ring: &KeyRing) -> AccessTokens {
    let rules = Rules {
        issuer: "i".into(),
        audience: "a".into(),
        leeway: Duration::from_secs(5),
        max_lifetime: Duration::from_secs(900),
    };
    AccessTokens::new(ring.clone(), rules)
}

/// A token that was verified, and so is remembered.
fn remembered(tokens: &AccessTokens) -> String {
    let issuance = Issuance {
        subject: UserId::random().to_string(),
        client_id: "c",
        session_id: Some(SessionId::from_bytes([7; 16])),
        client_revision: 0,
        revision: 1,
        lifetime: Duration::from_secs(86_400),
        roles: &BTreeSet::new(),
        scope: &Scope::default(),
        session_ends: NOW.plus(Duration::from_secs(9_000)),
    };
    let token = tokens.issue(&issuance, NOW).expect("issued");
    let first = tokens.verify(token.as_bytes(), NOW).expect("good");
    assert_eq!(tokens.verify(token.as_bytes(), NOW), Ok(first), "it says the same the second time");
    token
}

fn seconds(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

#[test]
fn it_expires_to_the_second() {
    for algorithm in ASYMMETRIC {
        let tokens = tokens(&KeyRing::new(key(algorithm), NOW));
        let token = remembered(&tokens);
        assert!(tokens.verify(token.as_bytes(), seconds(904)).is_ok(), "{algorithm}");
        assert_eq!(tokens.verify(token.as_bytes(), seconds(905)), Err(JwtError::Expired), "{algorithm}");
        // A clock may go back.
        assert!(tokens.verify(token.as_bytes(), seconds(904)).is_ok(), "{algorithm}");
        let early = NOW.minus(Duration::from_secs(6));
        assert_eq!(tokens.verify(token.as_bytes(), early), Err(JwtError::NotYetValid), "{algorithm}");
        // What a clock that goes back could ask for is kept until it is forgotten.
        assert!(format!("{tokens:?}").contains("count: 1"), "{tokens:?}");
        tokens.forget(seconds(904));
        assert!(format!("{tokens:?}").contains("count: 1"), "{tokens:?}");
        tokens.forget(seconds(905));
        assert!(format!("{tokens:?}").contains("count: 0"), "{tokens:?}");
        assert_eq!(tokens.verify(token.as_bytes(), seconds(905)), Err(JwtError::Expired), "{algorithm}");
    }
}

#[test]
fn it_ends_with_its_key() {
    for algorithm in ASYMMETRIC {
        let ring = KeyRing::new(key(algorithm), NOW);
        let ring = ring.rotate(key(algorithm), NOW, seconds(10), LIVES).expect("rotated");
        let tokens = tokens(&ring);
        let token = remembered(&tokens);
        assert!(tokens.verify(token.as_bytes(), seconds(109)).is_ok(), "{algorithm}");
        assert_eq!(tokens.verify(token.as_bytes(), seconds(110)), Err(JwtError::UnknownKey), "{algorithm}");
    }
}

#[test]
fn it_ends_when_its_key_is_revoked() {
    for algorithm in ASYMMETRIC {
        let ring = KeyRing::new(key(algorithm), NOW);
        let tokens = tokens(&ring);
        let token = remembered(&tokens);
        let kid = ring.signing(NOW).kid().to_owned();
        for keep_sessions in [true, false] {
            tokens.replace(ring.revoke(&kid, NOW, keep_sessions, key(algorithm), LIVES).expect("revoked"));
            assert_eq!(tokens.verify(token.as_bytes(), NOW), Err(JwtError::UnknownKey), "{algorithm}");
        }
        tokens.replace(ring.clone());
        assert!(tokens.verify(token.as_bytes(), NOW).is_ok(), "{algorithm}");
    }
}

#[test]
fn it_is_itself_and_no_other() {
    for algorithm in ASYMMETRIC {
        let tokens = tokens(&KeyRing::new(key(algorithm), NOW));
        let token = remembered(&tokens);
        for changed in [format!("{token}="), format!("{token}."), format!(" {token}"), token[1..].to_owned()]
        {
            assert!(tokens.verify(changed.as_bytes(), NOW).is_err(), "{algorithm}");
        }
    }
}

#[test]
fn there_may_be_more_of_them_than_are_remembered() {
    let tokens = tokens(&KeyRing::new(key(Algorithm::EdDsa), NOW));
    let many: Vec<_> = (0..10_500).map(|_| remembered(&tokens)).collect();
    // How they fall into the parts of the cache is chance, and not every part need be full.
    let shown = format!("{tokens:?}");
    let count = shown.split("count: ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(count.is_some_and(|count| (9_000..=10_000).contains(&count)), "{shown}");
    for token in many.iter().step_by(100) {
        assert!(tokens.verify(token.as_bytes(), NOW).is_ok());
    }
}

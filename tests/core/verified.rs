//! A token that is remembered is good for no longer, and for nothing else, than one that is not; and one
//! whose refusal is remembered is refused for no longer, and no other with it.

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
const ALL: [Algorithm; 4] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256];

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

fn issued(tokens: &AccessTokens) -> String {
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
    tokens.issue(&issuance, NOW).expect("issued")
}

/// A token that was verified, and so is remembered.
fn remembered(tokens: &AccessTokens) -> String {
    let token = issued(tokens);
    let first = tokens.verify(token.as_bytes(), NOW).expect("good");
    assert_eq!(tokens.verify(token.as_bytes(), NOW), Ok(first), "it says the same the second time");
    token
}

fn seconds(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

#[test]
fn it_expires_to_the_second() {
    for algorithm in ALL {
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
    for algorithm in ALL {
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
    for algorithm in ALL {
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
    for algorithm in ALL {
        let tokens = tokens(&KeyRing::new(key(algorithm), NOW));
        let token = remembered(&tokens);
        for changed in [format!("{token}="), format!("{token}."), format!(" {token}"), token[1..].to_owned()]
        {
            assert!(tokens.verify(changed.as_bytes(), NOW).is_err(), "{algorithm}");
        }
        // It is found by its end, so all others with that end are no other's either.
        for at in 0..token.len() - 1 {
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert!(tokens.verify(changed.as_bytes(), NOW).is_err(), "{algorithm}, at {at}");
        }
    }
}

#[test]
fn there_may_be_more_of_them_than_are_remembered() {
    let tokens = tokens(&KeyRing::new(key(Algorithm::EdDsa), NOW));
    let many: Vec<_> = (0..10_500).map(|_| remembered(&tokens)).collect();
    // How they fall into the parts of the cache is chance, and not every part need be full.
    assert!((9_000..=10_000).contains(&counted(&tokens, "count: ")), "{tokens:?}");
    for token in many.iter().step_by(100) {
        assert!(tokens.verify(token.as_bytes(), NOW).is_ok());
    }
}

/// What `Debug` says of how many tokens are remembered.
fn counted(tokens: &AccessTokens, what: &str) -> u32 {
    let shown = format!("{tokens:?}");
    let digits = shown.split(what).nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    digits.and_then(|digits: String| digits.parse().ok()).expect("a count")
}

/// The token with the first character of its signature changed.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

#[test]
fn a_forged_signature_is_refused_the_second_time_too_and_spoils_nothing_else() {
    for algorithm in ALL {
        let tokens = tokens(&KeyRing::new(key(algorithm), NOW));
        let (token, other) = (issued(&tokens), remembered(&tokens));
        for refused in 1..=3 {
            let found = tokens.verify(forged(&token).as_bytes(), NOW);
            assert_eq!(found, Err(JwtError::Signature), "{algorithm}, {refused}");
            assert_eq!(counted(&tokens, "refused: "), 1, "{algorithm}");
        }
        assert_eq!(counted(&tokens, "count: "), 1, "what is forged is not among the good");
        for good in [&token, &other] {
            assert!(tokens.verify(good.as_bytes(), NOW).is_ok(), "{algorithm}");
            assert_eq!(tokens.verify(forged(good).as_bytes(), NOW), Err(JwtError::Signature), "{algorithm}");
            assert!(tokens.verify(good.as_bytes(), NOW).is_ok(), "{algorithm}");
        }
    }
}

#[test]
fn a_token_that_is_seen_too_late_or_too_early_is_judged_by_the_time_each_time() {
    for algorithm in ALL {
        let tokens = tokens(&KeyRing::new(key(algorithm), NOW));
        let token = issued(&tokens);
        let early = NOW.minus(Duration::from_secs(6));
        for _ in 0..2 {
            assert_eq!(tokens.verify(token.as_bytes(), seconds(905)), Err(JwtError::Expired), "{algorithm}");
            assert_eq!(tokens.verify(token.as_bytes(), early), Err(JwtError::NotYetValid), "{algorithm}");
            assert!(tokens.verify(token.as_bytes(), NOW).is_ok(), "{algorithm}");
        }
        assert_eq!(counted(&tokens, "refused: "), 0, "the time refuses nobody for ever");
    }
}

#[test]
fn a_token_of_a_key_that_comes_to_be_known_is_good_from_then_on() {
    for algorithm in ALL {
        let [known, new] = [(); 2].map(|()| KeyRing::new(key(algorithm), NOW));
        let token = issued(&tokens(&new));
        let tokens = tokens(&known);
        for _ in 0..2 {
            assert_eq!(tokens.verify(token.as_bytes(), NOW), Err(JwtError::UnknownKey), "{algorithm}");
        }
        tokens.replace(new);
        assert!(tokens.verify(token.as_bytes(), NOW).is_ok(), "{algorithm}");
        tokens.replace(known);
        assert_eq!(tokens.verify(token.as_bytes(), NOW), Err(JwtError::UnknownKey), "{algorithm}");
    }
}

#[test]
fn what_a_well_signed_token_should_not_say_is_refused_the_second_time_too() {
    for algorithm in ALL {
        let ring = KeyRing::new(key(algorithm), NOW);
        let elsewhere = Rules {
            issuer: "i".into(),
            audience: "another".into(),
            leeway: Duration::from_secs(5),
            max_lifetime: Duration::from_secs(900),
        };
        let token = issued(&AccessTokens::new(ring.clone(), elsewhere));
        let tokens = tokens(&ring);
        for _ in 0..2 {
            assert_eq!(tokens.verify(token.as_bytes(), NOW), Err(JwtError::Claim("aud")), "{algorithm}");
        }
    }
}

#[test]
fn whoever_makes_tokens_up_pushes_out_none_that_is_good() {
    let tokens = tokens(&KeyRing::new(key(Algorithm::Hs256), NOW));
    let good: Vec<_> = (0..100).map(|_| remembered(&tokens)).collect();
    for _ in 0..12_000 {
        assert_eq!(tokens.verify(forged(&issued(&tokens)).as_bytes(), NOW), Err(JwtError::Signature));
    }
    assert!(counted(&tokens, "refused: ") <= 10_000, "{tokens:?}");
    assert_eq!(counted(&tokens, "count: "), 100, "{tokens:?}");
    assert!(good.iter().all(|token| tokens.verify(token.as_bytes(), NOW).is_ok()));
}

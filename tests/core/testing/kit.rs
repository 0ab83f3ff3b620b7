//! What the kit makes is what it says.

use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Algorithm, HmacSecret, KeyRing, Rules, SigningKey},
    testing::{Answer, Case, Kit, KitError, Reply},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const NOW: UnixTime = UnixTime(1_800_000_000);
const ALGORITHMS: [Algorithm; 4] = [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

fn rules() -> Rules {
    Rules {
        issuer: "https://login.example".into(),
        audience: "orders".into(),
        leeway: Duration::from_secs(60),
        max_lifetime: Duration::from_secs(86_400),
    }
}

/// A ring of this key and one of each other algorithm before it.
fn ring(algorithm: Algorithm) -> KeyRing {
    let key = |algorithm| SigningKey::generate(algorithm).expect("a key");
    let others: Vec<_> = ALGORITHMS.into_iter().filter(|other| *other != algorithm).map(key).collect();
    KeyRing::fixed(key(algorithm), &others).expect("a ring")
}

fn of_all_kinds(kit: &Kit) -> BTreeSet<&'static str> {
    kit.cases().map(|case| case.row()).collect()
}

#[test]
fn each_token_of_the_kit_is_what_its_label_says_by_every_algorithm() {
    for algorithm in ALGORITHMS {
        let ring = ring(algorithm);
        let tokens = AccessTokens::new(ring.clone(), rules());
        let kit = Kit::from_ring(&ring, &rules(), NOW).expect("a kit");
        let mut counts = BTreeMap::new();
        for case in kit.cases() {
            let Some(token) = case.token() else { continue };
            let verdict = tokens.verify(token.as_bytes(), NOW);
            assert_eq!(
                verdict.is_ok(),
                case.answer() == Answer::Accepted,
                "{algorithm}: {case:?}: {verdict:?}"
            );
            *counts.entry(case.answer() == Answer::Accepted).or_insert(0) += 1;
        }
        assert!(counts[&true] >= 6 && counts[&false] >= 300, "{algorithm}: {counts:?}");
    }
}

#[test]
fn each_label_is_there_once_and_bad_cases_name_their_rule() {
    let kit = Kit::from_ring(&ring(Algorithm::Es256), &rules(), NOW).expect("a kit");
    let kit = kit.with_role("admin").with_role("editor").with_scope("orders:read").with_scope("orders:write");
    let mut labels = BTreeSet::new();
    for case in kit.bad() {
        assert!(!case.row().is_empty() && !case.rule().is_empty(), "{case:?}");
        assert!(!case.what().contains(char::is_control), "{case:?}");
    }
    for case in kit.cases() {
        assert!(labels.insert(case.what().to_owned()), "twice: {case:?}");
    }
    // Two tokens that are the same test nothing twice.
    let mut tokens = BTreeSet::new();
    for case in kit.bad() {
        let elsewhere = case.header().map(|(name, value)| format!("{name}: {value}"));
        let sent = (case.authorization().to_vec(), case.query().map(str::to_owned), elsewhere);
        assert!(tokens.insert(sent), "sent before: {case:?}");
    }
}

#[test]
fn the_kit_has_something_for_every_row_that_is_about_tokens() {
    let ring = ring(Algorithm::EdDsa);
    let kit = Kit::from_ring(&ring, &rules(), NOW).expect("a kit").with_role("admin");
    let mut rows = of_all_kinds(&kit);
    rows.extend(of_all_kinds(&Kit::from_ring(&self::ring(Algorithm::Es256), &rules(), NOW).expect("a kit")));
    let wanted = [
        "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A10", "A11", "A12", "A13", "A14", "A15",
        "A16", "A17", "A18", "A20", "A21", "A22", "A24", "A25", "C01", "C02", "C03", "C04", "C05", "C06",
        "C07", "C08", "C09", "C10", "C11", "C12", "C13", "C14", "C15", "E01", "E02", "E03", "E04", "E05",
        "H01", "H02", "H03", "H04", "H05", "H06",
    ];
    let missing: Vec<_> = wanted.into_iter().filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn without_keys_the_kit_makes_what_anybody_can_make_and_nothing_else() {
    for algorithm in ALGORITHMS {
        let ring = ring(algorithm);
        let tokens = AccessTokens::new(ring.clone(), rules());
        let signed = Kit::from_ring(&ring, &rules(), NOW).expect("a kit");
        let good = signed.good().next().expect("a good token").token().expect("a token").to_owned();
        let kit = Kit::from_token(&good, NOW).expect("a kit").with_published(&ring.jwks(NOW)).expect("keys");
        let mut count = 0;
        for case in kit.cases() {
            let Some(token) = case.token() else { continue };
            assert_eq!(token == good, case.answer() == Answer::Accepted, "{case:?}");
            assert_eq!(tokens.verify(token.as_bytes(), NOW).is_ok(), token == good, "{case:?}");
            count += 1;
        }
        assert!((150..400).contains(&count), "{count}");
    }
}

#[test]
fn there_is_no_kit_of_what_is_no_token_or_of_a_key_that_is_missing() {
    for text in ["", "a.b.c", "e30.e30", "e30.e30.e30.e30", "W10.e30.", "e30.MQ.", "e30.e30.é", "e30.e30.a b"]
    {
        assert!(matches!(Kit::from_token(text, NOW), Err(KitError::Token)), "{text:?}");
    }
    let (ours, other) = (ring(Algorithm::EdDsa), ring(Algorithm::EdDsa));
    let good = Kit::from_ring(&ours, &rules(), NOW).expect("a kit").good().next().expect("a good token");
    let kit = || Kit::from_token(good.token().expect("a token"), NOW).expect("a kit");
    assert!(matches!(kit().with_ring(&other), Err(KitError::Key)));
    assert!(kit().with_ring(&ours).is_ok());
    for jwks in ["", "{}", "[]", r#"{"keys":{}}"#] {
        assert!(matches!(kit().with_published(jwks), Err(KitError::Published)), "{jwks:?}");
    }
}

#[test]
fn neither_a_case_nor_a_kit_shows_its_token() {
    let secret = HmacSecret::parse(super::KEY.as_bytes()).expect("a secret");
    let ring = KeyRing::new(SigningKey::hs256(&secret), NOW);
    let kit = Kit::from_ring(&ring, &rules(), NOW).expect("a kit");
    assert!(!format!("{kit:?}").contains("eyJ"));
    kit.cases().for_each(|case| assert!(!format!("{case:?}").contains("eyJ"), "{case:?}"));
}

#[test]
fn whatever_the_strategy_makes_is_what_its_label_says() {
    let ring = ring(Algorithm::Es256);
    let tokens = AccessTokens::new(ring.clone(), rules());
    let kit = Kit::from_ring(&ring, &rules(), NOW).expect("a kit");
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::new(ProptestConfig { cases: 1_000, ..ProptestConfig::default() });
    let strategy = kit.strategy();
    for _ in 0..1_000 {
        let case: Case = strategy.new_tree(&mut runner).expect("a case").current();
        if let Some(token) = case.token() {
            let accepted = tokens.verify(token.as_bytes(), NOW).is_ok();
            assert_eq!(accepted, case.answer() == Answer::Accepted, "{case:?}");
        }
        seen.insert(case.what().to_owned());
    }
    for by_chance in ["a letter changed", "cut short", "any text", "another member, the original signature"] {
        assert!(seen.contains(by_chance), "{by_chance}");
    }
    assert!(seen.len() > 200, "{}", seen.len());
}

#[test]
fn of_a_token_that_nobody_signed_there_is_a_kit_too() {
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.";
    for text in [unsigned, "e30.e30.", "e30.e30.AA"] {
        let kit = Kit::from_token(text, NOW).expect("a kit");
        assert!(kit.bad().count() > 100 && kit.good().count() == 3, "{text}");
        assert!(matches!(kit.with_ring(&ring(Algorithm::Hs256)), Err(KitError::Key)), "{text}");
    }
}

#[test]
fn a_token_without_a_kid_is_known_by_the_key_that_signed_it() {
    let ring = ring(Algorithm::EdDsa);
    let signed = Kit::from_ring(&ring, &rules(), NOW).expect("a kit");
    let nameless = signed.bad().find(|case| case.what() == "no kid, rightly signed").expect("a case");
    let kit = Kit::from_token(nameless.token().expect("a token"), NOW).expect("a kit");
    assert!(kit.with_ring(&ring).is_ok());
}

#[test]
fn challenges_are_read_as_http_has_them() {
    let reply = |challenges: &[&str]| Reply {
        status: 401,
        challenges: challenges.iter().map(|challenge| (*challenge).to_owned()).collect(),
    };
    for good in [
        &[r#"Bearer error="invalid_token""#][..],
        &["bearer error=invalid_token"],
        &[r#"Bearer realm="a, b", error="invalid_token""#],
        &[r#"Bearer error_description="error=bad", error="invalid_token""#],
        &[r#"Bearer error = "invalid_token""#],
        &[r#"Basic realm="x", Bearer realm="y", error="invalid_token""#],
        &[r#"Basic realm="x""#, r#"Bearer error="invalid_token""#],
    ] {
        assert!(Answer::InvalidToken.is(&reply(good)), "{good:?}: {}", reply(good));
        assert!(!Answer::NoCredentials.is(&reply(good)), "{good:?}");
    }
    for bare in
        [&["Bearer"][..], &[r#"Bearer realm="error=invalid_token""#], &[r#"Basic realm="x""#, "Bearer "]]
    {
        assert!(Answer::NoCredentials.is(&reply(bare)), "{bare:?}: {}", reply(bare));
        assert!(!Answer::InvalidToken.is(&reply(bare)), "{bare:?}");
    }
    for none in [&[][..], &[r#"Basic realm="x""#], &[r#"Digest error="invalid_token""#], &["invalid_token"]] {
        assert!(!Answer::Unauthorized.is(&reply(none)), "{none:?}: {}", reply(none));
    }
    for long in ["x".repeat(1_000), "\u{202e}".into(), "a b".into()] {
        let reply = reply(&[&format!("Bearer error=\"{long}\"")]);
        let shown = reply.to_string();
        assert!(shown.is_ascii() && shown.len() < 40, "{shown}");
    }
}

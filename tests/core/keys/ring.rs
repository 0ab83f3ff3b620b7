//! A key ring at exact seconds.

use super::{ALGORITHMS, NOW, ec, issue, oct, okp, rules, set, signing, with};
use countersign::{
    clock::UnixTime,
    jwt::{
        AccessTokens, Algorithm, JwtError, KeyRing, KeySetError, Life, Lives, RingError, SigningKey, Stage,
    },
};
use serde_json::{Value, json};
use std::time::Duration;

const LIVES: Lives = Lives { access: Duration::from_secs(100), session: Duration::from_secs(1_000) };

fn at(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

fn fresh() -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa).expect("a key")
}

/// A ring whose only key signs from `NOW` on, and that key.
fn ring_of_one() -> (KeyRing, SigningKey) {
    let key = fresh();
    (KeyRing::new(key.clone(), NOW), key)
}

fn rotate(ring: &KeyRing, now: UnixTime, signs_from: UnixTime) -> (KeyRing, SigningKey) {
    let key = fresh();
    (ring.rotate(key.clone(), now, signs_from, LIVES).expect("rotated"), key)
}

fn revoke(ring: &KeyRing, key: &SigningKey, now: UnixTime) -> (KeyRing, SigningKey) {
    let fresh = fresh();
    (ring.revoke(key.kid(), now, false, fresh.clone(), LIVES).expect("revoked"), fresh)
}

fn stage(ring: &KeyRing, key: &SigningKey, now: UnixTime) -> Option<Stage> {
    let found = ring.keys().iter().find(|other| other.key().kid() == key.kid());
    found.map(|key| ring.stage(key, now))
}

fn life(ring: &KeyRing, key: &SigningKey) -> Life {
    *ring.keys().iter().find(|other| other.key().kid() == key.kid()).expect("a key of it").life()
}

/// The names of the keys that are published.
fn published(ring: &KeyRing, now: UnixTime) -> Vec<String> {
    let jwks: Value = serde_json::from_str(&ring.jwks(now)).expect("JSON");
    let keys = jwks["keys"].as_array().expect("an array");
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

// K03
#[test]
fn a_key_changes_over_and_ends_at_exact_seconds() {
    let (ring, old) = ring_of_one();
    let (ring, new) = rotate(&ring, at(10), at(60));
    let tokens = AccessTokens::new(ring.clone(), rules());

    let stages =
        |seconds| [stage(&ring, &old, at(seconds)), stage(&ring, &new, at(seconds))].map(Option::unwrap);
    assert_eq!(stages(10), [Stage::Signing, Stage::Published]);
    assert_eq!(stages(59), [Stage::Signing, Stage::Published]);
    assert_eq!(stages(60), [Stage::Retired, Stage::Signing]);
    assert_eq!(stages(159), [Stage::Retired, Stage::Signing]);
    assert_eq!(stages(160), [Stage::Gone, Stage::Signing]);
    assert_eq!(published(&ring, at(59)), [old.kid(), new.kid()]);
    assert_eq!(published(&ring, at(60)), [new.kid(), old.kid()]);
    assert_eq!(published(&ring, at(159)), [new.kid(), old.kid()]);
    assert_eq!(published(&ring, at(160)), [new.kid()]);

    // Signed in its last second; good for 900 seconds but for the key.
    let token = issue(&tokens, at(59));
    let kid = |token: &str| super::unb64(token.split('.').next().expect("a header"));
    assert!(String::from_utf8_lossy(&kid(&token)).contains(old.kid()));
    assert!(String::from_utf8_lossy(&kid(&issue(&tokens, at(60)))).contains(new.kid()));
    assert!(tokens.verify(token.as_bytes(), at(159)).is_ok());
    assert_eq!(tokens.verify(token.as_bytes(), at(160)), Err(JwtError::UnknownKey));

    // What a process with a fast clock signs is good from when its key is published.
    let early = issue(&AccessTokens::new(KeyRing::new(new, NOW), rules()), at(59));
    assert!(tokens.verify(early.as_bytes(), at(59)).is_ok());
    let before = AccessTokens::new(ring_of_one().0, rules());
    assert_eq!(before.verify(early.as_bytes(), at(59)), Err(JwtError::UnknownKey));
    before.replace(ring);
    assert!(before.verify(early.as_bytes(), at(59)).is_ok());
}

#[test]
fn a_successor_that_waits_is_enough() {
    let (ring, _) = ring_of_one();
    let (ring, next) = rotate(&ring, at(0), at(60));
    for now in [at(0), at(59)] {
        match ring.rotate(fresh(), now, at(99), LIVES) {
            Err(RingError::Pending(kid)) => assert_eq!(kid, next.kid()),
            other => panic!("{other:?}"),
        }
    }
    rotate(&ring, at(60), at(61));
    // A key that the ring has, whatever became of it, is no successor.
    let (revoked, _) = revoke(&ring, &next, at(1));
    let error = revoked.rotate(next, at(2), at(3), LIVES).expect_err("refused");
    assert!(matches!(error, RingError::Keys(KeySetError::AmbiguousKid)), "{error:?}");
}

#[test]
fn a_successor_does_not_begin_before_it_is_made() {
    let (ring, old) = ring_of_one();
    let (ring, new) = rotate(&ring, at(50), at(10));
    assert_eq!((life(&ring, &new).published_at, life(&ring, &new).signs_from), (at(50), at(50)));
    assert_eq!(life(&ring, &old).retires_at, Some(at(50)));
    KeyRing::from_json(&ring.to_json()).expect("it can be read again");
}

#[test]
fn two_rotations_within_a_second_are_one_after_the_other() {
    let (ring, first) = ring_of_one();
    let (ring, second) = rotate(&ring, NOW, NOW);
    assert_eq!([ring.signing(NOW).kid(), ring.signing(at(1)).kid()], [first.kid(), second.kid()]);
    let (ring, third) = rotate(&ring, at(1), at(1));
    assert_eq!([ring.signing(at(1)).kid(), ring.signing(at(2)).kid()], [second.kid(), third.kid()]);
    assert_eq!(published(&ring, at(2)), [third.kid(), second.kid(), first.kid()]);
}

#[test]
fn a_revoked_successor_lets_the_old_key_go_on() {
    let (ring, old) = ring_of_one();
    let (ring, next) = rotate(&ring, at(0), at(60));
    let (ring, fresh) = revoke(&ring, &next, at(30));
    assert_eq!(life(&ring, &old), Life { published_at: NOW, signs_from: NOW, ..Life::default() });
    assert_eq!(stage(&ring, &next, at(30)), Some(Stage::Revoked));
    assert_eq!(stage(&ring, &fresh, at(30)), None, "there is no need for it");
    assert_eq!((ring.signing(at(999)).kid(), published(&ring, at(999))), (old.kid(), vec![old.kid().into()]));
    rotate(&ring, at(31), at(40));
}

#[test]
fn a_revoked_key_is_followed_by_the_one_that_waits_or_by_a_fresh_one() {
    let (ring, old) = ring_of_one();
    let tokens = AccessTokens::new(ring.clone(), rules());
    let token = issue(&tokens, NOW);

    let (alone, fresh) = revoke(&ring, &old, at(5));
    assert_eq!(
        (alone.signing(at(5)).kid(), published(&alone, at(5))),
        (fresh.kid(), vec![fresh.kid().into()])
    );
    let (ring, next) = rotate(&ring, at(0), at(60));
    let (waited, _) = revoke(&ring, &old, at(5));
    assert_eq!(
        (waited.signing(at(5)).kid(), published(&waited, at(5))),
        (next.kid(), vec![next.kid().into()])
    );
    assert_eq!(waited.keys().len(), 2);
    for ring in [alone, waited] {
        assert!(tokens.verify(token.as_bytes(), at(5)).is_ok());
        tokens.replace(ring.clone());
        // Whatever the clock says.
        for now in [NOW, at(5), at(6)] {
            assert_eq!(tokens.verify(token.as_bytes(), now), Err(JwtError::UnknownKey));
        }
        // A second time it changes nothing.
        let (again, _) = revoke(&ring, &old, at(50));
        assert_eq!(*again.to_json(), *ring.to_json());
        tokens.replace(KeyRing::new(old.clone(), NOW));
    }
    let unknown = ring.revoke("nobody", at(5), true, self::fresh(), LIVES).expect_err("refused");
    assert!(matches!(unknown, RingError::NoSuchKey(kid) if kid == "nobody"));
}

#[test]
fn a_key_can_be_revoked_when_the_clock_has_gone_back() {
    // Three keys; seen from before the second began to sign, two wait.
    let (ring, first) = ring_of_one();
    let (ring, second) = rotate(&ring, at(0), at(100));
    let (ring, third) = rotate(&ring, at(200), at(300));
    for key in [&first, &second, &third] {
        for now in [UnixTime(0), at(0), at(50), at(150), at(250), at(350)] {
            let (ring, _) = revoke(&ring, key, now);
            assert_eq!(stage(&ring, key, now), Some(Stage::Revoked));
            let (ring, _) = revoke(&ring, ring.signing(now), now);
            KeyRing::from_json(&ring.to_json()).expect("it can be read again");
        }
    }
}

#[test]
fn the_key_that_signs_always_verifies() {
    // The first is retired and ends; the second is revoked much later; then the clock goes back.
    let (ring, first) = ring_of_one();
    let (ring, second) = rotate(&ring, at(0), at(100));
    let (ring, _) = revoke(&ring, &second, at(5_000));
    for seconds in [0, 99, 100, 199, 200, 201, 4_999, 5_000] {
        let tokens = AccessTokens::new(ring.clone(), rules());
        let token = issue(&tokens, at(seconds));
        assert!(tokens.verify(token.as_bytes(), at(seconds)).is_ok(), "{seconds}");
        assert_eq!(published(&ring, at(seconds))[0], ring.signing(at(seconds)).kid());
    }
    assert_eq!(stage(&ring, &first, at(200)), Some(Stage::Gone));
}

#[test]
fn what_a_key_sealed_stays_good_as_long_as_a_session_or_ends_with_it() {
    let seals =
        |ring: &KeyRing, now| ring.seals(now).iter().map(|key| key.kid().to_owned()).collect::<Vec<_>>();
    let (ring, old) = ring_of_one();
    let (rotated, new) = rotate(&ring, at(0), at(60));
    assert_eq!(seals(&rotated, at(60)), [new.kid(), old.kid()]);
    assert_eq!(seals(&rotated, at(1_059)), [new.kid(), old.kid()]);
    assert_eq!(seals(&rotated, at(1_060)), [new.kid()]);

    let day = 86_400;
    for keep in [true, false] {
        for ring in [&ring, &rotated] {
            let ring = ring.revoke(old.kid(), at(5), keep, fresh(), LIVES).expect("revoked");
            assert_eq!(seals(&ring, at(5)).contains(&old.kid().to_owned()), keep);
            assert_ne!(ring.signing(at(5)).kid(), old.kid());
            // Nor does tidying up end what is to stay.
            let later = at(5 + 2 * day);
            let good = seals(&ring, later);
            assert_eq!(ring.pruned(later).map_or(good.clone(), |ring| seals(&ring, later)), good);
        }
    }
    // Ended once, it stays so.
    let ended = ring.revoke(old.kid(), at(5), false, fresh(), LIVES).expect("revoked");
    for keep in [true, false] {
        let again = ended.revoke(old.kid(), at(900), keep, fresh(), LIVES).expect("revoked");
        assert!(!seals(&again, at(6)).contains(&old.kid().to_owned()));
    }
}

#[test]
fn a_key_that_nothing_depends_on_is_dropped() {
    let (ring, old) = ring_of_one();
    let (ring, new) = rotate(&ring, at(0), at(60));
    assert!(ring.pruned(at(1_059)).is_none());
    let pruned = ring.pruned(at(1_060)).expect("one less");
    assert_eq!((stage(&pruned, &old, at(1_060)), pruned.keys().len()), (None, 1));
    assert!(pruned.pruned(UnixTime(u64::MAX)).is_none(), "the one that signs stays");
    // A revoked one is listed for a day.
    let (revoked, _) = revoke(&ring, &new, at(100));
    assert!(stage(&revoked.pruned(at(2_000)).expect("one less"), &new, at(2_000)).is_some());
    assert!(stage(&revoked.pruned(at(100 + 86_400)).expect("two less"), &new, at(0)).is_none());
}

#[test]
fn a_successor_is_due_so_that_it_is_announced_before_the_period_ends() {
    let (ring, _) = ring_of_one();
    let (period, announce) = (Duration::from_secs(1_000), Duration::from_secs(60));
    let due = |ring: &KeyRing, now| ring.is_due(now, period, announce);
    assert!(!due(&ring, at(0)) && !due(&ring, at(939)) && due(&ring, at(940)) && due(&ring, at(99_999)));
    assert!(!due(&ring, UnixTime(0)), "the clock is wrong");
    let (ring, next) = rotate(&ring, at(940), at(1_000));
    assert!(!due(&ring, at(940)) && !due(&ring, at(1_939)) && due(&ring, at(1_940)));
    let (ring, _) = revoke(&ring, &next, at(950));
    assert!(due(&ring, at(950)), "the one that was due is gone");
    assert!(ring.is_due(at(0), Duration::ZERO, announce) && !ring.is_due(at(9), Duration::MAX, announce));
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    let life = |life: Value| with(&okp(), "life", life);
    let other = with(&ec(), "life", json!({ "published_at": 50, "signs_from": 90 }));
    for (times, what) in [
        (json!({ "published_at": 2, "signs_from": 1 }), "it signs before it is published"),
        (json!({ "signs_from": 2, "retires_at": 1 }), "it retires before it signs"),
        (
            json!({ "signs_from": 2, "retires_at": 9, "verifies_until": 8 }),
            "it verifies no longer than it signs",
        ),
        (json!({ "verifies_until": 9 }), "it verifies no longer than it signs"),
        (json!({ "signs_from": 90 }), "two keys begin to sign at the same time"),
    ] {
        let error = KeyRing::from_json(&set(&[other.clone(), life(times)])).expect_err("refused");
        assert!(matches!(error, RingError::Life { index: 1, what: w } if w == what), "{error:?}");
    }
    // One that retires as it begins has never signed.
    let never = json!({ "published_at": 9, "signs_from": 9, "retires_at": 9, "verifies_until": 10 });
    let ring = KeyRing::from_json(&set(&[other, life(never)])).expect("one after the other");
    assert_eq!(stage(&ring, &signing(&okp()).expect("a key"), UnixTime(9)), Some(Stage::Retired));
    for times in
        [json!({ "retires_at": 9 }), json!({ "signs_from": 1, "retires_at": 9, "verifies_until": 9 })]
    {
        let error = KeyRing::from_json(&set(&[life(times)])).expect_err("refused");
        assert!(error.to_string().contains("the last to sign"), "{error:?}");
    }
    let error = KeyRing::from_json(&set(&[life(json!({ "revoked_at": 1 }))])).expect_err("refused");
    assert!(matches!(error, RingError::Keys(KeySetError::Empty)), "{error:?}");
    for wrong in [
        json!(1),
        json!("x"),
        json!({ "signs_from": -1 }),
        json!({ "signs_from": 1.5 }),
        json!({ "revoked_at": "x" }),
    ] {
        let error = KeyRing::from_json(&set(&[life(wrong)])).expect_err("refused");
        assert!(matches!(error, RingError::Malformed { .. }), "{error:?}");
    }
}

#[test]
fn a_ring_of_given_keys_signs_with_the_first_and_verifies_with_all() {
    let keys = [okp(), ec(), oct()].map(|jwk| signing(&jwk).expect("a key"));
    let ring = KeyRing::fixed(keys[0].clone(), &keys[1..]).expect("a ring");
    for now in [UnixTime(3), NOW, UnixTime(u64::MAX)] {
        assert_eq!(ring.signing(now).kid(), keys[0].kid());
    }
    let tokens = AccessTokens::new(ring, rules());
    for key in &keys {
        assert!(tokens.verify(super::token_of(key).as_bytes(), NOW).is_ok());
    }
    assert!(matches!(
        KeyRing::fixed(keys[0].clone(), &keys[..1]),
        Err(RingError::Keys(KeySetError::AmbiguousKid))
    ));
    let kept = KeyRing::new(keys[0].clone(), NOW).with_previous(&keys).expect("keys of their own");
    assert_eq!((kept.keys().len(), kept.signing(NOW).kid()), (3, keys[0].kid()));
    // Even when the clock says that the ring has not been made yet.
    assert_eq!(kept.signing(UnixTime(0)).kid(), keys[0].kid());
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm).expect("a key");
        assert_eq!((key.algorithm(), key.to_text().is_some()), (algorithm, true));
    }
}

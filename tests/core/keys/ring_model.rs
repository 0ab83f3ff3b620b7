//! Any history of a ring against a plain record of what was done to it.

use super::{NOW, issue, rules};
use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Algorithm, KeyRing, Lives, RingError, SigningKey, Stage},
};
use proptest::prelude::*;
use serde_json::Value;
use std::{sync::LazyLock, time::Duration};

const LIVES: Lives = Lives { access: Duration::from_secs(50), session: Duration::from_secs(400) };

static POOL: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let algorithm = |at: usize| [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256][at % 3];
    (0..48).map(|at| SigningKey::generate(algorithm(at)).expect("a key")).collect()
});

#[derive(Clone, Debug)]
enum Step {
    Rotate { after: u64 },
    Revoke { which: prop::sample::Index, keep: bool },
    RevokeSigning,
    Prune,
    Wait(u64),
    Back(u64),
}

fn forward() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..60_u64).prop_map(|after| Step::Rotate { after }),
        2 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, keep)| Step::Revoke { which, keep }),
        1 => Just(Step::RevokeSigning),
        1 => Just(Step::Prune),
        6 => (1..80_u64).prop_map(Step::Wait),
        1 => (80..200_000_u64).prop_map(Step::Wait),
    ]
}

fn any_way() -> impl Strategy<Value = Step> {
    prop_oneof![4 => forward(), 1 => (1..300_u64).prop_map(Step::Back), 1 => Just(Step::Back(u64::MAX))]
}

/// What was done with a key, as seen from outside.
struct Record {
    kid: String,
    signs_from: UnixTime,
    /// When the next began to sign.
    followed_at: Option<UnixTime>,
    revoked: bool,
}

struct History {
    tokens: AccessTokens,
    now: UnixTime,
    used: usize,
    records: Vec<Record>,
    /// Each token with the key that signed it and its time.
    issued: Vec<(String, String, UnixTime)>,
}

impl History {
    fn new() -> Self {
        let tokens = AccessTokens::new(KeyRing::new(POOL[0].clone(), NOW), rules());
        let first = Record { kid: POOL[0].kid().into(), signs_from: NOW, followed_at: None, revoked: false };
        Self { tokens, now: NOW, used: 1, records: vec![first], issued: vec![] }
    }

    fn fresh(&mut self) -> SigningKey {
        self.used += 1;
        POOL[self.used - 1].clone()
    }

    fn record(&mut self, kid: &str) -> &mut Record {
        self.records.iter_mut().find(|record| record.kid == kid).expect("a key that was added")
    }

    /// The last that is not revoked.
    fn last(&mut self) -> &mut Record {
        self.records.iter_mut().rfind(|record| !record.revoked).expect("one is left")
    }

    fn signing(&self) -> &Record {
        let begun = |record: &&Record| !record.revoked && record.signs_from <= self.now;
        self.records.iter().rfind(begun).expect("one has begun")
    }

    fn take(&mut self, step: &Step) {
        let ring = self.tokens.ring();
        let now = self.now;
        match step {
            Step::Wait(seconds) => self.now = now.plus(Duration::from_secs(*seconds)),
            Step::Back(seconds) => self.now = now.minus(Duration::from_secs(*seconds)),
            Step::Prune => {
                if let Some(pruned) = ring.pruned(now) {
                    assert!(pruned.keys().len() < ring.keys().len());
                    self.tokens.replace(pruned);
                }
            }
            Step::Rotate { after } => {
                let (key, signs_from) = (self.fresh(), now.plus(Duration::from_secs(*after)));
                let waits = self.last().signs_from > now;
                // Not two in one second.
                let begins = signs_from.max(UnixTime(self.last().signs_from.0 + 1));
                match ring.rotate(key.clone(), now, signs_from, LIVES) {
                    Ok(ring) => {
                        assert!(!waits, "one waits already");
                        self.last().followed_at = Some(begins);
                        let kid = key.kid().to_owned();
                        self.records.push(Record {
                            kid,
                            signs_from: begins,
                            followed_at: None,
                            revoked: false,
                        });
                        self.tokens.replace(ring);
                    }
                    Err(RingError::Pending(kid)) => assert!(waits && kid == self.last().kid),
                    Err(other) => panic!("{other:?}"),
                }
            }
            Step::Revoke { which, keep } => {
                let kid = which.get(ring.keys()).key().kid().to_owned();
                self.revoke(&ring, &kid, *keep);
            }
            Step::RevokeSigning => self.revoke(&ring, ring.signing(now).kid(), false),
        }
    }

    fn revoke(&mut self, ring: &KeyRing, kid: &str, keep: bool) {
        let (now, fresh) = (self.now, self.fresh());
        let signed = ring.signing(now).kid() == kid;
        self.tokens.replace(ring.revoke(kid, now, keep, fresh.clone(), LIVES).expect("a key of the ring"));
        self.record(kid).revoked = true;
        if signed {
            match self.records.iter_mut().find(|record| !record.revoked && record.signs_from > now) {
                Some(next) => next.signs_from = now,
                None => {
                    let kid = fresh.kid().to_owned();
                    self.records.push(Record { kid, signs_from: now, followed_at: None, revoked: false });
                }
            }
        }
        self.last().followed_at = None;
        assert_eq!(
            self.tokens.ring().keys().iter().any(|key| key.key().kid() == fresh.kid()),
            self.is_known(fresh.kid())
        );
    }

    fn is_known(&self, kid: &str) -> bool {
        self.records.iter().any(|record| record.kid == kid)
    }

    /// What holds whatever the clock does.
    fn holds_always(&mut self) {
        let (ring, now) = (self.tokens.ring(), self.now);
        let key = ring.signing(now);
        let count = |stage| ring.keys().iter().filter(|key| ring.stage(key, now) == stage).count();
        assert_eq!(count(Stage::Signing), 1);
        assert!(ring.seals(now)[0].kid() == key.kid());
        let published: Value = serde_json::from_str(&ring.jwks(now)).expect("JSON");
        let published = published["keys"].as_array().expect("an array");
        if key.algorithm().is_asymmetric() {
            assert_eq!(published[0]["kid"], key.kid());
        }
        for jwk in published {
            assert!(["d", "k", "p", "q"].iter().all(|private| jwk.get(private).is_none()), "{jwk}");
            assert_ne!(jwk["kty"], "oct");
            let kid = jwk["kid"].as_str().expect("a kid");
            assert!(!self.record(kid).revoked, "a revoked key is published");
        }
        let token = issue(&self.tokens, now);
        assert!(self.tokens.verify(token.as_bytes(), now).is_ok(), "what is signed now is good now");
        self.issued.push((token, key.kid().to_owned(), now));
        for (token, kid, _) in &self.issued {
            let revoked = self.records.iter().any(|record| record.kid == *kid && record.revoked);
            assert!(!revoked || self.tokens.verify(token.as_bytes(), now).is_err(), "a revoked key verifies");
        }
        let text = ring.to_json();
        let again = KeyRing::from_json(&text).unwrap_or_else(|error| panic!("{error}: {ring:#?}"));
        assert_eq!(*again.to_json(), *text);
    }

    /// What holds while the clock goes on.
    fn holds_in_order(&mut self) {
        let (ring, now) = (self.tokens.ring(), self.now);
        assert_eq!(ring.signing(now).kid(), self.signing().kid);
        for (token, kid, at) in &self.issued {
            let record = self.records.iter().find(|record| record.kid == *kid).expect("a key that was added");
            let ended = record.followed_at.is_some_and(|next| now >= next.plus(LIVES.access));
            let good = !record.revoked && !ended && now < at.plus(rules().max_lifetime);
            assert_eq!(
                self.tokens.verify(token.as_bytes(), now).is_ok(),
                good,
                "{kid} at {at:?}, now {now:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    // K03
    #[test]
    fn a_ring_does_what_was_asked_of_it_and_nothing_else(steps in proptest::collection::vec(forward(), 1..24)) {
        let mut history = History::new();
        history.holds_always();
        for step in steps {
            history.take(&step);
            history.holds_always();
            history.holds_in_order();
        }
    }

    #[test]
    fn a_clock_that_jumps_never_leaves_a_ring_without_a_key_that_signs(steps in proptest::collection::vec(any_way(), 1..24)) {
        let mut history = History::new();
        for step in steps {
            match (&step, history.tokens.ring()) {
                // Whether one waits is for the other test to say.
                (Step::Rotate { after }, ring) => {
                    let (key, now) = (history.fresh(), history.now);
                    if let Ok(ring) = ring.rotate(key.clone(), now, now.plus(Duration::from_secs(*after)), LIVES) {
                        let kid = key.kid().to_owned();
                        history.records.push(Record { kid, signs_from: now, followed_at: None, revoked: false });
                        history.tokens.replace(ring);
                    }
                }
                (Step::Revoke { .. } | Step::RevokeSigning, ring) => {
                    let fresh = history.fresh();
                    let kid = match &step {
                        Step::Revoke { which, .. } => which.get(ring.keys()).key().kid(),
                        _ => ring.signing(history.now).kid(),
                    };
                    let revoked = ring.revoke(kid, history.now, true, fresh.clone(), LIVES).expect("a key of the ring");
                    history.record(kid).revoked = true;
                    let kid = fresh.kid().to_owned();
                    history.records.push(Record { kid, signs_from: NOW, followed_at: None, revoked: false });
                    history.tokens.replace(revoked);
                }
                _ => history.take(&step),
            }
            history.holds_always();
        }
    }
}

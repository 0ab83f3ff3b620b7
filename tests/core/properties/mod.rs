//! Properties: what holds for all inputs, tried with arbitrary ones. A property that belongs to one
//! thing alone stands beside that thing's other tests.
//!
//! Each has a number of cases that takes a second or two; `PROPTEST_CASES=20000` has them try that
//! many.

mod bearer;
mod bits;
mod claim_types;
mod cookie;
mod deny_list;
mod form;
mod issuance;
mod password_hash;
mod time;
mod username;

use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Algorithm, Issuance, KeyRing, Rules, SigningKey},
    scope::Scope,
    session::SessionId,
    user::RoleName,
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::LazyLock, time::Duration};

const ALGORITHMS: [Algorithm; 4] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256];

/// One key for each algorithm, as making RSA keys takes long.
static KEYS: LazyLock<[SigningKey; 4]> =
    LazyLock::new(|| ALGORITHMS.map(|algorithm| SigningKey::generate(algorithm).expect("a key")));

const LIFETIME: u64 = 900;

/// What takes tokens of the key at this place of [`ALGORITHMS`], and has not seen one yet.
fn tokens(which: usize, leeway: u64) -> AccessTokens {
    let rules = Rules {
        issuer: "https://issuer.example".into(),
        audience: "api".into(),
        leeway: Duration::from_secs(leeway),
        max_lifetime: Duration::from_secs(LIFETIME),
    };
    AccessTokens::new(KeyRing::new(KEYS[which].clone(), UnixTime(0)), rules)
}

/// Which algorithm; those that are slow to sign with come up less often.
fn which() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 4 => Just(1_usize), 1 => Just(2_usize), 4 => Just(3_usize)]
}

/// What a new token is to say, without the borrows of an [`Issuance`].
#[derive(Clone, Debug)]
struct Said {
    subject: String,
    client_id: String,
    client_revision: u64,
    session_id: Option<SessionId>,
    revision: u64,
    roles: BTreeSet<RoleName>,
    scope: Scope,
    lifetime: u64,
    session_ends: u64,
}

impl Said {
    fn issue(&self, tokens: &AccessTokens, now: u64) -> String {
        let issuance = Issuance {
            subject: self.subject.clone(),
            client_id: &self.client_id,
            client_revision: self.client_revision,
            session_id: self.session_id,
            revision: self.revision,
            roles: &self.roles,
            scope: &self.scope,
            lifetime: Duration::from_secs(self.lifetime),
            session_ends: UnixTime(self.session_ends),
        };
        tokens.issue(&issuance, UnixTime(now)).expect("issued")
    }
}

/// What can be said in a token that is taken: of a person with a session, or of a service without.
fn said() -> impl Strategy<Value = Said> {
    let name = || "[^\\p{Cc}]{1,24}";
    let roles = proptest::collection::btree_set("[a-z][a-z0-9._:-]{0,12}", 0..5);
    let scope = proptest::collection::btree_set("[!#-\\[\\]-~]{1,8}", 0..5);
    let numbers = (any::<u64>(), prop_oneof![Just(0), any::<u64>()], 1_u64..2_000);
    let session = proptest::option::weighted(0.8, any::<[u8; 16]>());
    (name(), name(), session, numbers, roles, scope).prop_map(
        |(subject, client_id, session, (revision, client_revision, lifetime), roles, scope)| Said {
            // A token without a session is its client's own.
            subject: if session.is_some() { subject } else { client_id.clone() },
            client_id,
            client_revision,
            session_id: session.map(SessionId::from_bytes),
            revision,
            roles: roles.iter().map(|role| role.parse().expect("a role")).collect(),
            scope: scope.iter().fold(Scope::default(), |scope, token| scope.with(token)),
            lifetime,
            session_ends: u64::MAX,
        },
    )
}

/// Seconds since 1970 such as clocks show, and such as they show when they are wrong.
fn clock() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..5_000_u64,
        1_800_000_000..1_800_005_000_u64,
        (0..2_000_u64).prop_map(|before| u64::MAX - before),
        Just(u64::MAX),
        Just(i64::MAX as u64),
        any::<u64>(),
    ]
}

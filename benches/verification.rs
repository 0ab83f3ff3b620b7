//! What it costs to verify an access token: the first time, and when its signature is remembered.
//! `cargo bench --bench verification`; microseconds, medians of nine rounds.

use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Algorithm, Issuance, KeyRing, Rules, SigningKey},
    scope::Scope,
    session::SessionId,
    user::UserId,
};
use std::{
    collections::BTreeSet,
    hint::black_box,
    time::{Duration, Instant},
};

const NOW: UnixTime = UnixTime(1_800_000_000);
const TOKENS: usize = 200;

fn main() {
    println!("{:<8} {:>10} {:>12} {:>8}", "alg", "first", "remembered", "ratio");
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let ring = KeyRing::new(SigningKey::generate(algorithm).expect("a key"), NOW);
        let rules = Rules {
            issuer: "https://login.example.org".into(),
            audience: "https://api.example.org".into(),
            leeway: Duration::from_secs(5),
            max_lifetime: Duration::from_secs(900),
        };
        let tokens = AccessTokens::new(ring.clone(), rules);
        let issued: Vec<_> = (0..TOKENS).map(|_| issue(&tokens)).collect();
        let mut rounds: Vec<_> = (0..9)
            .map(|_| {
                // Another ring begins with an empty memory.
                tokens.replace(ring.clone());
                (verified(&tokens, &issued), verified(&tokens, &issued))
            })
            .collect();
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let first = rounds[4].0;
        rounds.sort_by(|a, b| a.1.total_cmp(&b.1));
        let again = rounds[4].1;
        println!("{:<8} {first:>10.2} {again:>12.2} {:>8.1}", algorithm.name(), first / again);
    }
}

fn issue(tokens: &AccessTokens) -> String {
    let issuance = Issuance {
        subject: UserId::random().to_string(),
        client_id: "first-party",
        session_id: Some(SessionId::from_bytes([7; 16])),
        client_revision: 0,
        revision: 1_800_000_000_000,
        lifetime: Duration::from_secs(86_400),
        roles: &BTreeSet::from(["admin".parse().expect("a role")]),
        scope: &"read write".parse::<Scope>().expect("a scope"),
        session_ends: NOW.plus(Duration::from_secs(86_400)),
    };
    tokens.issue(&issuance, NOW).expect("issued")
}

/// Microseconds for each of the tokens.
fn verified(tokens: &AccessTokens, issued: &[String]) -> f64 {
    let start = Instant::now();
    for token in issued {
        black_box(tokens.verify(token.as_bytes(), NOW)).expect("a good token");
    }
    start.elapsed().as_secs_f64() * 1e6 / issued.len() as f64
}

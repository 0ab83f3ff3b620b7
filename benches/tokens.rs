//! What it costs to issue an access token, and to verify one: the first time and again, good ones and bad ones, by each
//! algorithm. `cargo bench --bench tokens`

use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Algorithm, Issuance, JwtError, KeyRing, Rules, SigningKey},
    session::SessionId,
    user::UserId,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::{collections::BTreeSet, hint::black_box, time::Duration};

const NOW: UnixTime = UnixTime(1_800_000_000);
const LATER: UnixTime = UnixTime(1_800_001_000);
const TOKENS: usize = 256;

/// Of a key ring, and of the kinds of tokens that matter.
struct Kind {
    name: &'static str,
    issued: Vec<String>,
    now: UnixTime,
    verdict: Result<(), JwtError>,
}

fn benches(criterion: &mut Criterion) {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256] {
        let ring = KeyRing::new(key(algorithm), NOW);
        let tokens = accepting(ring.clone(), "https://api.example.org");
        let mut group = criterion.benchmark_group(format!("verify {algorithm}"));
        for kind in kinds(&ring, &tokens, algorithm) {
            let verify = |token: &String| {
                let verdict = tokens.verify(black_box(token.as_bytes()), kind.now);
                assert_eq!(verdict.map(drop), kind.verdict);
            };
            group.bench_function(format!("{}, first", kind.name), |bencher| {
                // Another ring begins with an empty memory.
                let begin = || tokens.replace(ring.clone());
                let all = |()| kind.issued.iter().for_each(verify);
                bencher.iter_batched(begin, all, BatchSize::PerIteration);
            });
            group.bench_function(format!("{}, again", kind.name), |bencher| {
                kind.issued.iter().for_each(verify);
                bencher.iter(|| kind.issued.iter().for_each(verify));
            });
        }
    }
}

fn kinds(ring: &KeyRing, tokens: &AccessTokens, algorithm: Algorithm) -> Vec<Kind> {
    let many = |issuer: &AccessTokens| (0..TOKENS).map(|_| issue(issuer)).collect::<Vec<_>>();
    let kind = |name, issued, now, verdict| Kind { name, issued, now, verdict };
    let forged = many(tokens).into_iter().map(|token| {
        let (signed, signature) = token.rsplit_once('.').expect("a token");
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        format!("{signed}.{first}{}", &signature[1..])
    });
    let strange = accepting(KeyRing::new(key(algorithm), NOW), "https://api.example.org");
    let elsewhere = accepting(ring.clone(), "https://other.example.org");
    let malformed = many(tokens).into_iter().map(|token| token.replace('.', "-"));
    vec![
        kind("good", many(tokens), NOW, Ok(())),
        kind("expired", many(tokens), LATER, Err(JwtError::Expired)),
        kind("forged signature", forged.collect(), NOW, Err(JwtError::Signature)),
        kind("unknown key", many(&strange), NOW, Err(JwtError::UnknownKey)),
        kind("other audience", many(&elsewhere), NOW, Err(JwtError::Claim("aud"))),
        kind("malformed", malformed.collect(), NOW, Err(JwtError::Malformed)),
    ]
}

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("a key")
}

fn accepting(ring: KeyRing, audience: &str) -> AccessTokens {
    let rules = Rules {
        issuer: "https://login.example.org".into(),
        audience: audience.into(),
        leeway: Duration::from_secs(5),
        max_lifetime: Duration::from_secs(900),
    };
    AccessTokens::new(ring, rules)
}

fn issue(tokens: &AccessTokens) -> String {
    let issuance = Issuance {
        subject: UserId::random().to_string(),
        client_id: "first-party",
        session_id: Some(SessionId::random().expect("randomness")),
        client_revision: 0,
        revision: 1_800_000_000_000,
        lifetime: Duration::from_secs(86_400),
        roles: &BTreeSet::from(["admin".parse().expect("a role")]),
        scope: &"read write".parse().expect("a scope"),
        session_ends: NOW.plus(Duration::from_secs(86_400)),
    };
    tokens.issue(&issuance, NOW).expect("issued")
}

fn issuing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("issue");
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256] {
        let tokens = accepting(KeyRing::new(key(algorithm), NOW), "https://api.example.org");
        group.bench_function(algorithm.name(), |bencher| bencher.iter(|| issue(&tokens)));
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    targets = benches, issuing
}
criterion_main!(all);

//! Any bytes as a token, or as a client's assertion: never a panic, and never accepted, since nobody
//! here signs.
#![no_main]

use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, Assertion, HmacSecret, KeyRing, Rules, SigningKey},
};
use libfuzzer_sys::fuzz_target;
use std::{sync::LazyLock, time::Duration};

static TOKENS: LazyLock<AccessTokens> = LazyLock::new(|| {
    let secret = HmacSecret::parse(b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1").expect("a good key");
    let rules = Rules {
        issuer: "countersign".into(),
        audience: "countersign".into(),
        leeway: Duration::from_secs(5),
        max_lifetime: Duration::from_secs(900),
    };
    AccessTokens::new(KeyRing::new(SigningKey::hs256(&secret), UnixTime(0)), rules)
});

fuzz_target!(|token: &[u8]| {
    assert!(TOKENS.verify(token, UnixTime(1_800_000_000)).is_err());
    let _ = Assertion::claimed_subject(token);
});

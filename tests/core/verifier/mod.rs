//! A resource server: another issuer's tokens, by the keys that it publishes.

mod announced;
mod building;
mod fetching;
mod guards;
mod issuer;
mod kit;
mod log;
mod passed_over;
mod profiles;
mod services;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use countersign::{
    Verifier,
    clock::{ManualClock, UnixTime},
    jwt::JwtError,
    verifier::{Builder, VerifyError},
};
use issuer::Issuer;
use rocket::tokio;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const NOW: u64 = 1_000_000;
pub const ISSUER: &str = "https://login.example";
pub const AUDIENCE: &str = "https://api.example";
const UNKNOWN_KEY: VerifyError = VerifyError::Token(JwtError::UnknownKey);
/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

/// A key of the test's own; the same name is the same key.
pub struct Key {
    kid: String,
    pair: Ed25519KeyPair,
}

impl Key {
    pub fn named(kid: &str) -> Self {
        Self::with_seed(kid, kid)
    }

    /// Another key for every seed, whatever its name.
    pub fn with_seed(kid: &str, seed: &str) -> Self {
        let seed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.as_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("a seed");
        Self { kid: kid.into(), pair }
    }

    pub fn jwk(&self) -> Value {
        let x = BASE64.encode(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x })
    }

    /// The key set of this key alone.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// A good token of Countersign's.
    pub fn token(&self) -> String {
        self.sign("at+jwt", &claims())
    }

    pub fn sign(&self, typ: &str, claims: &Value) -> String {
        self.sign_under(&json!({ "alg": "EdDSA", "kid": self.kid, "typ": typ }), claims)
    }

    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", BASE64.encode(signature))
    }
}

/// What a token of Countersign's says.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "client_id": "first-party", "sid": "s", "jti": "j",
        "iat": NOW, "exp": NOW + 900, "rev": 3, "roles": ["editor"], "scope": "read write",
    })
}

/// A verifier for that issuer with nothing but what is needed, the time [`NOW`], and patience, so
/// that on a crowded machine only what is to fail fails.
pub fn builder(issuer: &Issuer) -> Builder {
    let clock = ManualClock::new(UnixTime(NOW));
    let patient = Duration::from_secs(30);
    Verifier::builder(&issuer.url()).issuer(ISSUER).audience(AUDIENCE).clock(clock).deadline(patient)
}

/// Builds it and lets it fetch.
pub async fn started(builder: Builder) -> Verifier {
    log::keep();
    let verifier = builder.build().expect("a verifier");
    let following = verifier.clone();
    tokio::spawn(async move { following.follow().await });
    verifier.first_fetch().await;
    verifier
}

/// Whether it takes a token.
pub async fn verdict(verifier: &Verifier, token: &str) -> Result<(), VerifyError> {
    verifier.verify(token.as_bytes()).await.map(drop)
}

/// Waits until `check` holds. The limit only keeps a broken test from hanging for ever.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !check().await {
        assert!(start.elapsed() < Duration::from_secs(60), "waited a minute in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

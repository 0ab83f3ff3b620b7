//! What the servers have in common: how they answer, and the tokens that they are asked with.

use serde::{Deserialize, Serialize};

/// How many different tokens there are of each kind; whoever remembers tokens has to remember all.
pub const TOKENS: usize = 1_000;
/// How many sessions are revoked, none of them one of a token's.
pub const REVOKED: usize = 1_000;

/// Whom every token is for.
pub const ISSUER: &str = "https://login.example.org";
pub const AUDIENCE: &str = "https://api.example.org";

/// What every route answers that knows who is calling.
#[derive(Serialize)]
pub struct Caller<'c> {
    pub id: &'c str,
    pub roles: Vec<&'c str>,
    pub scope: &'c str,
}

/// What a tutorial's guard reads of a token.
#[derive(Deserialize)]
pub struct NaiveClaims {
    pub sub: String,
    pub sid: String,
    pub roles: Vec<String>,
    pub scope: String,
}

/// What the Rocket tells whoever drives it, in one line.
#[derive(Serialize, Deserialize)]
pub struct Served {
    pub address: String,
    pub good: Vec<String>,
    pub expired: Vec<String>,
    pub forged: Vec<String>,
    /// By which the others verify the same tokens.
    pub key: Key,
    /// The sessions that are revoked.
    pub revoked: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    Secret(String),
    /// The only key of a JWK Set.
    Jwks(serde_json::Value),
}

impl Key {
    /// As a tutorial would verify with it: signature, expiry, issuer and audience.
    pub fn naive(&self) -> (jsonwebtoken::DecodingKey, jsonwebtoken::Validation) {
        let (key, algorithm) = match self {
            Self::Secret(text) => {
                (jsonwebtoken::DecodingKey::from_secret(text.as_bytes()), jsonwebtoken::Algorithm::HS256)
            }
            Self::Jwks(set) => {
                let x = set["keys"][0]["x"].as_str().expect("an Ed25519 key");
                let key = jsonwebtoken::DecodingKey::from_ed_components(x).expect("a key");
                (key, jsonwebtoken::Algorithm::EdDSA)
            }
        };
        let mut validation = jsonwebtoken::Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        (key, validation)
    }
}

//! Makes access tokens about the border of what is accepted, for `differential.py` to compare other
//! people's verdicts with ours.
//!
//! ```text
//! tokens [COUNT [SEED]]
//! ```
//!
//! The first line is a JSON object with the keys and rules, each other one a token with our verdict.
//! The same seed makes the same tokens but for the keys, which are new each time.

mod changes;
mod dice;
mod keys;

use aws_lc_rs::{
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use changes::{damage, harsh, mild, spoil};
use countersign::clock::UnixTime;
use dice::{Dice, Object, text};
use keys::{Key, Pair, b64};
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::json;
use std::io::{BufWriter, Write};

const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 5;
const LIFETIME: u64 = 900;
const ISSUER: &str = "https://login.example.org";
const AUDIENCE: &str = "https://api.example.org";
const SECRET: &[u8] = b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

fn make(dice: &mut Dice, key: &Key) -> (String, Vec<&'static str>) {
    let (mut header, mut claims) = (Object(vec![]), Object(vec![]));
    header.set("alg", text(key.algorithm));
    header.set("kid", text(&key.kid));
    header.set("typ", text("at+jwt"));
    let issued = NOW - dice.below(600) as u64;
    for (name, value) in [
        ("iss", ISSUER),
        ("aud", AUDIENCE),
        ("sub", "1fd2c1de-9d5e-4b0c-8a53-f04f2a6a2c1e"),
        ("client_id", "web"),
        ("sid", "c0ffee00-9d5e-4b0c-8a53-f04f2a6a2c1e"),
        ("jti", "AAECAwQFBgcICQoLDA0ODw"),
        ("scope", "items"),
    ] {
        claims.set(name, text(value));
    }
    claims.set("iat", issued.to_string());
    claims.set("exp", (issued + LIFETIME).to_string());
    claims.set("rev", "7");
    claims.set("roles", "[\"admin\"]");

    let mut changes = vec![];
    for _ in 0..dice.below(4) {
        changes.push(mild(dice, key, &mut header, &mut claims));
    }
    if dice.once_in(3) {
        changes.push(harsh(dice, &mut header, &mut claims));
    }
    let airy = dice.once_in(4);
    let mut parts = [header.write(dice, airy).into_bytes(), claims.write(dice, airy).into_bytes()];
    if dice.once_in(10) {
        changes.push("spoiled JSON");
        let part = &mut parts[dice.below(2)];
        *part = spoil(dice, String::from_utf8(part.clone()).expect("text"));
    }
    let message = format!("{}.{}", b64(&parts[0]), b64(&parts[1]));
    let signature = key.sign(message.as_bytes());
    let token = format!("{message}.{}", b64(&signature));
    if dice.once_in(6) {
        changes.push("a damaged token");
        return (damage(dice, key, &token, &signature), changes);
    }
    (token, changes)
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let (count, seed) = (arguments.next().unwrap_or(10_000), arguments.next().unwrap_or(7));
    let mut dice = Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &{
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes
    }));
    let keys = [
        Key::new("HS256", Pair::Secret),
        Key::new("EdDSA", Pair::Ed25519(Ed25519KeyPair::generate().expect("a key"))),
        Key::new(
            "ES256",
            Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")),
        ),
        Key::new("RS256", Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))),
    ];
    let mut out = BufWriter::new(std::io::stdout().lock());
    let jwks: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
    let rules = json!({
        "seed": seed, "count": count, "now": NOW, "leeway": LEEWAY, "lifetime": LIFETIME,
        "issuer": ISSUER, "audience": AUDIENCE, "keys": jwks,
    });
    writeln!(out, "{rules}")?;
    for _ in 0..count {
        // RSA is slow to sign, and not what is of interest.
        let key = &keys[dice.pick(&[0, 0, 0, 0, 1, 1, 1, 2, 2, 3])];
        let (token, changes) = make(&mut dice, key);
        let mut line = json!({ "token": token, "alg": key.algorithm, "changes": changes });
        match key.verifier.verify(token.as_bytes(), UnixTime(NOW)) {
            Ok(claims) => {
                line["claims"] = json!({
                    "sub": claims.subject(), "client_id": claims.client_id(), "jti": claims.token_id(),
                    "iat": claims.issued_at(), "exp": claims.expires_at(), "rev": claims.revision(),
                });
            }
            Err(error) => line["refused"] = error.to_string().into(),
        }
        writeln!(out, "{line}")?;
    }
    out.flush()
}

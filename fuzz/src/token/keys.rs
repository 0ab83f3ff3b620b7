//! The keys of `jwt_structured`, and a signer that is none of the crate's.

use crate::{NOW, base64url, rules};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, HmacSecret, KeyRing, Lives, SigningKey},
};
use std::{sync::LazyLock, time::Duration};

/// Who signs. The first four are in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The key that signs now, for HS256.
    Current,
    /// Its predecessor, which verifies until [`OLD_UNTIL`].
    Old,
    /// One that was revoked.
    Revoked,
    /// One for EdDSA, which verifies always.
    Ed25519,
    /// A secret that the ring does not have.
    Stranger,
    /// A key pair that the ring does not have.
    StrangerEd25519,
    /// HMAC under the public half of [`Ed25519`](Self::Ed25519), which everybody knows (RFC 8725 §2.1).
    PublicHalf,
    /// Nobody: no signature at all, as `none` has it.
    Nobody,
}

/// From here on what [`Signer::Old`] signed is refused.
pub const OLD_UNTIL: u64 = NOW.0 + 1_000;

/// What verifies, and what signs.
pub struct Keys {
    pub tokens: AccessTokens,
    secrets: [hmac::Key; 5],
    pairs: [Ed25519KeyPair; 2],
    kids: [String; 5],
}

/// The keys, the same in each process.
pub fn keys() -> &'static Keys {
    static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);
    &KEYS
}

impl Keys {
    fn new() -> Self {
        let secret = |first: char| format!("{first}8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
        let shared = |first| {
            let secret = HmacSecret::parse(secret(first).as_bytes()).expect("a good secret");
            SigningKey::hs256(&secret)
        };
        let [current, old, revoked, stranger] = ['q', 'w', 'e', 'r'].map(shared);
        let pairs = [7, 8].map(|seed| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"));
        let ed25519 = SigningKey::parse(pem(&pairs[0]).as_bytes()).expect("PEM");

        let lives = Lives { access: Duration::from_secs(5_000), session: Duration::from_secs(50_000) };
        let ago = |seconds| NOW.minus(Duration::from_secs(seconds));
        let ring = KeyRing::new(revoked.clone(), ago(20_000))
            .revoke(revoked.kid(), ago(15_000), true, old.clone(), lives)
            .and_then(|ring| ring.rotate(current.clone(), ago(5_000), ago(4_000), lives))
            .expect("a ring")
            .with_previous(std::slice::from_ref(&ed25519))
            .expect("keys of their own");
        let until = ring.keys().iter().find(|key| key.key().kid() == old.kid());
        assert_eq!(until.and_then(|key| key.life().verifies_until), Some(UnixTime(OLD_UNTIL)));

        let public = pairs[0].public_key().as_ref();
        let hmac = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let [a, b, c, d] = ['q', 'w', 'e', 'r'].map(|first| hmac(secret(first).as_bytes()));
        Self {
            tokens: AccessTokens::new(ring, rules()),
            secrets: [a, b, c, d, hmac(public)],
            pairs,
            kids: [current, old, revoked, ed25519, stranger].map(|key| key.kid().to_owned()),
        }
    }

    /// The name of each key: those of the ring, and the stranger's.
    pub fn kids(&self) -> &[String; 5] {
        &self.kids
    }

    /// What the header of a token by this signer says, if it is to be believed.
    pub fn claimed(&self, signer: Signer) -> (&'static str, &str) {
        let [current, old, revoked, ed25519, stranger] = &self.kids;
        match signer {
            Signer::Current => ("HS256", current),
            Signer::Old => ("HS256", old),
            Signer::Revoked => ("HS256", revoked),
            Signer::Ed25519 | Signer::StrangerEd25519 => ("EdDSA", ed25519),
            Signer::Stranger => ("HS256", stranger),
            Signer::PublicHalf => ("HS256", ed25519),
            Signer::Nobody => ("none", current),
        }
    }

    pub fn sign(&self, message: &[u8], signer: Signer) -> Vec<u8> {
        let secret = |at: usize| hmac::sign(&self.secrets[at], message).as_ref().to_vec();
        let pair = |at: usize| self.pairs[at].sign(message).as_ref().to_vec();
        match signer {
            Signer::Current => secret(0),
            Signer::Old => secret(1),
            Signer::Revoked => secret(2),
            Signer::Stranger => secret(3),
            Signer::PublicHalf => secret(4),
            Signer::Ed25519 => pair(0),
            Signer::StrangerEd25519 => pair(1),
            Signer::Nobody => vec![],
        }
    }
}

fn pem(pair: &Ed25519KeyPair) -> String {
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
    let text = base64url(der.as_ref()).replace('-', "+").replace('_', "/");
    let padding = "=".repeat(text.len().wrapping_neg() % 4);
    format!("-----BEGIN PRIVATE KEY-----\n{text}{padding}\n-----END PRIVATE KEY-----\n")
}

//! Sealing a key ring that is kept where others can read it.

use crate::jwt::HmacSecret;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hmac,
};
use thiserror::Error;
use zeroize::Zeroizing;

/// What the sealed bytes begin with, and what they are bound to.
const FORM: &[u8] = b"countersign key ring 1";
const NONCE: usize = 12;

/// Seals with the first of its keys (AES-256-GCM); opens what any of them has sealed. They are
/// derived from secrets that no store sees, so a copy of the database holds no key to sign with.
pub(super) struct Seals(Vec<RandomizedNonceKey>);

/// A key ring that cannot be sealed or opened.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// It was sealed by another secret, or changed since.
    #[error("the key ring was sealed by another KEYS__ENCRYPTION_KEY, or has been changed")]
    Key,
    /// It has another form.
    #[error("what is kept is no sealed key ring")]
    Form,
    /// The backend failed.
    #[error("the key ring could not be sealed")]
    Sealing,
}

impl Seals {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a HmacSecret>) -> Self {
        Self(secrets.into_iter().map(derived).collect())
    }

    pub(super) fn seal(&self, ring: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut text = ring.to_vec();
        let key = self.0.first().ok_or(SealError::Sealing)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(FORM), &mut text);
        Ok([FORM, nonce.map_err(|_| SealError::Sealing)?.as_ref(), &text].concat())
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let rest = sealed.strip_prefix(FORM).ok_or(SealError::Form)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Form)?;
        for key in &self.0 {
            let mut text = Zeroizing::new(text.to_vec());
            let nonce = Nonce::assume_unique_for_key(*nonce);
            if let Ok(ring) = key.open_in_place(nonce, Aad::from(FORM), &mut text) {
                return Ok(Zeroizing::new(ring.to_vec()));
            }
        }
        Err(SealError::Key)
    }
}

fn derived(secret: &HmacSecret) -> RandomizedNonceKey {
    let parent = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
    let key = hmac::sign(&parent, b"countersign: key ring");
    RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).expect("a key of 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &[u8]) -> HmacSecret {
        HmacSecret::parse(text).expect("a good secret")
    }

    #[test]
    fn only_the_secret_that_sealed_opens_and_nothing_may_be_changed() {
        let (first, second) =
            (secret(b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"), secret(b"Zr3Lw0TnB6yKd2HsPf9GjMcU5eA1q8Xv"));
        let sealed = Seals::new([&first]).seal(b"the ring").expect("sealed");
        assert!(!sealed.windows(8).any(|window| window == b"the ring"));
        assert_ne!(sealed, Seals::new([&first]).seal(b"the ring").expect("sealed"), "never twice the same");
        assert_eq!(*Seals::new([&second, &first]).open(&sealed).expect("the older secret"), b"the ring");
        assert_eq!(Seals::new([&second]).open(&sealed), Err(SealError::Key));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(Seals::new([&first]).open(&changed).is_err(), "byte {at}");
            assert!(Seals::new([&first]).open(&sealed[..at]).is_err(), "the first {at} bytes");
        }
        assert_eq!(Seals::new([]).seal(b"the ring"), Err(SealError::Sealing));
    }
}

//! Argon2id by libsodium.

use super::super::Argon2Params;
use libsodium_rs::crypto_pwhash::argon2id::{BYTES_MIN, SALTBYTES, pwhash};
use zeroize::Zeroizing;

/// Whether libsodium can compute this at all.
pub(super) fn takes(salt: &[u8], params: Argon2Params, output: &[u8]) -> bool {
    salt.len() == SALTBYTES && params.lanes() == 1 && output.len() >= BYTES_MIN
}

pub(super) fn derive(password: &[u8], salt: &[u8], params: Argon2Params, output: &mut [u8]) -> bool {
    let (passes, bytes) = (u64::from(params.iterations()), params.memory_kib() as usize * 1024);
    let Ok(hash) = pwhash(output.len(), password, salt, passes, bytes) else { return false };
    output.copy_from_slice(&Zeroizing::new(hash));
    true
}

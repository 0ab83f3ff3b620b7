//! Argon2id by the crate `argon2`.

use super::{super::Argon2Params, Memory};
use argon2::{Algorithm, Argon2, Params, Version};

pub(super) fn derive(
    password: &[u8],
    salt: &[u8],
    params: Argon2Params,
    output: &mut [u8],
    memory: &mut Memory,
) -> bool {
    let Ok(cost) = Params::new(params.memory_kib(), params.iterations(), params.lanes(), None) else {
        return false;
    };
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
    argon2.hash_password_into_with_memory(password, salt, output, memory.blocks(params.memory_kib())).is_ok()
}

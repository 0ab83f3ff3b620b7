//! What computes Argon2id (RFC 9106), and the memory that it does it in.
//!
//! Both engines make the same hashes of the same inputs; a test compares them on arbitrary ones.

#[cfg(feature = "libsodium")]
mod libsodium;
mod portable;

use super::Argon2Params;
use argon2::Block;
use std::fmt;

/// What computes Argon2id.
///
/// ```
/// use countersign::password::{Argon2Params, Engine, Memory};
///
/// let params = Argon2Params::default();
/// let mut memory = Memory::default();
/// let (mut one, mut other) = ([0; 32], [0; 32]);
/// assert!(Engine::default().derive(b"correct horse", &[7; 16], params, &mut one, &mut memory));
/// assert!(Engine::Portable.derive(b"correct horse", &[7; 16], params, &mut other, &mut memory));
/// assert_eq!(one, other);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The crate `argon2`: Rust alone, whatever the parameters.
    Portable,
    /// libsodium, in C, which finds out when it runs what the processor can do. It has one lane, salts
    /// of 16 bytes and outputs of 16 bytes or more; for all others the portable one takes its place.
    #[cfg(feature = "libsodium")]
    Libsodium,
}

impl Default for Engine {
    /// The fastest that this program was built with.
    fn default() -> Self {
        #[cfg(feature = "libsodium")]
        return Self::Libsodium;
        #[cfg(not(feature = "libsodium"))]
        return Self::Portable;
    }
}

impl Engine {
    /// Fills `output` with the hash of a password. `false`: the salt has fewer than 8 bytes, the
    /// output has fewer than 4, or there is no memory to be had.
    #[must_use]
    pub fn derive(
        self,
        password: &[u8],
        salt: &[u8],
        params: Argon2Params,
        output: &mut [u8],
        memory: &mut Memory,
    ) -> bool {
        match self {
            #[cfg(feature = "libsodium")]
            Self::Libsodium if libsodium::takes(salt, params, output) => {
                libsodium::derive(password, salt, params, output)
            }
            _ => portable::derive(password, salt, params, output, memory),
        }
    }
}

/// Of an allocation over 32 MiB glibc keeps nothing once it is freed, and of a smaller one it may keep all.
/// What is not touched of it costs nothing.
const ALWAYS_GIVEN_BACK: usize = 33 << 20;

/// Memory that waits to be used again: to ask for it anew costs a tenth of a hash.
///
/// libsodium takes its own from the operating system each time, and gives it back.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// At least this many KiB, what was written there before being still there.
    fn blocks(&mut self, kib: u32) -> &mut [Block] {
        let size = kib as usize;
        if self.0.len() < size {
            self.0 = Vec::new();
            self.0.reserve_exact(size.max(ALWAYS_GIVEN_BACK / size_of::<Block>()));
            self.0.resize(size, Block::new());
        }
        &mut self.0[..size]
    }

    /// Gives back what is more than this many KiB.
    pub(super) fn shrink(&mut self, kib: u32) {
        if self.0.len() > kib as usize {
            self.0 = Vec::new();
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("kib", &self.0.len()).finish_non_exhaustive()
    }
}

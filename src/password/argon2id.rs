//! Argon2id (RFC 9106) with its memory reused from one hash to the next.

use super::PasswordHash;
use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash as Phc, Version,
    password_hash::phc::{Ident, Output, ParamsString, Salt},
};
use std::{
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
};
use thiserror::Error;

/// The cost of a hash. `Default` is OWASP's first choice: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Argon2Params {
    /// How much memory can be asked for, in KiB.
    pub const MEMORY_KIB: RangeInclusive<u64> = 7_168..=262_144;
    /// How many passes can be asked for.
    pub const ITERATIONS: RangeInclusive<u64> = 1..=64;
    /// How many lanes can be asked for.
    pub const LANES: RangeInclusive<u64> = 1..=16;

    /// Parameters within these bounds, with `memory_kib × iterations` at least 35,840, which is
    /// the weakest of the settings that OWASP calls equally strong.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, Argon2ParamsError> {
        let params = Self { memory_kib, iterations, lanes };
        let floor = Self::MEMORY_KIB.start();
        if u64::from(memory_kib) < *floor || memory_kib.saturating_mul(iterations) < 35_840 {
            Err(Argon2ParamsError::TooWeak)
        } else if !params.affordable() {
            Err(Argon2ParamsError::TooCostly)
        } else {
            Ok(params)
        }
    }

    /// Memory in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn iterations(self) -> u32 {
        self.iterations
    }

    /// Lanes.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    /// Whether a hash of this cost may be computed at all, so that a planted one cannot take
    /// the memory or the processor for itself.
    fn affordable(self) -> bool {
        u64::from(self.memory_kib) <= *Self::MEMORY_KIB.end()
            && Self::ITERATIONS.contains(&u64::from(self.iterations))
            && Self::LANES.contains(&u64::from(self.lanes))
    }

    fn context(self) -> Option<Argon2<'static>> {
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, None).ok()?;
        Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, lanes: 1 }
    }
}

/// Why a cost is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Argon2ParamsError {
    /// Under the floor of [`Argon2Params::new`].
    #[error("memory must be at least 7168 KiB, and memory times iterations at least 35840")]
    TooWeak,
    /// Over its ceiling.
    #[error("at most 262144 KiB of memory, 64 iterations and 16 lanes")]
    TooCostly,
}

/// A stored hash, taken apart.
pub(super) struct Parsed {
    pub(super) params: Argon2Params,
    salt: Salt,
    output: Output,
}

impl Parsed {
    /// `None` for whatever is not an affordable argon2id hash of version 19.
    pub(super) fn new(hash: &PasswordHash) -> Option<Self> {
        let phc = Phc::new(&hash.0).ok()?;
        if phc.algorithm != argon2::ARGON2ID_IDENT || phc.version != Some(Version::V0x13.into()) {
            return None;
        }
        let params = Params::try_from(&phc).ok()?;
        if !params.keyid().is_empty() || !params.data().is_empty() {
            return None;
        }
        let params =
            Argon2Params { memory_kib: params.m_cost(), iterations: params.t_cost(), lanes: params.p_cost() };
        let (salt, output) = (phc.salt?, phc.hash?);
        // A short output would make a guess likely to fit.
        (params.affordable() && output.len() >= 16).then_some(Self { params, salt, output })
    }
}

/// Memory blocks that wait to be used again; as many as there were hashes at one time.
pub(super) struct Memory {
    standard: usize,
    free: Mutex<Vec<Vec<Block>>>,
}

impl Memory {
    /// Keeps blocks for hashes of this cost.
    pub(super) fn new(params: Argon2Params) -> Self {
        Self { standard: params.memory_kib as usize, free: Mutex::default() }
    }

    fn with<T>(&self, params: Argon2Params, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let size = params.memory_kib as usize;
        if size > self.standard {
            return work(&mut vec![Block::new(); size]);
        }
        let mut blocks = self.free().pop().unwrap_or_else(|| vec![Block::new(); self.standard]);
        let result = work(&mut blocks[..size]);
        self.free().push(blocks);
        result
    }

    fn free(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fresh hash with a random salt of 16 bytes; `None` if there is no randomness to be had.
pub(super) fn hash(password: &[u8], params: Argon2Params, memory: &Memory) -> Option<PasswordHash> {
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut salt).ok()?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(password, &salt, &mut output, params, memory)?;
    let mut shown = ParamsString::new();
    shown.add_decimal("m", params.memory_kib).ok()?;
    shown.add_decimal("t", params.iterations).ok()?;
    shown.add_decimal("p", params.lanes).ok()?;
    let phc = Phc {
        algorithm: Ident::new(argon2::ARGON2ID_IDENT.as_str()).ok()?,
        version: Some(Version::V0x13.into()),
        params: shown,
        salt: Some(Salt::new(&salt).ok()?),
        hash: Some(Output::new(&output).ok()?),
    };
    Some(PasswordHash(phc.to_string()))
}

/// Whether the password has this hash; compared in constant time.
pub(super) fn matches(password: &[u8], expected: &Parsed, memory: &Memory) -> bool {
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..expected.output.len()];
    fill(password, expected.salt.as_ref(), output, expected.params, memory).is_some()
        && aws_lc_rs::constant_time::verify_slices_are_equal(output, expected.output.as_bytes()).is_ok()
}

fn fill(pw: &[u8], salt: &[u8], output: &mut [u8], params: Argon2Params, memory: &Memory) -> Option<()> {
    let argon2 = params.context()?;
    memory.with(params, |blocks| argon2.hash_password_into_with_memory(pw, salt, output, blocks).ok())
}

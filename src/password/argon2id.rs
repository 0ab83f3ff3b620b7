//! Argon2id (RFC 9106): what it may cost, and its hashes as stores keep them.

use super::{Engine, Memory, PasswordHash};
use argon2::{
    Params, PasswordHash as Phc, Version,
    password_hash::phc::{Ident, Output, ParamsString, Salt},
};
use std::ops::RangeInclusive;
use thiserror::Error;

/// The cost of a hash. `Default` is OWASP's first choice: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// How much memory can be gone through in all passes together, in KiB: 2 GiB take about a second.
    pub const MAX_WORK: u64 = 2_097_152;

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
            && u64::from(self.memory_kib) * u64::from(self.iterations) <= Self::MAX_WORK
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
    #[error(
        "at most 262144 KiB of memory, 64 iterations and 16 lanes, and memory times iterations at most 2097152"
    )]
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

/// A fresh hash with a random salt of 16 bytes; `None` if there is no randomness to be had.
pub(super) fn hash(
    password: &[u8],
    params: Argon2Params,
    engine: Engine,
    memory: &mut Memory,
) -> Option<PasswordHash> {
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut salt).ok()?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    engine.derive(password, &salt, params, &mut output, memory).then_some(())?;
    written(params, &salt, &output)
}

/// What looks like a hash, costs as much to compare with, and is of no password that anybody could find:
/// random bytes. `None` if there is no randomness to be had.
pub(super) fn of_nobody(params: Argon2Params) -> Option<PasswordHash> {
    let (mut salt, mut output) = ([0; Salt::RECOMMENDED_LENGTH], [0; Params::DEFAULT_OUTPUT_LEN]);
    getrandom::fill(&mut salt).ok()?;
    getrandom::fill(&mut output).ok()?;
    written(params, &salt, &output)
}

/// As stores keep it.
fn written(params: Argon2Params, salt: &[u8], output: &[u8]) -> Option<PasswordHash> {
    let mut shown = ParamsString::new();
    shown.add_decimal("m", params.memory_kib).ok()?;
    shown.add_decimal("t", params.iterations).ok()?;
    shown.add_decimal("p", params.lanes).ok()?;
    let phc = Phc {
        algorithm: Ident::new(argon2::ARGON2ID_IDENT.as_str()).ok()?,
        version: Some(Version::V0x13.into()),
        params: shown,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(output).ok()?),
    };
    Some(PasswordHash(phc.to_string()))
}

/// Whether the password has this hash; compared in constant time.
pub(super) fn matches(password: &[u8], expected: &Parsed, engine: Engine, memory: &mut Memory) -> bool {
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..expected.output.len()];
    engine.derive(password, expected.salt.as_ref(), expected.params, output, memory)
        && aws_lc_rs::constant_time::verify_slices_are_equal(output, expected.output.as_bytes()).is_ok()
}

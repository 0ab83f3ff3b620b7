//! Argon2 (RFC 9106) as it is not made here: argon2i, argon2d, version 16, and Django's
//! `argon2$argon2id$…`. What is made here is read by `argon2id.rs` first.

use crate::password::{Argon2Params, Cost};
use ::argon2::{Algorithm, Params, PasswordHash as Phc, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;

pub(in crate::password) struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub(super) fn parse(text: &str) -> Option<Argon2> {
    let phc = text.strip_prefix("argon2").filter(|rest| rest.starts_with('$')).unwrap_or(text);
    let phc = Phc::new(phc).ok()?;
    let algorithm = Algorithm::new(phc.algorithm).ok()?;
    // The reference implementation wrote no version before it was 19.
    let version = phc.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
    let params = Params::try_from(&phc).ok()?;
    let (salt, output) = (phc.salt?.to_vec(), phc.hash?.as_bytes().to_vec());
    let [memory, passes, lanes] = [params.m_cost(), params.t_cost(), params.p_cost()].map(u64::from);
    let affordable = memory <= *Argon2Params::MEMORY_KIB.end()
        && memory * passes <= Argon2Params::MAX_WORK
        && lanes <= *Argon2Params::LANES.end();
    // A short output would make a guess likely to fit.
    let fits = affordable && output.len() >= 16 && params.keyid().is_empty() && params.data().is_empty();
    fits.then_some(Argon2 { algorithm, version, params, salt, output })
}

impl Argon2 {
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let argon2 = ::argon2::Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut output = vec![0; self.output.len()];
        argon2.hash_password_into(password, &self.salt, &mut output).is_ok()
            && verify_slices_are_equal(&output, &self.output).is_ok()
    }

    pub(super) fn cost(&self) -> Cost {
        let params = &self.params;
        Cost::OtherArgon2 { memory_kib: params.m_cost(), iterations: params.t_cost(), lanes: params.p_cost() }
    }
}

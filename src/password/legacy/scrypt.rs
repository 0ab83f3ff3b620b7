//! Scrypt (RFC 7914), as Werkzeug, Django and passlib store it.

use super::text::{base64, base64_unpadded, decimal, hex, salt};
use crate::password::Cost;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use scrypt::{Params, scrypt};

/// A cost parameter N, block size r and parallelism p within the bounds of what is computed here.
#[derive(Clone, Copy)]
pub(super) struct Work {
    log_n: u8,
    r: u32,
    p: u32,
}

pub(in crate::password) struct Scrypt {
    work: Work,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub(super) fn parse(text: &str) -> Option<Scrypt> {
    let hash = werkzeug(text).or_else(|| django(text)).or_else(|| phc(text))?;
    // A short output would make a guess likely to fit.
    (16..=64).contains(&hash.output.len()).then_some(hash)
}

/// `scrypt:32768:8:1$salt$output`, in hexadecimal; the salt is the text as it stands there.
fn werkzeug(text: &str) -> Option<Scrypt> {
    let [method, text, output] = fields(text, '$')?;
    let [n, r, p] = fields(method.strip_prefix("scrypt:")?, ':')?;
    Some(Scrypt { work: Work::new(log(n)?, r, p)?, salt: salt(text)?, output: hex(output)? })
}

/// `scrypt$16384$salt$8$5$output`; the salt is the text as it stands there.
fn django(text: &str) -> Option<Scrypt> {
    let [n, text, r, p, output] = fields(text.strip_prefix("scrypt$")?, '$')?;
    Some(Scrypt { work: Work::new(log(n)?, r, p)?, salt: salt(text)?, output: base64(output)? })
}

/// `$scrypt$ln=16,r=8,p=1$salt$output`, as the PHC string format has it and passlib writes it.
fn phc(text: &str) -> Option<Scrypt> {
    let [params, salt, output] = fields(text.strip_prefix("$scrypt$")?, '$')?;
    let [log_n, r, p] = fields(params, ',')?;
    let work = Work::new(decimal(log_n.strip_prefix("ln=")?)?, r.strip_prefix("r=")?, p.strip_prefix("p=")?)?;
    Some(Scrypt { work, salt: base64_unpadded(salt)?, output: base64_unpadded(output)? })
}

fn fields<const N: usize>(text: &str, between: char) -> Option<[&str; N]> {
    text.split(between).collect::<Vec<_>>().try_into().ok()
}

/// The binary logarithm of a power of two.
fn log(n: &str) -> Option<u32> {
    let n = decimal(n)?;
    n.is_power_of_two().then(|| n.ilog2())
}

impl Work {
    /// At most 256 MiB (128 × N × r bytes) and as many steps as take about a second.
    pub(super) fn new(log_n: u32, r: &str, p: &str) -> Option<Self> {
        const MAX_BLOCKS: u64 = (256 << 20) / 128;
        const MAX_STEPS: u64 = 1 << 22;
        let (r, p) = (decimal(r)?, decimal(p)?);
        let n = 1_u64.checked_shl(log_n).filter(|n| *n > 1)?;
        let blocks = n.checked_mul(r.into()).filter(|blocks| *blocks <= MAX_BLOCKS)?;
        blocks.checked_mul(p.into()).filter(|steps| *steps <= MAX_STEPS)?;
        Some(Self { log_n: u8::try_from(log_n).ok()?, r, p })
    }

    pub(super) fn cost(self) -> Cost {
        Cost::Scrypt { log_n: self.log_n.into(), r: self.r, p: self.p }
    }

    /// Fills `output`, or says that it cannot.
    pub(super) fn derive(self, password: &[u8], salt: &[u8], output: &mut [u8]) -> Option<()> {
        let params = Params::new(self.log_n, self.r, self.p).ok()?;
        scrypt(password, salt, &params, output).ok()
    }
}

impl Scrypt {
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        self.work.derive(password, &self.salt, &mut output).is_some()
            && verify_slices_are_equal(&output, &self.output).is_ok()
    }

    pub(super) fn cost(&self) -> Cost {
        self.work.cost()
    }
}

//! Makes `passwords.fst` of passwords on standard input, the most common first; README.md says how.

use std::{
    collections::BTreeSet,
    error::Error,
    io::{self, BufRead, Write},
};

/// As many as are looked at, and how short a password cannot be chosen anyhow.
const MOST_COMMON: usize = 100_000;
const MIN_BYTES: usize = countersign::password::Password::MIN_BYTES;

fn main() -> Result<(), Box<dyn Error>> {
    let lines = io::stdin().lock().lines().take(MOST_COMMON).collect::<Result<Vec<_>, _>>()?;
    let common = lines.iter().map(|line| line.to_lowercase()).filter(|line| line.len() >= MIN_BYTES);
    let set = fst::Set::from_iter(common.collect::<BTreeSet<_>>())?;
    io::stdout().write_all(set.as_fst().as_bytes())?;
    eprintln!("{} of {}", set.len(), lines.len());
    Ok(())
}

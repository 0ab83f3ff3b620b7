//! Texts as stored password hashes, against a reading of the PHC string format and of bcrypt's modular
//! crypt format written apart. Nothing is hashed: what is found is whether a hash would be, and at what
//! cost, which must be within the documented bounds. And whatever the text, it is kept and given back as
//! it was, and `Debug` does not show it.
#![no_main]

use countersign::password::{Cost, PasswordHash};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let hash = PasswordHash::from_stored(text.to_owned());
    assert_eq!(hash.as_stored(), text);
    assert_eq!(format!("{hash:?}"), "PasswordHash");
    match (hash.cost(), argon2id(text), bcrypt(text)) {
        (None, None, None) => {}
        (Some(Cost::Argon2id(cost)), Some(read), None) => {
            let [memory, iterations, lanes] = [cost.memory_kib(), cost.iterations(), cost.lanes()];
            assert_eq!([memory, iterations, lanes], read.cost);
            // The documented bounds: 256 MiB at most, whoever planted it.
            assert!(memory <= 262_144 && (1..=64).contains(&iterations) && (1..=16).contains(&lanes));
            let printed = format!(
                "$argon2id$v=19$m={memory},t={iterations},p={lanes}${}${}",
                base64(&read.salt),
                base64(&read.output)
            );
            assert!(printed == text || !read.is_canonical, "printed again it is {printed}");
        }
        (Some(Cost::Bcrypt(cost)), None, Some(read)) => {
            assert!(cost == read && (4..=14).contains(&cost));
        }
        (cost, argon2id, bcrypt) => panic!("{cost:?} instead of {argon2id:?} or {bcrypt:?}"),
    }
    Corpus::Keep
});

#[derive(Debug)]
struct Argon2id {
    /// Memory in KiB, passes, lanes.
    cost: [u32; 3],
    salt: Vec<u8>,
    output: Vec<u8>,
    /// Whether `m`, `t` and `p` stand there in this order and nothing else.
    is_canonical: bool,
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$output`. What is left out has the `argon2` crate's default; the last
/// of two counts; a key or data may be named, but not be there.
fn argon2id(text: &str) -> Option<Argon2id> {
    let rest = text.strip_prefix("$argon2id$v=19$")?;
    let fields: Vec<_> = rest.split('$').collect();
    let (params, salt, output) = match fields[..] {
        [params, salt, output] if params.contains('=') => (params, salt, output),
        [salt, output] if !salt.contains('=') => ("", salt, output),
        _ => return None,
    };
    let mut cost = [19_456, 2, 1];
    let mut names = String::new();
    for param in params.split(',').filter(|_| !params.is_empty()) {
        let (name, value) = param.split_once('=')?;
        names.push_str(name);
        if ["keyid", "data"].contains(&name) && value.is_empty() {
            continue;
        }
        let at = ["m", "t", "p"].iter().position(|known| *known == name)?;
        cost[at] = decimal(value)?;
    }
    let [memory, iterations, lanes] = cost;
    let affordable = memory <= 262_144 && (1..=64).contains(&iterations) && (1..=16).contains(&lanes);
    // RFC 9106 §3.1: 8 KiB for each lane at least.
    let possible = affordable && memory >= 8 * lanes && params.len() <= 127;
    let (salt, output) = (from_base64(salt)?, from_base64(output)?);
    let fits = (8..=48).contains(&salt.len()) && (16..=64).contains(&output.len());
    (possible && fits).then_some(Argon2id { cost, salt, output, is_canonical: names == "mtp" })
}

/// `$2b$cc$` and 22 characters of salt and 31 of hash, in bcrypt's own alphabet; also `2a` and `2y`.
fn bcrypt(text: &str) -> Option<u32> {
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let (cost, rest) = rest.split_once('$')?;
    let cost = (cost.len() == 2 && cost.bytes().all(|digit| digit.is_ascii_digit())).then_some(cost)?;
    let cost: u32 = cost.parse().ok()?;
    let alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let sextets: Option<Vec<_>> = rest.chars().map(|char| alphabet.find(char)).collect();
    let sextets = sextets?;
    // 16 bytes leave 4 bits over, 23 leave 2, and they are 0.
    let fits = sextets.len() == 53 && sextets[21] % 16 == 0 && sextets[52] % 4 == 0;
    (fits && (4..=14).contains(&cost)).then_some(cost)
}

/// PHC's decimal: no sign and no zeros in front.
fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

/// The usual alphabet without padding, as PHC has it.
fn base64(bytes: &[u8]) -> String {
    countersign_fuzz::base64url(bytes).replace('-', "+").replace('_', "/")
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = (!text.contains(['-', '_'])).then(|| text.replace('+', "-").replace('/', "_"))?;
    countersign_fuzz::from_base64url(text.as_bytes())
}

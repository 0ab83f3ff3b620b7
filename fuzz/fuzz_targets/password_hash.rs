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
    let others = [bcrypt(text), pbkdf2(text), scrypt(text), firebase(text), other_argon2(text)];
    let other = others.into_iter().flatten().next();
    match (hash.cost(), argon2id(text), other) {
        (None, None, None) => {}
        // Of what is made here the other reading may be right too.
        (Some(Cost::Argon2id(cost)), Some(read), None | Some(Other::Argon2(_))) => {
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
        (Some(Cost::Bcrypt(cost)), None, Some(Other::Bcrypt(read))) => {
            assert!(cost == read && (4..=14).contains(&cost));
        }
        (Some(Cost::Pbkdf2 { iterations }), None, Some(Other::Pbkdf2(read))) => assert_eq!(iterations, read),
        (Some(Cost::Scrypt { log_n, r, p }), None, Some(Other::Scrypt(read))) => {
            assert_eq!([log_n, r, p], read)
        }
        (Some(Cost::OtherArgon2 { memory_kib, iterations, lanes }), None, Some(Other::Argon2(read))) => {
            assert_eq!([memory_kib, iterations, lanes], read);
        }
        (cost, argon2id, other) => panic!("{cost:?} instead of {argon2id:?} or {other:?}"),
    }
    Corpus::Keep
});

/// What is verified and never made, and its cost.
#[derive(Debug)]
enum Other {
    Bcrypt(u32),
    Pbkdf2(u32),
    Scrypt([u32; 3]),
    Argon2([u32; 3]),
}

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
    let read = argon2(text.strip_prefix("$argon2id$v=19$")?)?;
    (1..=64).contains(&read.cost[1]).then_some(read)
}

/// Another kind or version, or behind `argon2` as Django writes it.
fn other_argon2(text: &str) -> Option<Other> {
    let text = Some(text).filter(|text| text.len() <= 512)?;
    let text = text.strip_prefix("argon2").filter(|rest| rest.starts_with('$')).unwrap_or(text);
    let rest = ["$argon2i$", "$argon2d$", "$argon2id$"].iter().find_map(|kind| text.strip_prefix(kind))?;
    let rest = ["v=16$", "v=19$"].iter().find_map(|version| rest.strip_prefix(version)).unwrap_or(rest);
    Some(Other::Argon2(argon2(rest)?.cost))
}

fn argon2(rest: &str) -> Option<Argon2id> {
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
    let work = u64::from(memory) * u64::from(iterations);
    let affordable = memory <= 262_144 && iterations >= 1 && work <= 2_097_152 && (1..=16).contains(&lanes);
    // RFC 9106 §3.1: 8 KiB for each lane at least.
    let possible = affordable && memory >= 8 * lanes && params.len() <= 127;
    let (salt, output) = (from_base64(salt)?, from_base64(output)?);
    let fits = (8..=48).contains(&salt.len()) && (16..=64).contains(&output.len());
    (possible && fits).then_some(Argon2id { cost, salt, output, is_canonical: names == "mtp" })
}

/// `$pbkdf2-sha256$…` (passlib), `pbkdf2_sha256$…` (Django), `pbkdf2:sha256:…` (Werkzeug).
fn pbkdf2(text: &str) -> Option<Other> {
    let fields: Vec<_> = text.split('$').collect();
    let (digest, iterations, salt, output) = match fields[..] {
        ["", name, iterations, salt, output] => {
            let digest = match name {
                "pbkdf2" => "sha1",
                "pbkdf2-sha256" | "pbkdf2-sha512" => &name[7..],
                _ => return None,
            };
            let read = |text: &str| from_base64(&(!text.contains('+')).then(|| text.replace('.', "+"))?);
            (digest, iterations, read(salt)?, read(output)?)
        }
        [name @ ("pbkdf2_sha1" | "pbkdf2_sha256"), iterations, salt, output] if !salt.is_empty() => {
            (&name[7..], iterations, salt.into(), padded(output)?)
        }
        [method, salt, output] if !salt.is_empty() => {
            let (digest, iterations) = method.strip_prefix("pbkdf2:")?.split_once(':')?;
            (digest, iterations, salt.into(), hexadecimal(output)?)
        }
        _ => return None,
    };
    let _: Vec<u8> = salt;
    let length = [("sha1", 20), ("sha256", 32), ("sha512", 64)].iter().find(|(name, _)| *name == digest)?.1;
    let iterations = decimal(iterations).filter(|iterations| (1..=2_000_000).contains(iterations))?;
    (output.len() == length && text.len() <= 512).then_some(Other::Pbkdf2(iterations))
}

/// `$scrypt$ln=…` (PHC), `scrypt$N$…` (Django), `scrypt:N:r:p$…` (Werkzeug).
fn scrypt(text: &str) -> Option<Other> {
    let fields: Vec<_> = text.split('$').collect();
    let power = |n: &str| decimal(n).filter(|n| n.is_power_of_two()).map(u32::ilog2);
    let (log_n, r, p, output) = match fields[..] {
        ["", "scrypt", params, salt, output] => {
            let params: Vec<_> = params.split(',').collect();
            let [n, r, p] = params.try_into().ok()?;
            from_base64(salt)?;
            let value = |param: &str, name| decimal(param.strip_prefix(name)?);
            (value(n, "ln=")?, value(r, "r=")?, value(p, "p=")?, from_base64(output)?)
        }
        ["scrypt", n, salt, r, p, output] if !salt.is_empty() => {
            (power(n)?, decimal(r)?, decimal(p)?, padded(output)?)
        }
        [method, salt, output] if !salt.is_empty() => {
            let params: Vec<_> = method.strip_prefix("scrypt:")?.split(':').collect();
            let [n, r, p] = params.try_into().ok()?;
            (power(n)?, decimal(r)?, decimal(p)?, hexadecimal(output)?)
        }
        _ => return None,
    };
    let fits = (16..=64).contains(&output.len()) && text.len() <= 512 && is_affordable(log_n, r, p);
    fits.then_some(Other::Scrypt([log_n, r, p]))
}

/// `$fbscrypt$v=1,n=…,r=…,p=…,ss=…$salt$hash`.
fn firebase(text: &str) -> Option<Other> {
    let fields: Vec<_> = text.split('$').collect();
    let ["", "fbscrypt", params, salt, output] = fields[..] else { return None };
    let params: Vec<_> = params.split(',').collect();
    let ["v=1", n, r, p, separator] = params[..] else { return None };
    let value = |param: &str, name| decimal(param.strip_prefix(name)?);
    let [log_n, r, p] = [value(n, "n=")?, value(r, "r=")?, value(p, "p=")?];
    padded(salt)?;
    padded(separator.strip_prefix("ss=")?)?;
    let fits = padded(output)?.len() == 64 && text.len() <= 512 && is_affordable(log_n, r, p);
    fits.then_some(Other::Scrypt([log_n, r, p]))
}

/// The documented bounds: 256 MiB, and some steps.
fn is_affordable(log_n: u32, r: u32, p: u32) -> bool {
    let blocks = u128::from(r) << log_n.min(64);
    (1..64).contains(&log_n) && r > 0 && p > 0 && blocks <= 2_097_152 && blocks * u128::from(p) <= 4_194_304
}

/// `$2b$cc$` and 22 characters of salt and 31 of hash, in bcrypt's own alphabet; also `2a` and `2y`, and
/// behind what Django writes.
fn bcrypt(text: &str) -> Option<Other> {
    let text = Some(text).filter(|text| text.len() <= 512)?;
    let text = ["bcrypt$", "bcrypt_sha256$"].iter().find_map(|name| text.strip_prefix(name)).unwrap_or(text);
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let (cost, rest) = rest.split_once('$')?;
    let cost = (cost.len() == 2 && cost.bytes().all(|digit| digit.is_ascii_digit())).then_some(cost)?;
    let cost: u32 = cost.parse().ok()?;
    let alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let sextets: Option<Vec<_>> = rest.chars().map(|char| alphabet.find(char)).collect();
    let sextets = sextets?;
    // 16 bytes leave 4 bits over, 23 leave 2, and they are 0.
    let fits = sextets.len() == 53 && sextets[21] % 16 == 0 && sextets[52] % 4 == 0;
    (fits && (4..=14).contains(&cost)).then_some(Other::Bcrypt(cost))
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

/// The usual alphabet, padded to fours.
fn padded(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let padding = (4 - bare.len() % 4) % 4;
    (text.len() == bare.len() + padding).then(|| from_base64(bare))?
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (digits && text.len().is_multiple_of(2)).then(|| (0..text.len()).step_by(2).map(pair).collect())?
}

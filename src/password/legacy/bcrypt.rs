//! Bcrypt: `$2b$12$…`, and Django's `bcrypt$$2b$12$…` and `bcrypt_sha256$$2b$12$…`.

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// Costs over this take more than a second, so they are as good as an attack.
const MAX_COST: u32 = 14;

pub(in crate::password) struct Bcrypt {
    /// The hash itself, without what Django writes before it.
    hash: String,
    cost: u32,
    /// Whether it is of the password's SHA-256 in hexadecimal, so that all of a long one counts.
    is_of_digest: bool,
}

/// `$2a$`, `$2b$` or `$2y$`, cost 4 to 14.
pub(super) fn parse(text: &str) -> Option<Bcrypt> {
    let (hash, is_of_digest) = match (text.strip_prefix("bcrypt$"), text.strip_prefix("bcrypt_sha256$")) {
        (Some(hash), _) => (hash, false),
        (None, Some(hash)) => (hash, true),
        (None, None) => (text, false),
    };
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix));
    let parts: ::bcrypt::HashParts = hash.parse().ok().filter(|_| known)?;
    // The parser would take a sign.
    let has_digits = hash.bytes().skip(4).take(2).all(|digit| digit.is_ascii_digit());
    let cost = Some(parts.get_cost()).filter(|cost| has_digits && (4..=MAX_COST).contains(cost))?;
    Some(Bcrypt { hash: hash.to_owned(), cost, is_of_digest })
}

impl Bcrypt {
    /// As everywhere, only the first 72 bytes count.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let digest =
            self.is_of_digest.then(|| hexadecimal(digest::digest(&digest::SHA256, password).as_ref()));
        let password = digest.as_ref().map_or(password, |digest| digest.as_bytes());
        ::bcrypt::verify(password, &self.hash).unwrap_or(false)
    }

    /// The binary logarithm of its rounds.
    pub(super) fn cost(&self) -> u32 {
        self.cost
    }
}

fn hexadecimal(bytes: &[u8]) -> Zeroizing<String> {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    Zeroizing::new(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

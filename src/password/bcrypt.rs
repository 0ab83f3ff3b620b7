//! Bcrypt hashes made by others: verified, never made.

use super::PasswordHash;

/// Costs over this take more than a second, so they are as good as an attack.
const MAX_COST: u32 = 14;

/// The cost of a bcrypt hash that can be verified: `$2a$`, `$2b$` or `$2y$`, cost 4 to 14.
pub(super) fn cost(hash: &PasswordHash) -> Option<u32> {
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.0.starts_with(prefix));
    let parts: ::bcrypt::HashParts = hash.0.parse().ok().filter(|_| known)?;
    // The parser would take a sign.
    let has_digits = hash.0.bytes().skip(4).take(2).all(|digit| digit.is_ascii_digit());
    (has_digits && (4..=MAX_COST).contains(&parts.get_cost())).then_some(parts.get_cost())
}

/// Whether the password has this hash. As everywhere, only its first 72 bytes count.
pub(super) fn matches(password: &[u8], hash: &PasswordHash) -> bool {
    ::bcrypt::verify(password, &hash.0).unwrap_or(false)
}

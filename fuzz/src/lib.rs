//! What several targets share.

pub mod token;

use countersign::{clock::UnixTime, jwt::Rules};
use std::time::Duration;

/// The time in all targets, unless they make one up.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// What signs and seals.
pub const SECRET: &[u8] = b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

/// What access tokens have to say.
pub fn rules() -> Rules {
    Rules {
        issuer: "countersign".into(),
        audience: "api".into(),
        leeway: Duration::from_secs(5),
        max_lifetime: Duration::from_secs(900),
    }
}

/// Base64url without padding (RFC 4648 §5), written from the RFC.
pub fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or_default()));
        let bits = a << 16 | b << 8 | c;
        for sextet in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * sextet) & 63) as usize]));
        }
    }
    text
}

/// The bytes of base64url in its one spelling, written from the RFC: no padding, no white space, and
/// the bits that are left over are 0 (RFC 4648 §3.5).
pub fn from_base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count < 6 && bits == 0).then_some(bytes)
}

//! As much of DER (X.690) as keys and signatures need.

/// A tag, a length and what it is of.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match u8::try_from(length) {
        Ok(length @ ..128) => vec![tag, length],
        Ok(length) => vec![tag, 0x81, length],
        Err(_) => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content.to_vec()].concat()
}

/// INTEGER of a number that is not negative, big-endian.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let sign: &[u8] = if bytes.get(first).is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    value(2, &[sign, &bytes[first..]].concat())
}

pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

/// ECDSA-Sig-Value (RFC 3279 §2.2.3) of r and s side by side.
pub fn signature(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    sequence(&[integer(r), integer(s)])
}

/// The other way round, for P-256.
pub fn fixed(der: &[u8]) -> Vec<u8> {
    // 0x30, length, then twice 2, length, content.
    let mut rest = &der[2..];
    let mut fixed = vec![];
    for _ in 0..2 {
        let length = usize::from(rest[1]);
        let number = &rest[2..2 + length];
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        fixed.extend(vec![0; 32 - number.len()]);
        fixed.extend(number);
        rest = &rest[2 + length..];
    }
    fixed
}

/// A PEM text (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// RSAPrivateKey (RFC 8017 appendix A.1.2) of n, e, d, p, q, dp, dq, qi.
pub fn pkcs1(numbers: &[Vec<u8>; 8]) -> Vec<u8> {
    let numbers = numbers.iter().map(|number| integer(number));
    sequence(&std::iter::once(integer(&[0])).chain(numbers).collect::<Vec<_>>())
}

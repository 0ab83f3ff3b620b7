//! What keys are made of, to notice two keys of the same material.
//!
//! Each key needs material of its own. With a secret that is another key's public number, any client
//! can sign; with one that is the private half of another, a leak of one is a leak of both. Operators
//! have such texts at hand in many encodings, so all of these count.

use super::jwk::{self, Jwk};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// So many bytes in a row never agree by chance.
const WINDOW: usize = 16;
/// How often a text may be encoded, one encoding around another.
const DEPTH: u32 = 3;

type Bytes = Zeroizing<Vec<u8>>;

/// The material of one key or secret.
pub(crate) enum Material {
    /// All that a secret can be read as: itself, and what it is the encoding of.
    Secret(Vec<Bytes>),
    /// All runs of [`WINDOW`] bytes of the numbers of a key pair, in each encoding; sorted.
    Pair(Zeroizing<Vec<[u8; WINDOW]>>),
}

impl Material {
    /// That of a secret.
    pub(crate) fn of_secret(secret: &[u8]) -> Self {
        let mut readings = vec![];
        read(secret, DEPTH, &mut readings);
        Self::Secret(readings)
    }

    /// That of a key, of its private half too if it is there. Members that cannot be decoded are left
    /// to the checks of the key.
    pub(super) fn of(jwk: &Jwk) -> Self {
        let decoded = |member: Option<&str>| jwk::bytes(member, "").ok();
        let private = [&jwk.d, &jwk.p, &jwk.q, &jwk.dp, &jwk.dq, &jwk.qi].map(|member| member.as_deref());
        let private = private.into_iter().filter_map(|member| decoded(member.map(String::as_str)));
        if jwk.kty.as_deref() == Some("oct") {
            return Self::of_secret(&decoded(jwk.k.as_deref().map(String::as_str)).unwrap_or_default());
        }
        // The thumbprint is the key's published name. An exponent `e` is shorter than a window.
        let thumbprint = jwk.thumbprint();
        let public = [&jwk.x, &jwk.y, &jwk.n, &thumbprint].map(|member| decoded(member.as_deref()));
        let numbers: Vec<_> = public.into_iter().flatten().chain(private).collect();
        let forms: Vec<_> = numbers.iter().flat_map(|number| encodings(number)).collect();
        // At once, since a vector that grows leaves copies behind that are not wiped.
        let mut windows = Zeroizing::new(Vec::with_capacity(forms.iter().map(|form| form.len()).sum()));
        windows.extend(forms.iter().flat_map(|form| form.array_windows()).copied());
        windows.sort_unstable();
        Self::Pair(windows)
    }

    /// Whether the two have material in common.
    pub(crate) fn shares(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(these), Self::Secret(those)) => is_within(these, those) || is_within(those, these),
            (Self::Secret(readings), Self::Pair(windows)) | (Self::Pair(windows), Self::Secret(readings)) => {
                readings
                    .iter()
                    .any(|bytes| bytes.array_windows().any(|run| windows.binary_search(run).is_ok()))
            }
            (Self::Pair(these), Self::Pair(those)) => {
                these.iter().any(|run| those.binary_search(run).is_ok())
            }
        }
    }
}

/// Whether one of the readings of a secret is a part of another secret. The whole, since two secrets
/// may begin with the same words.
fn is_within(these: &[Bytes], those: &[Bytes]) -> bool {
    let mut forms = these.iter().flat_map(|bytes| encodings(bytes));
    forms.any(|form| those.iter().any(|other| other.windows(form.len()).any(|part| part == &**form)))
}

/// Collects the bytes and what they are the encoding of.
fn read(bytes: &[u8], depth: u32, readings: &mut Vec<Bytes>) {
    if bytes.len() < WINDOW {
        return;
    }
    readings.push(Zeroizing::new(bytes.to_vec()));
    if depth > 0 {
        for decoded in decodings(bytes) {
            read(&decoded, depth - 1, readings);
        }
    }
}

/// What the bytes are the text of: Base64 of either alphabet (RFC 4648 §4, §5) or hexadecimal, however
/// the text is broken into lines and groups.
fn decodings(text: &[u8]) -> Vec<Bytes> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let without = |separators: &[u8]| -> Bytes {
        let kept = text.iter().filter(|byte| !byte.is_ascii_whitespace() && !separators.contains(byte));
        Zeroizing::new(kept.copied().collect())
    };
    let base64 = without(b"=");
    let alphabets = [&STANDARD, &URL_SAFE].map(|alphabet| GeneralPurpose::new(alphabet, LENIENT));
    let mut decoded: Vec<_> = alphabets
        .iter()
        .filter_map(|base64_of| base64_of.decode(&*base64).ok())
        .map(Zeroizing::new)
        .collect();
    let digits = without(b":-");
    let digits = digits.strip_prefix(b"0x").unwrap_or(&digits);
    decoded.extend(unhex(digits));
    decoded
}

fn unhex(digits: &[u8]) -> Option<Bytes> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8));
    bytes.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

/// The bytes themselves, and as they stand in texts: in hexadecimal and in Base64, also in the middle
/// of a longer text of it, where a group of three bytes begins at the first, second or third.
fn encodings(bytes: &[u8]) -> Vec<Bytes> {
    let mut all = vec![Zeroizing::new(bytes.to_vec())];
    for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
        let pair = |byte: &u8| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]];
        all.push(Zeroizing::new(bytes.iter().flat_map(pair).collect()));
    }
    for skipped in 0..3 {
        // Whole groups, since what follows changes the last.
        let rest = bytes.get(skipped..).unwrap_or_default();
        let groups = &rest[..rest.len() / 3 * 3];
        all.push(Zeroizing::new(BASE64_STANDARD_NO_PAD.encode(groups).into_bytes()));
        all.push(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(groups).into_bytes()));
    }
    all.retain(|form| form.len() >= WINDOW);
    all
}

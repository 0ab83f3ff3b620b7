//! The half of a key that verifies, checked when it is read so that nothing weak verifies later.

use super::{
    Algorithm, HmacSecret, KeyError,
    jwk::{self, Bytes, Jwk},
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use jsonwebtoken::DecodingKey;

/// What verifies the signatures of one key, by its one algorithm.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub kid: Option<String>,
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// The public keys for which signatures can be made without a private one: the points of small
/// order, in every encoding, without the sign (RFC 8032 §5.1.7 checks none of this).
#[rustfmt::skip]
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05],
    [0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a],
    [0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
];

impl VerifyingKey {
    /// Reads a key of a known type; a private one gives its public half.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let algorithm = jwk.algorithm()?;
        jwk.agrees(algorithm, "verify")?;
        let decoding = match algorithm {
            Algorithm::EdDsa => DecodingKey::from_ed_der(&ed25519(jwk)?),
            Algorithm::Es256 => DecodingKey::from_ec_der(&p256(jwk)?),
            Algorithm::Rs256 => {
                let (n, e) = rsa(jwk)?;
                DecodingKey::from_rsa_raw_components(&n, &e)
            }
            Algorithm::Hs256 => {
                let secret = jwk::bytes(jwk.k.as_deref().map(|k| &**k), "k")?;
                DecodingKey::from_secret(HmacSecret::parse(&secret)?.bytes())
            }
        };
        Ok(Self { kid: jwk.kid.clone(), algorithm, decoding })
    }
}

/// The public key of RFC 8037 §2.
pub(super) fn ed25519(jwk: &Jwk) -> Result<[u8; 32], KeyError> {
    let x = jwk::bytes(jwk.x.as_deref(), "x")?;
    let x: [u8; 32] = x.as_slice().try_into().map_err(|_| KeyError::Length("x"))?;
    let mut unsigned = x;
    unsigned[31] &= 0x7f;
    if SMALL_ORDER.contains(&unsigned) { Err(KeyError::SmallOrder) } else { Ok(x) }
}

/// The uncompressed point (SEC 1 §2.3.3) of RFC 7518 §6.2.1, on the curve.
pub(super) fn p256(jwk: &Jwk) -> Result<Vec<u8>, KeyError> {
    let mut point = vec![4];
    for (member, name) in [(&jwk.x, "x"), (&jwk.y, "y")] {
        let coordinate = jwk::bytes(member.as_deref(), name)?;
        // RFC 7518 §6.2.1.2: the full size, zeros included.
        if coordinate.len() != 32 {
            return Err(KeyError::Length(name));
        }
        point.extend_from_slice(&coordinate);
    }
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| KeyError::NotOnCurve)?;
    Ok(point)
}

/// The modulus and exponent of RFC 7518 §6.3.1.
pub(super) fn rsa(jwk: &Jwk) -> Result<(Bytes, Bytes), KeyError> {
    let n = jwk::bytes(jwk.n.as_deref(), "n")?;
    let e = jwk::bytes(jwk.e.as_deref(), "e")?;
    // RFC 7518 §2 (Base64urlUInt): no zeros in front.
    if n.first().is_none_or(|first| *first == 0) {
        return Err(KeyError::Member("n"));
    }
    let bits = n.len() * 8 - n[0].leading_zeros() as usize;
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::RsaSize(bits));
    }
    let is_odd = |number: &Bytes| number.last().is_some_and(|last| last % 2 == 1);
    if !is_odd(&n) {
        return Err(KeyError::Member("n"));
    }
    // With an exponent of 1 the message is its own signature; an even one has no inverse; one of
    // more than 32 bits is slow, and the backend verifies nothing with it.
    if e.first().is_none_or(|first| *first == 0) || !is_odd(&e) || *e == [1] || e.len() > 4 {
        return Err(KeyError::RsaExponent);
    }
    let parsed = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
    parsed.map_err(|_| KeyError::Member("n"))?;
    Ok((n, e))
}

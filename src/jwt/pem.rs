//! Private keys as PEM and DER (PKCS #8, PKCS #1, SEC 1), and the JWKs that they are.

use super::{
    Algorithm, KeyError,
    jwk::{Jwk, encoded},
};
use aws_lc_rs::{
    encoding::{AsBigEndian, EcPrivateKeyBin},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::{
    ObjectIdentifier, PrivateKeyInfoRef,
    der::pem::{self, LineEnding},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

/// RFC 8410 §3, RFC 5480 §2.1.1, RFC 8017 appendix C.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The one private key of a PEM text (RFC 7468), whose halves are not compared here. Beside it there may
/// be the parameters of its curve, as `openssl ecparam -genkey` writes them, and nothing else.
pub(super) fn private_key(text: &[u8]) -> Result<Jwk, KeyError> {
    let says = |label: &str| text.windows(label.len()).any(|window| window == label.as_bytes());
    let begins = text.windows(11).enumerate().filter(|(_, window)| *window == b"-----BEGIN ");
    let keys = begins.filter(|(at, _)| !text[at + 11..].starts_with(b"EC PARAMETERS-----")).count();
    if keys > 1 {
        return Err(KeyError::Several);
    }
    match PrivateKeyDer::from_pem_slice(text) {
        // How OpenSSL marks a key that is encrypted in its own old way.
        _ if says("DEK-Info:") || says("BEGIN ENCRYPTED PRIVATE KEY") => Err(KeyError::Encrypted),
        Ok(PrivateKeyDer::Pkcs8(der)) => pkcs8(der.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(der)) => pkcs1(der.secret_pkcs1_der()),
        Ok(PrivateKeyDer::Sec1(der)) => p256(der.secret_sec1_der()),
        _ if says("PUBLIC KEY-----") || says("BEGIN CERTIFICATE") => Err(KeyError::Public),
        _ => Err(KeyError::Pem),
    }
}

/// The key of a PKCS #8 structure (RFC 5208, RFC 5958).
pub(super) fn pkcs8(der: &[u8]) -> Result<Jwk, KeyError> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Pem)?;
    match info.algorithm.oid {
        ED25519 => ed25519(der),
        EC => p256(der),
        RSA => pkcs1(info.private_key.as_bytes()),
        _ => Err(KeyError::Unknown),
    }
}

/// The PKCS #1 structure within a PKCS #8 one.
pub(super) fn pkcs1_of(der: &[u8]) -> Result<&[u8], KeyError> {
    PrivateKeyInfoRef::try_from(der).map(|info| info.private_key.as_bytes()).map_err(|_| KeyError::Pem)
}

/// The text of a private key in the form in which it is signed with; `None` for a secret.
pub(super) fn text(algorithm: Algorithm, der: &[u8]) -> Option<Zeroizing<String>> {
    let label = match algorithm {
        Algorithm::EdDsa | Algorithm::Es256 => "PRIVATE KEY",
        Algorithm::Rs256 => "RSA PRIVATE KEY",
        Algorithm::Hs256 => return None,
    };
    pem::encode_string(label, LineEnding::LF, der).map(Zeroizing::new).ok()
}

fn ed25519(der: &[u8]) -> Result<Jwk, KeyError> {
    let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Pem)?;
    let seed = pair.seed().map_err(|_| KeyError::Pem)?;
    let seed = seed.as_be_bytes().map_err(|_| KeyError::Pem)?;
    Ok(Jwk {
        kty: Some("OKP".into()),
        crv: Some("Ed25519".into()),
        x: Some(encoded(pair.public_key())),
        d: Some(encoded(seed.as_ref()).into()),
        ..Jwk::default()
    })
}

fn p256(der: &[u8]) -> Result<Jwk, KeyError> {
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
    let pair = pair.map_err(|_| KeyError::Curve)?;
    let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| KeyError::Pem)?;
    // 4, x and y (SEC 1 §2.3.3).
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    Ok(Jwk {
        kty: Some("EC".into()),
        crv: Some("P-256".into()),
        x: Some(encoded(x)),
        y: Some(encoded(y)),
        d: Some(encoded(private.as_ref()).into()),
        ..Jwk::default()
    })
}

fn pkcs1(der: &[u8]) -> Result<Jwk, KeyError> {
    let key = RsaPrivateKeyRef::try_from(der).map_err(|_| KeyError::Pem)?;
    Ok(Jwk {
        kty: Some("RSA".into()),
        n: Some(encoded(key.modulus.as_bytes())),
        e: Some(encoded(key.public_exponent.as_bytes())),
        d: Some(encoded(key.private_exponent.as_bytes()).into()),
        p: Some(encoded(key.prime1.as_bytes()).into()),
        q: Some(encoded(key.prime2.as_bytes()).into()),
        dp: Some(encoded(key.exponent1.as_bytes()).into()),
        dq: Some(encoded(key.exponent2.as_bytes()).into()),
        qi: Some(encoded(key.coefficient.as_bytes()).into()),
        ..Jwk::default()
    })
}

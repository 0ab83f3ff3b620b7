//! The half of a key that signs.

use super::{
    Algorithm, HmacSecret, KeyError, Material,
    jwk::{self, Jwk, encoded},
    pem,
    verifying_key::{self, VerifyingKey},
};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    hmac,
    rsa::{self, KeyPairComponents, KeySize, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::EncodingKey;
use std::fmt;
use zeroize::Zeroizing;

/// A key that tokens can be signed with: a private key, or a secret.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) encoding: EncodingKey,
    pub(super) verifying: VerifyingKey,
    jwk: Jwk,
}

impl SigningKey {
    /// A key for HS256. Its `kid` is 96 bits of an HMAC under the key itself: the same at every
    /// start, and telling no more about the key than a token does.
    pub fn hs256(secret: &HmacSecret) -> Self {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
        let name = hmac::sign(&hmac, b"countersign: the kid of this key");
        let jwk = Jwk {
            kty: Some("oct".into()),
            k: Some(Zeroizing::new(encoded(secret.bytes()))),
            ..Jwk::default()
        };
        let jwk = jwk.named(encoded(&name.as_ref()[..12]), Algorithm::Hs256);
        let verifying = VerifyingKey::from_jwk(&jwk).expect("a secret that was checked");
        Self { encoding: EncodingKey::from_secret(secret.bytes()), verifying, jwk }
    }

    /// A new key from the operating system's randomness; RSA with 3072 bits.
    ///
    /// # Errors
    /// [`KeyError::Making`] without randomness.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let making = |_| KeyError::Making;
        let jwk = match algorithm {
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(making)?;
                pem::pkcs8(pair.to_pkcs8v1().map_err(making)?.as_ref())
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(making)?;
                pem::pkcs8(pair.to_pkcs8v1().map_err(making)?.as_ref())
            }
            Algorithm::Rs256 => {
                let pair = rsa::KeyPair::generate(KeySize::Rsa3072).map_err(making)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(making)?;
                pem::pkcs8(der.as_ref())
            }
            Algorithm::Hs256 => {
                let mut random = Zeroizing::new([0; 32]);
                getrandom::fill(&mut *random).map_err(|_| KeyError::Making)?;
                // A text, so that it can be given on by the environment.
                let secret = Zeroizing::new(encoded(*random));
                return Ok(Self::hs256(&HmacSecret::parse(secret.as_bytes())?));
            }
        };
        Self::from_jwk(jwk?)
    }

    /// Reads what the environment gives: PEM of a private key, or the bytes of a secret for HS256.
    ///
    /// ```
    /// use countersign::jwt::{Algorithm, KeyError, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::EdDsa)?;
    /// let same = SigningKey::parse(key.to_text().expect("PEM").as_bytes())?;
    /// assert_eq!(key.kid(), same.kid());
    /// assert_eq!(SigningKey::parse(br#"{"keys":[]}"#).unwrap_err(), KeyError::Json);
    /// # Ok::<(), KeyError>(())
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        if text.windows(11).any(|window| window == b"-----BEGIN ") {
            return Self::from_jwk(pem::private_key(text)?);
        }
        // A JWK is longer than a secret has to be and would be taken for one.
        if text.trim_ascii_start().starts_with(b"{") {
            return Err(KeyError::Json);
        }
        Ok(Self::hs256(&HmacSecret::parse(text)?))
    }

    /// Reads a private JWK, whose halves have to belong together. Its name is its thumbprint
    /// (RFC 7638), whatever it was called before.
    pub(super) fn from_jwk(jwk: Jwk) -> Result<Self, KeyError> {
        let algorithm = jwk.algorithm()?;
        jwk.agrees(algorithm, "sign")?;
        let private = |member: &Option<Zeroizing<String>>, name| {
            jwk::bytes(member.as_deref().map(|text| text.as_str()), name)
        };
        let encoding = match algorithm {
            Algorithm::Hs256 => {
                let secret = private(&jwk.k, "k")?;
                return Ok(Self::hs256(&HmacSecret::parse(&secret)?));
            }
            _ if jwk.d.is_none() => return Err(KeyError::Public),
            Algorithm::EdDsa => {
                let (x, d) = (verifying_key::ed25519(&jwk)?, private(&jwk.d, "d")?);
                if d.len() != 32 {
                    return Err(KeyError::Length("d"));
                }
                let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &x);
                let pair = pair.map_err(|_| KeyError::Inconsistent)?;
                EncodingKey::from_ed_der(pair.to_pkcs8v1().map_err(|_| KeyError::Making)?.as_ref())
            }
            Algorithm::Es256 => {
                let (point, d) = (verifying_key::p256(&jwk)?, private(&jwk.d, "d")?);
                if d.len() != 32 {
                    return Err(KeyError::Length("d"));
                }
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &point);
                let pair = pair.map_err(|_| KeyError::Inconsistent)?;
                EncodingKey::from_ec_der(pair.to_pkcs8v1().map_err(|_| KeyError::Making)?.as_ref())
            }
            Algorithm::Rs256 => {
                let (n, e) = verifying_key::rsa(&jwk)?;
                if jwk.oth.is_some() {
                    return Err(KeyError::Member("oth"));
                }
                let components = KeyPairComponents {
                    public_key: PublicKeyComponents { n: &*n, e: &*e },
                    d: private(&jwk.d, "d")?,
                    p: private(&jwk.p, "p")?,
                    q: private(&jwk.q, "q")?,
                    dP: private(&jwk.dp, "dp")?,
                    dQ: private(&jwk.dq, "dq")?,
                    qInv: private(&jwk.qi, "qi")?,
                };
                let pair = rsa::KeyPair::from_components(&components).map_err(|_| KeyError::Inconsistent)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Making)?;
                EncodingKey::from_rsa_der(pem::pkcs1_of(der.as_ref())?)
            }
        };
        let kid = jwk.thumbprint().ok_or(KeyError::Unknown)?;
        let jwk = jwk.named(kid, algorithm);
        Ok(Self { encoding, verifying: VerifyingKey::from_jwk(&jwk)?, jwk })
    }

    /// The key's name, which stands in the header of every token that it signs: for a key with
    /// a public half its thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        self.jwk.kid.as_deref().unwrap_or_default()
    }

    /// The one algorithm that it signs by.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm
    }

    /// The text that [`parse`](Self::parse) reads: PEM (PKCS #8, or PKCS #1 for RSA), or the
    /// secret, if it is text.
    pub fn to_text(&self) -> Option<Zeroizing<String>> {
        match self.algorithm() {
            Algorithm::Hs256 => String::from_utf8(self.secret().to_vec()).map(Zeroizing::new).ok(),
            algorithm => pem::text(algorithm, self.encoding.as_bytes()),
        }
    }

    /// The signature over these bytes, in base64url.
    pub(crate) fn signature(&self, message: &[u8]) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::crypto::sign(message, &self.encoding, self.algorithm().backend())
    }

    /// Whether this is a token that the key signed, by its own algorithm; what it says is not looked at.
    #[cfg(any(feature = "testing", feature = "program"))]
    pub(crate) fn signed(&self, token: &[u8]) -> bool {
        super::jws::verify_with(token, |_| Some(&self.verifying)).is_ok()
    }

    /// What is secret about it, to derive other keys from.
    pub(crate) fn secret(&self) -> jwk::Bytes {
        let member = if self.algorithm().is_asymmetric() { &self.jwk.d } else { &self.jwk.k };
        let member = member.as_deref();
        jwk::bytes(member.map(|text| text.as_str()), "d").unwrap_or_default()
    }

    /// What it is made of.
    pub(crate) fn material(&self) -> Material {
        Material::of(&self.jwk)
    }

    pub(super) fn jwk(&self) -> &Jwk {
        &self.jwk
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

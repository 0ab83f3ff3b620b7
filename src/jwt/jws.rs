//! The one place where a signature is checked: compact JWS (RFC 7515) against a [`KeySet`].

use super::{
    Algorithm, JwtError, KeySet, SigningKey,
    json::{self, Members, Typed, typed},
    verifying_key::VerifyingKey,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::de::{IgnoredAny, MapAccess};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A JWS whose signature one of the keys made. What its payload says is not checked here.
#[derive(Debug)]
pub struct VerifiedJws {
    payload: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    nested: bool,
}

impl VerifiedJws {
    /// The bytes that were signed; not necessarily JSON, nor text.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The algorithm of the key that verified it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The header's `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The header's `typ` (RFC 7515 §4.1.9), as it was written.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The media type that the `typ` stands for: in lower case, as its case says nothing, and without
    /// the `application/` that may be left out (RFC 7515 §4.1.9).
    pub(super) fn media_type(&self) -> Option<String> {
        let typ = self.typ()?.to_ascii_lowercase();
        Some(typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ))
    }

    /// Whether the header has a `cty`, which says that the payload is something in itself,
    /// another token for instance (RFC 7519 §5.2).
    pub fn is_nested(&self) -> bool {
        self.nested
    }
}

/// Verifies one compact JWS and returns its payload.
///
/// The key is chosen by `kid`, which may be left out only when there is one key; the algorithm
/// is the key's and the header must agree (RFC 8725 §3.1). Members that bring their own key
/// (`jwk`, `jku`, `x5u`, `x5c`, `x5t`) or change what the bytes mean (`crit`, `b64`, `zip`,
/// `enc`) are refused, members that stand twice too; other unknown members are ignored, as
/// RFC 7515 §4 says. Base64url is strict (RFC 4648 §3.5). No I/O; no more than
/// [`MAX_TOKEN_BYTES`] are looked at.
///
/// ```
/// use countersign::jwt::{JwtError, KeySet, verify_jws};
///
/// let keys = KeySet::from_jwks(
///     r#"{"keys":[{"kty":"oct","kid":"a","alg":"HS256",
///         "k":"cThYdlpyM0x3MFRuQjZ5S2QySHNQZjlHak1jVTVlQTE"}]}"#,
/// )?;
/// assert_eq!(verify_jws(b"not.a.token", &keys).unwrap_err(), JwtError::Malformed);
/// # Ok::<(), countersign::jwt::KeySetError>(())
/// ```
pub fn verify_jws(token: &[u8], keys: &KeySet) -> Result<VerifiedJws, JwtError> {
    verify_with(token, |kid| keys.choose(kid))
}

/// The same with the key that `choose` takes the header's `kid` for.
pub(super) fn verify_with<'k>(
    token: &[u8],
    choose: impl FnOnce(Option<&str>) -> Option<&'k VerifyingKey>,
) -> Result<VerifiedJws, JwtError> {
    let [header, payload, signature] = parts(token)?;
    let message = &token[..header.len() + 1 + payload.len()];

    let header: Header = json::object(&decode(header)?).ok_or(JwtError::Malformed)?;
    if let Some(member) = header.forbidden {
        return Err(JwtError::HeaderMember(member));
    }
    let alg = header.alg.right().ok_or(JwtError::HeaderMember("alg"))?;
    let kid = optional(header.kid, "kid")?;
    let typ = optional(header.typ, "typ")?;
    let payload = decode(payload)?;
    decode(signature)?;

    let key = choose(kid.as_deref()).ok_or(JwtError::UnknownKey)?;
    // RFC 8725 §3.1: each key with exactly one algorithm.
    if alg != key.algorithm.name() {
        return Err(JwtError::Algorithm);
    }
    match jsonwebtoken::crypto::verify(signature, message, &key.decoding, key.algorithm.backend()) {
        Ok(true) => Ok(VerifiedJws { payload, algorithm: key.algorithm, kid, typ, nested: header.nested }),
        Ok(false) | Err(_) => Err(JwtError::Signature),
    }
}

/// What the payload is said to be, before anything is known of the signature.
pub(super) fn unverified_payload(token: &[u8]) -> Result<Vec<u8>, JwtError> {
    let [_, payload, _] = parts(token)?;
    decode(payload)
}

/// The header, the payload and the signature, as they stand in a token of no more than
/// [`MAX_TOKEN_BYTES`].
fn parts(token: &[u8]) -> Result<[&str; 3], JwtError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwtError::TooLong);
    }
    let token = std::str::from_utf8(token).map_err(|_| JwtError::Malformed)?;
    // RFC 7515 §7.1: exactly three parts.
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(JwtError::Malformed),
    }
}

/// Signs `payload` with the key under a header of `alg`, `kid` and `typ`.
pub(super) fn sign(
    payload: &[u8],
    typ: &str,
    key: &SigningKey,
) -> Result<String, jsonwebtoken::errors::Error> {
    let header = serde_json::json!({ "alg": key.algorithm().name(), "kid": key.kid(), "typ": typ });
    let mut token = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.signature(token.as_bytes())?;
    token.push('.');
    token.push_str(&signature);
    Ok(token)
}

fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed)
}

fn optional(member: Typed<String>, name: &'static str) -> Result<Option<String>, JwtError> {
    match member {
        Typed::Absent => Ok(None),
        Typed::Is(text) => Ok(Some(text)),
        Typed::Wrong => Err(JwtError::HeaderMember(name)),
    }
}

#[derive(Default)]
struct Header {
    alg: Typed<String>,
    kid: Typed<String>,
    typ: Typed<String>,
    nested: bool,
    forbidden: Option<&'static str>,
}

impl Members for Header {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        /// RFC 8725 §3.10: no key or address out of a token; RFC 7515 §4.1.11: no extension is
        /// understood here, so none may be critical.
        const FORBIDDEN: [&str; 10] =
            ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"];
        match name {
            "alg" => self.alg = typed(map)?,
            "kid" => self.kid = typed(map)?,
            "typ" => self.typ = typed(map)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
                self.nested |= name == "cty";
                self.forbidden = self.forbidden.or(FORBIDDEN.into_iter().find(|member| *member == name));
            }
        }
        Ok(())
    }
}

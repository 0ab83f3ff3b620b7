//! JSON Web Keys (RFC 7517) as texts: their members, before anything is known of their worth.

use super::{Algorithm, KeyError};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use zeroize::Zeroizing;

/// The members that are known here; private ones are wiped when dropped. Neither `Debug` nor
/// public, since it may hold a secret.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Jwk {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dp: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dq: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qi: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<Zeroizing<String>>,
    /// Primes beyond two (RFC 7518 §6.3.2.7), which nobody should have.
    #[serde(skip_serializing)]
    pub oth: Option<IgnoredAny>,
}

/// What a member says.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// A member's bytes as the text that stands in a key.
pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A short text that is another for every other document: by it one knows a set of keys again.
pub(crate) fn tag(json: &str) -> String {
    encoded(&digest::digest(&digest::SHA256, json.as_bytes()).as_ref()[..12])
}

/// The bytes of a member that has to be there (RFC 7518 §2: base64url, strictly).
pub(super) fn bytes(member: Option<&str>, name: &'static str) -> Result<Bytes, KeyError> {
    let text = member.ok_or(KeyError::Member(name))?;
    BASE64_URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).map_err(|_| KeyError::Member(name))
}

impl Jwk {
    /// Which algorithm a key of this type and curve is for.
    pub fn algorithm(&self) -> Result<Algorithm, KeyError> {
        match (self.kty.as_deref(), self.crv.as_deref()) {
            (Some("oct"), _) => Ok(Algorithm::Hs256),
            (Some("RSA"), _) => Ok(Algorithm::Rs256),
            (Some("EC"), Some("P-256")) => Ok(Algorithm::Es256),
            (Some("OKP"), Some("Ed25519")) => Ok(Algorithm::EdDsa),
            (Some("EC" | "OKP"), _) => Err(KeyError::Member("crv")),
            _ => Err(KeyError::Unknown),
        }
    }

    /// What the key says of itself: that it is for signatures by this algorithm, and, if it
    /// lists what it may be used for (RFC 7517 §4.3), that this is among it.
    pub fn agrees(&self, algorithm: Algorithm, operation: &str) -> Result<(), KeyError> {
        if self.alg.as_deref().is_some_and(|alg| alg != algorithm.name()) {
            return Err(KeyError::Member("alg"));
        }
        // A number of another type of key would be material that is not looked at.
        let is_there = |(_, member): &(&'static str, bool)| *member;
        let foreign = match algorithm {
            Algorithm::Hs256 => [("x", self.x.is_some()), ("n", self.n.is_some()), ("d", self.d.is_some())]
                .into_iter()
                .find(is_there),
            _ => [("k", self.k.is_some())].into_iter().find(is_there),
        };
        if let Some((member, _)) = foreign {
            return Err(KeyError::Member(member));
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(KeyError::Member("use"));
        }
        if self.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|op| op == operation)) {
            return Err(KeyError::Member("key_ops"));
        }
        Ok(())
    }

    /// The same as a key for signatures by this algorithm, under this name.
    pub fn named(self, kid: String, algorithm: Algorithm) -> Self {
        let (kid, alg, usage) = (Some(kid), Some(algorithm.name().into()), Some("sig".into()));
        // `use` and `key_ops` say the same, and are not to stand together (RFC 7517 §4.3).
        Self { kid, alg, usage, key_ops: None, ..self }
    }

    /// The same without its private members, for everybody; `None` for a secret, which is
    /// nothing but private.
    pub fn public(&self) -> Option<Self> {
        let Self { kty, crv, kid, alg, usage, x, y, n, e, .. } = self.clone();
        (kty.as_deref() != Some("oct")).then(|| Self {
            kty,
            crv,
            kid,
            alg,
            usage,
            x,
            y,
            n,
            e,
            ..Self::default()
        })
    }

    /// A member that nobody but its owner may know, if there is one (RFC 7518 §6).
    pub fn private(&self) -> Option<&'static str> {
        let members = [
            ("k", &self.k),
            ("d", &self.d),
            ("p", &self.p),
            ("q", &self.q),
            ("dp", &self.dp),
            ("dq", &self.dq),
            ("qi", &self.qi),
        ];
        let known = members.into_iter().find(|(_, member)| member.is_some()).map(|(name, _)| name);
        known.or(self.oth.map(|_| "oth"))
    }

    /// The SHA-256 thumbprint of the public half (RFC 7638 §3): the same wherever it is computed.
    pub fn thumbprint(&self) -> Option<String> {
        let Self { kty, crv, x, y, n, e, .. } = self.public()?;
        // The members that make the key, in the order of their names; none needs escaping.
        let members = [("crv", crv), ("e", e), ("kty", kty), ("n", n), ("x", x), ("y", y)];
        let members =
            members.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\":\"{}\"", value?)));
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        Some(encoded(digest::digest(&digest::SHA256, text.as_bytes())))
    }
}

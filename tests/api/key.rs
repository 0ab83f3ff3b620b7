//! Keys of every algorithm for the servers under test, made and used apart from their code.

use crate::{
    forge::{Token, b64},
    server::{KEY, Server},
};
use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::sync::LazyLock;

/// A key that a server can have.
pub struct Key {
    /// The `alg` of what it signs.
    pub alg: &'static str,
    /// What `COUNTERSIGN_SIGNING_KEY` says of it.
    pub setting: String,
    pair: Pair,
}

enum Pair {
    Secret(&'static [u8]),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

static EDDSA: LazyLock<Key> = LazyLock::new(|| {
    let pair = Ed25519KeyPair::generate().unwrap();
    let setting = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    Key { alg: "EdDSA", setting, pair: Pair::Ed25519(pair) }
});

static ES256: LazyLock<Key> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let setting = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    Key { alg: "ES256", setting, pair: Pair::P256(pair) }
});

static RS256: LazyLock<Key> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let setting =
        pem("PRIVATE KEY", AsDer::<aws_lc_rs::encoding::Pkcs8V1Der>::as_der(&pair).unwrap().as_ref());
    Key { alg: "RS256", setting, pair: Pair::Rsa(pair) }
});

static HS256: LazyLock<Key> = LazyLock::new(|| secret(KEY));
static OLD: LazyLock<Key> = LazyLock::new(|| secret("Zt4Rw8Yb1Mn6Vc3Xq9Lk2Jh7Gf5Ds0Pa-test"));

fn secret(text: &'static str) -> Key {
    Key { alg: "HS256", setting: text.into(), pair: Pair::Secret(text.as_bytes()) }
}

impl Key {
    /// That of every server that is not told otherwise.
    pub fn hs256() -> &'static Self {
        &HS256
    }

    pub fn eddsa() -> &'static Self {
        &EDDSA
    }

    pub fn es256() -> &'static Self {
        &ES256
    }

    pub fn rs256() -> &'static Self {
        &RS256
    }

    /// The key that this one follows in [`Key::after_a_rotation`]: of another algorithm, so that
    /// each changes over to and from each.
    pub fn previous(&self) -> &'static Self {
        match self.pair {
            Pair::Secret(_) => &RS256,
            Pair::Rsa(_) => &ES256,
            Pair::P256(_) => &EDDSA,
            Pair::Ed25519(_) => &OLD,
        }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self.pair, Pair::Secret(_))
    }

    /// A server with this key and one user, `ada`.
    pub fn start(&self) -> Server {
        let server = Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", &self.setting)]);
        server.user("ada", &[]);
        server
    }

    /// A server that verifies with two keys, a token of the old one and a token of the new.
    pub fn after_a_rotation(&'static self) -> (Server, Token, Token) {
        let previous = self.previous();
        let before = previous.start();
        let old = previous.token(&before);
        let settings = [
            ("COUNTERSIGN_SIGNING_KEY", &*self.setting),
            ("COUNTERSIGN_PREVIOUS_SIGNING_KEY", &*previous.setting),
        ];
        let server = Server::start_in(before.kill(), &settings);
        let new = self.token(&server);
        (server, old, new)
    }

    /// A fresh token of `ada` from a server with this key, to be changed and signed again.
    pub fn token(&'static self, server: &Server) -> Token {
        Token { key: self, ..Token::parse(&server.login("ada")) }
    }

    /// The signature of this key by its own algorithm.
    pub fn sign(&self, message: &str) -> Vec<u8> {
        let message = message.as_bytes();
        match &self.pair {
            Pair::Secret(key) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Pair::Rsa(_) => self.sign_rsa(&signature::RSA_PKCS1_SHA256, message).unwrap(),
        }
    }

    /// The same with other parts of RSA; `None` for keys of other types.
    pub fn sign_rsa(&self, how: &'static dyn RsaEncoding, message: &[u8]) -> Option<Vec<u8>> {
        let Pair::Rsa(pair) = &self.pair else { return None };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(how, &SystemRandom::new(), message, &mut signature).unwrap();
        Some(signature)
    }

    /// A token's first two parts as they stand, signed.
    pub fn signed(&self, message: String) -> String {
        let signature = b64(self.sign(&message));
        format!("{message}.{signature}")
    }

    /// Any header and payload bytes, signed.
    pub fn jws(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.signed(format!("{}.{}", b64(header), b64(payload)))
    }

    /// The public half in every form in which somebody might have it.
    pub fn public_forms(&self, kid: &str) -> Vec<(String, Vec<u8>)> {
        let (spki, jwk, ssh, raw): (_, _, _, Vec<(&str, Vec<u8>)>) = match &self.pair {
            Pair::Secret(_) => return vec![],
            Pair::Ed25519(pair) => {
                let x = pair.public_key().as_ref();
                let ssh = ssh("ssh-ed25519", &[x]);
                (
                    spki(pair.public_key()),
                    format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, b64(x)),
                    ssh,
                    vec![("x", x.into())],
                )
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                let compressed = [&[2 + (y[31] & 1)], x].concat();
                let ssh = ssh("ecdsa-sha2-nistp256", &[b"nistp256", point]);
                let jwk = format!(r#""crv":"P-256","kty":"EC","x":"{}","y":"{}""#, b64(x), b64(y));
                let raw = vec![
                    ("the point", point.into()),
                    ("the point compressed", compressed),
                    ("x and y", point[1..].into()),
                    ("x", x.into()),
                    ("y", y.into()),
                ];
                (spki(pair.public_key()), jwk, ssh, raw)
            }
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                let ssh = ssh("ssh-rsa", &[e, &[&[0], n].concat()]);
                let jwk = format!(r#""e":"{}","kty":"RSA","n":"{}""#, b64(e), b64(n));
                let hex: String = n.iter().map(|byte| format!("{byte:02x}")).collect();
                let pkcs1 = public.as_ref();
                let mut raw =
                    vec![("n", n.to_vec()), ("n in hexadecimal", hex.into()), ("PKCS #1", pkcs1.into())];
                raw.extend(texts("RSA PUBLIC KEY", pkcs1));
                (spki(public), jwk, ssh, raw)
            }
        };
        let mut forms = raw;
        forms.push(("DER", spki.clone()));
        forms.extend(texts("PUBLIC KEY", &spki));
        forms.extend([
            ("a JWK", format!("{{{jwk}}}").into()),
            ("a JWK with a line behind it", format!("{{{jwk}}}\n").into()),
            (
                "a JWK as it is published",
                format!(r#"{{"alg":"{}",{jwk},"kid":"{kid}","use":"sig"}}"#, self.alg).into(),
            ),
            ("a JWK Set", format!(r#"{{"keys":[{{{jwk}}}]}}"#).into()),
            ("OpenSSH", ssh.clone().into()),
            ("OpenSSH with a name", format!("{ssh} ada@example\n").into()),
        ]);
        let bases = forms.clone().into_iter().flat_map(|(what, bytes)| {
            [
                (format!("{what} in base64url"), b64(&bytes).into()),
                (format!("{what} in base64"), BASE64_STANDARD.encode(&bytes).into()),
            ]
        });
        forms.iter().map(|(what, bytes)| (what.to_string(), bytes.clone())).chain(bases).collect()
    }
}

fn spki<'a>(key: &impl AsDer<aws_lc_rs::encoding::PublicKeyX509Der<'a>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn texts(label: &str, der: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    let text = pem(label, der);
    [
        ("PEM with CRLF", text.replace('\n', "\r\n").into()),
        ("PEM on one line", text.replace('\n', "").into()),
        ("PEM without its last newline", text.trim_end().into()),
        ("PEM", text.into()),
    ]
}

/// RFC 4253 §6.6: each part behind its length.
fn ssh(name: &str, parts: &[&[u8]]) -> String {
    let parts = std::iter::once(name.as_bytes()).chain(parts.iter().copied());
    let wire: Vec<u8> = parts
        .flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat())
        .collect();
    format!("{name} {}", BASE64_STANDARD.encode(wire))
}

/// Makes a test of each function for a server with a key of each algorithm.
macro_rules! with_every_key {
    ($($test:ident),* $(,)?) => {
        crate::key::with_every_key!(@ hs256 $($test)*);
        crate::key::with_every_key!(@ eddsa $($test)*);
        crate::key::with_every_key!(@ es256 $($test)*);
        crate::key::with_every_key!(@ rs256 $($test)*);
    };
    (@ $key:ident $($test:ident)*) => {
        mod $key {
            $(#[test] fn $test() { super::$test(crate::key::Key::$key()); })*
        }
    };
}
pub(crate) use with_every_key;

//! Makes access tokens about the border of what is accepted, for `differential.py` to compare other
//! people's verdicts with ours.
//!
//! ```text
//! tokens [COUNT [SEED]]
//! ```
//!
//! The first line is a JSON object with the keys and rules, each other one a token with our verdict.
//! The same seed makes the same tokens but for the keys, which are new each time.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, prelude::*};
use countersign::{
    clock::UnixTime,
    jwt::{AccessTokens, KeyRing, Rules, SigningKey},
};
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Value, json};
use std::{
    io::{BufWriter, Write},
    time::Duration,
};

const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 5;
const LIFETIME: u64 = 900;
const ISSUER: &str = "https://login.example.org";
const AUDIENCE: &str = "https://api.example.org";
const SECRET: &[u8] = b"q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1";

enum Pair {
    Secret,
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

struct Key {
    algorithm: &'static str,
    pair: Pair,
    kid: String,
    jwk: Value,
    verifier: AccessTokens,
}

impl Key {
    fn new(algorithm: &'static str, pair: Pair) -> Self {
        let text = match &pair {
            Pair::Secret => String::from_utf8(SECRET.to_vec()).expect("text"),
            Pair::Ed25519(pair) => pem(pair.to_pkcs8v1().expect("DER").as_ref()),
            Pair::P256(pair) => pem(pair.to_pkcs8v1().expect("DER").as_ref()),
            Pair::Rsa(pair) => pem(AsDer::<Pkcs8V1Der>::as_der(pair).expect("DER").as_ref()),
        };
        let key = SigningKey::parse(text.as_bytes()).expect("a good key");
        let kid = key.kid().to_owned();
        let rules = Rules {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            leeway: Duration::from_secs(LEEWAY),
            max_lifetime: Duration::from_secs(LIFETIME),
        };
        let ring = KeyRing::new(key, UnixTime(0));
        let published: Value = serde_json::from_str(&ring.jwks(UnixTime(NOW))).expect("JSON");
        let jwk = match &pair {
            Pair::Secret => json!({ "kty": "oct", "alg": "HS256", "kid": kid, "k": b64(SECRET) }),
            _ => published["keys"][0].clone(),
        };
        Self { algorithm, pair, kid, jwk, verifier: AccessTokens::new(ring, rules) }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Secret => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message).as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signed");
                signature
            }
        }
    }
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What decides.
struct Dice(TestRng);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end as u64) as usize
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A JSON object as it is written: names and values are JSON text.
struct Object(Vec<(String, String)>);

impl Object {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        let (name, value) = (Value::from(name).to_string(), value.into());
        match self.0.iter_mut().find(|(have, _)| *have == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let name = Value::from(name).to_string();
        self.0.iter().find(|(have, _)| *have == name).map(|(_, value)| value.clone())
    }

    fn remove(&mut self, name: &str) {
        let name = Value::from(name).to_string();
        self.0.retain(|(have, _)| *have != name);
    }

    fn write(&self, dice: &mut Dice, airy: bool) -> String {
        let mut space = || if airy { dice.pick(&["", " ", "\n", "\t \r\n"]) } else { "" };
        let members = self
            .0
            .iter()
            .map(|(name, value)| format!("{}{name}{}:{}{value}{}", space(), space(), space(), space()));
        let members = members.collect::<Vec<_>>().join(",");
        format!("{}{{{members}}}{}", space(), space())
    }

    /// Says the same in other words: another order, escapes for letters.
    fn reword(&mut self, dice: &mut Dice) {
        for at in 1..self.0.len() {
            self.0.swap(at, dice.below(at + 1));
        }
        let at = dice.below(self.0.len());
        let (name, value) = &mut self.0[at];
        let text = if dice.once_in(2) || !value.starts_with('"') { name } else { value };
        let letters: Vec<_> =
            text.match_indices(|c: char| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
        if let Some(letter) =
            (!letters.is_empty()).then(|| dice.pick(&letters)).filter(|_| !text.contains('\\'))
        {
            let escape = format!("\\u{:04x}", u32::from(text.as_bytes()[letter]));
            text.replace_range(letter..=letter, &escape);
        }
    }
}

fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// A member that nobody knows, of whatever value.
fn extra(dice: &mut Dice, object: &mut Object) {
    let name = dice.pick(&[
        "x",
        "Exp",
        "EXP ",
        "email",
        "äöü",
        "\u{1F511}",
        "__proto__",
        "constructor",
        "nonce",
        "",
    ]);
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let values = [
        "null",
        "true",
        "-0",
        "0.1",
        "1e400",
        "-1E-400",
        "123456789012345678901234567890",
        "[]",
        "{}",
        &deep,
        "\"\\u0000\"",
        "\"\\ud83d\\udd11\"",
        "\"\u{1F511}\u{2028}\"",
        "{\"exp\":1}",
        "[1,[2,{\"a\":null}]]",
    ];
    object.set(name, dice.pick(&values));
}

const TEXTS: [&str; 7] = ["iss", "sub", "client_id", "sid", "jti", "scope", "aud"];
const NUMBERS: [&str; 5] = ["iat", "exp", "nbf", "rev", "crev"];

/// A change that a verifier may well allow.
fn mild(dice: &mut Dice, key: &Key, header: &mut Object, claims: &mut Object) -> &'static str {
    match dice.below(12) {
        0 => {
            let typ = dice.pick(&["AT+JWT", "at+JWT", "application/at+jwt", "Application/AT+jwt"]);
            header.set("typ", text(typ));
            "typ"
        }
        1 | 2 => {
            extra(dice, header);
            "an extra header member"
        }
        3 => {
            extra(dice, claims);
            "an extra claim"
        }
        4 => {
            let mut all = vec![text("https://other.example.org"), text("account"), text(&key.kid)];
            all.insert(dice.below(4), text(AUDIENCE));
            claims.set("aud", format!("[{}]", all[..].join(", ")));
            "several audiences"
        }
        5 => {
            claims.set("aud", format!("[{}]", text(AUDIENCE)));
            "an array of one audience"
        }
        6 | 7 => {
            let nbf = NOW + LEEWAY + 1 - dice.below(4) as u64;
            claims.set(dice.pick(&["nbf", "iat"]), nbf.to_string());
            "about to be valid"
        }
        8 => {
            let exp = NOW - LEEWAY - 1 + dice.below(4) as u64;
            claims.set("exp", exp.to_string());
            claims.set("iat", (exp - dice.pick(&[1, 60, LIFETIME - 1, LIFETIME])).to_string());
            "about to expire"
        }
        9 => {
            header.reword(dice);
            "other words in the header"
        }
        10 => {
            claims.reword(dice);
            "other words in the claims"
        }
        _ => {
            let other = [
                ("scope", "\"a b\""),
                ("scope", "7"),
                ("roles", "null"),
                ("roles", "[\"a\",1]"),
                ("crev", "3"),
            ];
            let (name, value) = dice.pick(&other);
            claims.set(name, value);
            "what may be of any kind"
        }
    }
}

/// A change that a verifier had better mind.
fn harsh(dice: &mut Dice, header: &mut Object, claims: &mut Object) -> &'static str {
    let odd = ["null", "true", "[]", "{}", "\"\"", "\"a\\u0000b\"", "\"\\ud800\"", "\" \"", "-1", "0", "1.5"];
    match dice.below(13) {
        0 => {
            let alg = dice.pick(&[
                "none", "None", "HS256", "HS384", "HS512", "hs256", "ES256", "EdDSA", "RS256", "PS256", "",
            ]);
            header.set("alg", text(alg));
            "alg"
        }
        1 => {
            header.set(dice.pick(&["alg", "kid", "typ"]), dice.pick(&odd));
            "a header member of another kind"
        }
        2 => {
            let typ = [
                "JWT",
                "jwt",
                "at+jwt ",
                "at+jwt;a=b",
                "application/application/at+jwt",
                "text/at+jwt",
                "at jwt",
                "AT+JWT\u{0}",
            ];
            header.set("typ", text(dice.pick(&typ)));
            "another typ"
        }
        3 => {
            header.remove(dice.pick(&["alg", "kid", "typ"]));
            "a header member left out"
        }
        4 => {
            let member = [
                ("crit", "[]"),
                ("crit", "[\"exp\"]"),
                ("b64", "true"),
                ("b64", "false"),
                ("zip", "\"DEF\""),
                ("enc", "\"A128GCM\""),
                ("jwk", "{}"),
                ("jku", "\"https://evil.example.org\""),
                ("x5c", "[]"),
                ("x5u", "\"\""),
                ("x5t", "\"\""),
                ("cty", "\"JWT\""),
                ("kid", "\"../../dev/null\""),
                ("kid", "\"other\""),
            ];
            let (name, value) = dice.pick(&member);
            header.set(name, value);
            "a header member that means something"
        }
        5 => {
            let (name, value) = (dice.pick(&TEXTS), dice.pick(&odd));
            claims.set(name, value);
            "a text of another kind"
        }
        6 | 7 => {
            let name = dice.pick(&NUMBERS);
            let number = claims.value(name).unwrap_or_else(|| NOW.to_string());
            let spelt = [
                format!("{number}.0"),
                format!("{number}e0"),
                format!("{number}.9"),
                format!("-{number}"),
                format!("\"{number}\""),
                format!("0{number}"),
                format!("+{number}"),
                format!("[{number}]"),
                format!("{number}00000000000"),
                "1.8e9".into(),
                "1e400".into(),
                "NaN".into(),
                "-0".into(),
                "9223372036854775808".into(),
                "18446744073709551616".into(),
            ];
            claims.set(name, spelt[dice.below(spelt.len())].clone());
            "a number spelt otherwise"
        }
        8 => {
            claims.set(dice.pick(&NUMBERS), dice.pick(&odd));
            "a number of another kind"
        }
        9 => {
            claims.remove(dice.pick(&["iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp", "rev"]));
            "a claim left out"
        }
        10 => {
            let other = [
                text("https://login.example.org/"),
                text("https://LOGIN.example.org"),
                text("https://login.example.or"),
                text(AUDIENCE),
                format!("[{}]", text(ISSUER)),
            ];
            claims.set("iss", other[dice.below(other.len())].clone());
            "another issuer"
        }
        11 => {
            let other = [
                text("https://api.example.org/"),
                text("https://api.example.or"),
                text(ISSUER),
                "[]".into(),
                format!("[{}, 1]", text(AUDIENCE)),
                format!("[[{}]]", text(AUDIENCE)),
                format!("{{{}:1}}", text(AUDIENCE)),
                "[\"https://other.example.org\"]".into(),
                "[null]".into(),
            ];
            claims.set("aud", other[dice.below(other.len())].clone());
            "another audience"
        }
        _ => {
            let exp = NOW + dice.pick(&[LIFETIME, LIFETIME + 1, 1 << 33, 0]);
            claims.set("exp", exp.to_string());
            claims.set("iat", (NOW + dice.pick(&[0, 1, LIFETIME])).to_string());
            "a life too long or too short"
        }
    }
}

/// The text of an object spoiled as a whole.
fn spoil(dice: &mut Dice, json: String) -> Vec<u8> {
    let twice = |name: &str| json.replacen('{', &format!("{{{name}:\"x\","), 1);
    match dice.below(11) {
        0 => twice("\"sub\"").into(),
        1 => twice("\"\\u0061lg\"").into(),
        2 => twice("\"exp\"").into(),
        3 => format!("\u{feff}{json}").into(),
        4 => format!("{json}{}", dice.pick(&["x", "{}", ",", "\0", "\u{a0}"])).into(),
        5 => format!("[{json}]").into(),
        6 => json
            .replacen('{', dice.pick(&["{,", "{/**/", "{'a':1,", "{a:1,", "{\"a\":01,", "{\"a\":\"\n\","]), 1)
            .into(),
        7 => [&json.as_bytes()[..1], b"\"a\":\"\xff\",", &json.as_bytes()[1..]].concat(),
        8 => json.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        9 => json[..json.len() - 1].into(),
        _ => format!("{{\"deep\":{}1{},{}", "[".repeat(200), "]".repeat(200), &json[1..]).into(),
    }
}

/// The finished token in another spelling, or damaged.
fn damage(dice: &mut Dice, key: &Key, token: &str, signature: &[u8]) -> String {
    let message = &token[..token.rfind('.').expect("a dot")];
    let signed = |signature: &[u8]| format!("{message}.{}", b64(signature));
    let at = dice.below(signature.len());
    match dice.below(14) {
        0 => {
            let mut flipped = signature.to_vec();
            flipped[at] ^= 1 << dice.below(8);
            signed(&flipped)
        }
        1 => signed(&signature[..at]),
        2 => signed(&[signature, &[0]].concat()),
        3 => format!("{message}."),
        4 => message.into(),
        5 => format!("{token}."),
        6 => format!("{token}{}", dice.pick(&["=", "==", "\n", " ", "A", "%3D"])),
        7 => token.replacen('.', dice.pick(&["=.", "..", " .", "A."]), 1),
        8 => token.replace('-', "+").replace('_', "/"),
        // The bits that say nothing.
        9 => {
            const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let last = token.as_bytes()[token.len() - 1];
            let place = ALPHABET.iter().position(|letter| *letter == last).expect("a letter");
            format!("{}{}", &token[..token.len() - 1], ALPHABET[place ^ 1] as char)
        }
        10 => signed(&vec![0; signature.len()]),
        11 => {
            let mut letters = token.as_bytes().to_vec();
            let at = dice.below(letters.len());
            letters[at] = dice.pick(b"AZaz09-_.=+/ ");
            String::from_utf8(letters).expect("ASCII")
        }
        12 => signed(&key.sign(&message.as_bytes()[1..])),
        _ => format!(" {token}"),
    }
}

fn make(dice: &mut Dice, key: &Key) -> (String, Vec<&'static str>) {
    let (mut header, mut claims) = (Object(vec![]), Object(vec![]));
    header.set("alg", text(key.algorithm));
    header.set("kid", text(&key.kid));
    header.set("typ", text("at+jwt"));
    let issued = NOW - dice.below(600) as u64;
    for (name, value) in [
        ("iss", ISSUER),
        ("aud", AUDIENCE),
        ("sub", "1fd2c1de-9d5e-4b0c-8a53-f04f2a6a2c1e"),
        ("client_id", "web"),
        ("sid", "c0ffee00-9d5e-4b0c-8a53-f04f2a6a2c1e"),
        ("jti", "AAECAwQFBgcICQoLDA0ODw"),
        ("scope", "items"),
    ] {
        claims.set(name, text(value));
    }
    claims.set("iat", issued.to_string());
    claims.set("exp", (issued + LIFETIME).to_string());
    claims.set("rev", "7");
    claims.set("roles", "[\"admin\"]");

    let mut changes = vec![];
    for _ in 0..dice.below(4) {
        changes.push(mild(dice, key, &mut header, &mut claims));
    }
    if dice.once_in(3) {
        changes.push(harsh(dice, &mut header, &mut claims));
    }
    let airy = dice.once_in(4);
    let mut parts = [header.write(dice, airy).into_bytes(), claims.write(dice, airy).into_bytes()];
    if dice.once_in(10) {
        changes.push("spoiled JSON");
        let part = &mut parts[dice.below(2)];
        *part = spoil(dice, String::from_utf8(part.clone()).expect("text"));
    }
    let message = format!("{}.{}", b64(&parts[0]), b64(&parts[1]));
    let signature = key.sign(message.as_bytes());
    let token = format!("{message}.{}", b64(&signature));
    if dice.once_in(6) {
        changes.push("a damaged token");
        return (damage(dice, key, &token, &signature), changes);
    }
    (token, changes)
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let (count, seed) = (arguments.next().unwrap_or(10_000), arguments.next().unwrap_or(7));
    let mut dice = Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &{
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes
    }));
    let keys = [
        Key::new("HS256", Pair::Secret),
        Key::new("EdDSA", Pair::Ed25519(Ed25519KeyPair::generate().expect("a key"))),
        Key::new(
            "ES256",
            Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")),
        ),
        Key::new("RS256", Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))),
    ];
    let mut out = BufWriter::new(std::io::stdout().lock());
    let jwks: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
    let rules = json!({
        "seed": seed, "count": count, "now": NOW, "leeway": LEEWAY, "lifetime": LIFETIME,
        "issuer": ISSUER, "audience": AUDIENCE, "keys": jwks,
    });
    writeln!(out, "{rules}")?;
    for _ in 0..count {
        // RSA is slow to sign, and not what is of interest.
        let key = &keys[dice.pick(&[0, 0, 0, 0, 1, 1, 1, 2, 2, 3])];
        let (token, changes) = make(&mut dice, key);
        let mut line = json!({ "token": token, "alg": key.algorithm, "changes": changes });
        match key.verifier.verify(token.as_bytes(), UnixTime(NOW)) {
            Ok(claims) => {
                line["claims"] = json!({
                    "sub": claims.subject(), "client_id": claims.client_id(), "jti": claims.token_id(),
                    "iat": claims.issued_at(), "exp": claims.expires_at(), "rev": claims.revision(),
                });
            }
            Err(error) => line["refused"] = error.to_string().into(),
        }
        writeln!(out, "{line}")?;
    }
    out.flush()
}

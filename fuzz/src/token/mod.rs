//! Access tokens made from a structure: a good one, and up to four changes.

mod good;
mod json;
mod keys;
mod spelling;

pub use good::Good;
pub use keys::{Keys, keys};

use crate::NOW;
use arbitrary::{Result, Unstructured};
use countersign::clock::UnixTime;
use json::{Json, Members, Style};
use keys::Signer;
use spelling::Spelling;

/// A token that is still a structure, and the time at which it is shown.
#[derive(Debug)]
pub struct Case {
    header: Members,
    claims: Members,
    signer: Signer,
    style: Style,
    spelling: Spelling,
    pub now: UnixTime,
}

const HEADER: [&str; 3] = ["alg", "kid", "typ"];
const CLAIMS: [&str; 14] = [
    "iss",
    "aud",
    "sub",
    "client_id",
    "sid",
    "jti",
    "iat",
    "exp",
    "rev",
    "roles",
    "scope",
    "nbf",
    "crev",
    "azp",
];
const EXTRA: [&str; 16] = [
    "crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "cty", "x", "Alg", "kid ",
    "iss", "svt",
];
const TYPES: [&str; 10] = [
    "at+jwt",
    "AT+JWT",
    "application/at+jwt",
    "APPLICATION/At+Jwt",
    "JWT",
    "at+jwt ",
    "application/jwt",
    "application/application/at+jwt",
    "text/at+jwt",
    "",
];
const ALGORITHMS: [&str; 9] = ["HS256", "EdDSA", "none", "hs256", "HS512", "ES256", "RS256", "Ed25519", ""];
const OTHERS: [&str; 13] = [
    "null",
    "true",
    "false",
    "-1",
    "-0",
    "1.5",
    "1800000100.0",
    "18e8",
    "18446744073709551616",
    "{}",
    "{\"a\":[1]}",
    "-9223372036854775809",
    "{\"api\":\"api\"}",
];

impl Case {
    /// The structure that these bytes stand for. None at all stand for a good token.
    pub fn make(data: &[u8]) -> Self {
        let mut bytes = Unstructured::new(data);
        let mut case = Self::good(signer(&mut bytes, data).unwrap_or(Signer::Current));
        for _ in 0..4 {
            if bytes.is_empty() || case.change(&mut bytes).is_err() {
                break;
            }
        }
        case
    }

    fn good(signer: Signer) -> Self {
        let (alg, kid) = keys().claimed(signer);
        let header = [("alg", alg), ("kid", kid), ("typ", "at+jwt")];
        let claims = [
            ("iss", Json::text("countersign")),
            ("aud", Json::text("api")),
            ("sub", Json::text("e58ed763-928c-4155-bee9-fdbaaadc15f3")),
            ("client_id", Json::text("first-party")),
            ("sid", Json::text("AAECAwQFBgcICQoLDA0ODw")),
            ("jti", Json::text("EBESExQVFhcYGRobHB0eHw")),
            ("iat", Json::Integer(NOW.0 - 100)),
            ("exp", Json::Integer(NOW.0 + 800)),
            ("rev", Json::Integer(3)),
            ("roles", Json::List(vec![Json::text("user"), Json::text("admin")])),
            ("scope", Json::text("items users")),
        ];
        Self {
            header: header.map(|(name, value)| (name.to_owned(), Json::text(value))).into(),
            claims: claims.map(|(name, value)| (name.to_owned(), value)).into(),
            signer,
            style: Style::default(),
            spelling: Spelling::default(),
            now: NOW,
        }
    }

    /// One change, for better or worse.
    fn change(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        match bytes.arbitrary::<u8>()? % 16 {
            0..=2 => {
                let name = *bytes.choose(&CLAIMS)?;
                let value = value(bytes, name)?;
                set(&mut self.claims, name, value);
            }
            3 => {
                let name = *bytes.choose(&["iat", "nbf", "exp"])?;
                let time = time(bytes, self.now.0)?;
                set(&mut self.claims, name, Json::Integer(time));
            }
            4 => self.now = UnixTime(time(bytes, NOW.0)?),
            5 => drop(self.claims.remove(bytes.choose_index(self.claims.len())?)),
            6 => self.add(bytes, false)?,
            7 => {
                let name = *bytes.choose(&HEADER)?;
                let value = value(bytes, name)?;
                set(&mut self.header, name, value);
            }
            8 => drop(self.header.remove(bytes.choose_index(self.header.len())?)),
            9 => self.add(bytes, true)?,
            10 => self.style = Style { spaced: bytes.arbitrary()?, escaped: bytes.arbitrary()? },
            11 => {
                let count = self.claims.len();
                self.claims.swap(0, bytes.choose_index(count)?);
            }
            12 => {
                // A service, in its own name.
                set(&mut self.claims, "sub", Json::text("reports-worker"));
                set(&mut self.claims, "client_id", Json::text("reports-worker"));
                self.claims.retain(|(name, _)| name != "sid");
            }
            _ => self.spelling = Spelling::arbitrary(bytes)?,
        }
        Ok(())
    }

    /// Adds a member, perhaps one that is there already.
    fn add(&mut self, bytes: &mut Unstructured<'_>, to_header: bool) -> Result<()> {
        let (members, known) =
            if to_header { (&mut self.header, &HEADER[..]) } else { (&mut self.claims, &CLAIMS[..]) };
        let name = match bytes.arbitrary::<u8>()? % 4 {
            0 => bytes.choose(known)?.to_string(),
            1 | 2 => bytes.choose(&EXTRA)?.to_string(),
            _ => short(bytes)?,
        };
        let value = value(bytes, &name)?;
        let at = bytes.choose_index(members.len() + 1)?;
        members.insert(at, (name, value));
        Ok(())
    }

    /// The token's text.
    pub fn token(&self) -> Vec<u8> {
        let [header, claims] = [&self.header, &self.claims].map(|members| json::print(members, self.style));
        self.spelling
            .token(header.into_bytes(), claims.into_bytes(), |message| keys().sign(message, self.signer))
    }

    /// All that there is to say about it.
    pub fn describe(&self) -> String {
        format!("{self:#?}\n{}", String::from_utf8_lossy(&self.token()))
    }
}

/// One in 64 inputs may use what costs thirty times as much as all else.
fn signer(bytes: &mut Unstructured<'_>, data: &[u8]) -> Result<Signer> {
    let hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let is_dear = (hash >> 32).is_multiple_of(64);
    Ok(match bytes.arbitrary::<u8>()? % 16 {
        1 | 2 => Signer::Old,
        3 => Signer::Revoked,
        4 => Signer::Stranger,
        5 => Signer::PublicHalf,
        6 => Signer::Nobody,
        7 if is_dear => Signer::StrangerEd25519,
        8..=10 if is_dear => Signer::Ed25519,
        _ => Signer::Current,
    })
}

/// A value for a member, not seldom one that it may have.
fn value(bytes: &mut Unstructured<'_>, name: &str) -> Result<Json> {
    let kind = bytes.arbitrary::<u8>()? % 8;
    Ok(match (kind, name) {
        (0, _) => Json::Other(bytes.choose(&OTHERS)?),
        (1, _) => Json::Integer(bytes.arbitrary()?),
        (2, _) => Json::Text(short(bytes)?),
        (3, _) => {
            let length = usize::from(bytes.arbitrary::<u8>()? % 4);
            let item = |_| item(bytes, name);
            Json::List((0..length).map(item).collect::<Result<_>>()?)
        }
        (_, "alg") => Json::text(*bytes.choose(&ALGORITHMS)?),
        (_, "kid") => Json::text(bytes.choose(keys().kids())?),
        (_, "typ") => Json::text(*bytes.choose(&TYPES)?),
        (4, _) => Json::text(""),
        (5, "iat" | "exp" | "nbf") => Json::Integer(time(bytes, NOW.0)?),
        (_, "rev" | "crev") => Json::Integer(u64::MAX),
        _ => item(bytes, name)?,
    })
}

fn item(bytes: &mut Unstructured<'_>, name: &str) -> Result<Json> {
    Ok(match (bytes.arbitrary::<u8>()? % 4, name) {
        (0, _) => Json::Integer(1),
        (1, _) => Json::Text(short(bytes)?),
        (_, "aud") => Json::text("api"),
        (_, "roles") => Json::text("admin"),
        (_, "scope") => Json::text("a b a"),
        (_, "iss") => Json::text("countersign"),
        (_, "sub" | "client_id") => Json::text("reports-worker"),
        _ => Json::text("x"),
    })
}

fn short(bytes: &mut Unstructured<'_>) -> Result<String> {
    let length = usize::from(bytes.arbitrary::<u8>()? % 16).min(bytes.len());
    Ok(String::from_utf8_lossy(bytes.bytes(length)?).into_owned())
}

/// A time: near `now`, near one of the bounds that count, or any.
fn time(bytes: &mut Unstructured<'_>, now: u64) -> Result<u64> {
    const NEAR: [i64; 12] = [-906, -905, -900, -100, -6, -5, -4, 0, 4, 5, 6, 800];
    Ok(match bytes.arbitrary::<u8>()? % 4 {
        0 => now.saturating_add_signed(*bytes.choose(&NEAR)?),
        1 => now.saturating_add_signed(i64::from(bytes.arbitrary::<i16>()?)),
        2 => u64::MAX - u64::from(bytes.arbitrary::<u8>()?),
        _ => bytes.arbitrary()?,
    })
}

fn set(members: &mut Members, name: &str, value: Json) {
    match members.iter_mut().find(|(other, _)| other == name) {
        Some((_, old)) => *old = value,
        None => members.push((name.to_owned(), value)),
    }
}

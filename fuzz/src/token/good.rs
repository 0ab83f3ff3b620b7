//! The oracle: which structures have to be accepted, written from the RFCs and the documentation.
//! Nothing here reads a token's text.

use super::{
    Case,
    json::{Json, Members},
    keys::{OLD_UNTIL, Signer, keys},
};
use countersign::jwt::Claims;

/// What a good token says.
#[derive(Debug, PartialEq, Eq)]
pub struct Good {
    subject: String,
    client: String,
    session: String,
    id: String,
    revision: u64,
    client_revision: u64,
    issued: u64,
    expires: u64,
    roles: Vec<String>,
    scope: Vec<String>,
}

/// RFC 7515 §4.1: members of a header that say what a key is, or what the bytes mean.
const FORBIDDEN: [&str; 11] =
    ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "cty"];

impl Case {
    /// What the token says, if it is to be accepted.
    pub fn claims_if_good(&self) -> Option<Good> {
        if self.spelling.breaks() || !once_each(&self.header) || !once_each(&self.claims) {
            return None;
        }
        self.is_signed_by_its_key().then_some(())?;
        good_claims(&self.claims, self.now.0)
    }

    /// Whether the key that the header means is one of the ring, is good now, and signed it.
    fn is_signed_by_its_key(&self) -> bool {
        if self.header.iter().any(|(name, _)| FORBIDDEN.contains(&&**name)) {
            return false;
        }
        let member = |name| text(&self.header, name).unwrap_or_default();
        // RFC 7515 §4.1.9: its case says nothing, and what stands before the slash can be left out.
        let typ = member("typ").to_ascii_lowercase();
        let [current, old, _, ed25519, _] = keys().kids();
        let kid = member("kid");
        let (key, algorithm) = match kid {
            _ if kid == current => (Signer::Current, "HS256"),
            _ if kid == old && self.now.0 < OLD_UNTIL => (Signer::Old, "HS256"),
            _ if kid == ed25519 => (Signer::Ed25519, "EdDSA"),
            _ => return false,
        };
        ["at+jwt", "application/at+jwt"].contains(&&*typ)
            && self.signer == key
            && !self.spelling.forges()
            && member("alg") == algorithm
    }
}

/// RFC 7519 §4.1 and RFC 9068 §2.2, at this time.
fn good_claims(claims: &Members, now: u64) -> Option<Good> {
    (text(claims, "iss")? == "countersign").then_some(())?;
    // RFC 7519 §4.1.3.
    match find(claims, "aud")? {
        Json::Text(one) => (one == "api").then_some(())?,
        Json::List(several) => {
            let texts: Option<Vec<_>> = several.iter().map(Json::as_text).collect();
            texts?.contains(&"api").then_some(())?;
        }
        _ => return None,
    }
    let subject = label(claims, "sub")?;
    let client = label(claims, "client_id")?;
    let session = match find(claims, "sid") {
        // RFC 6749 §4.4: a client in its own name has no session.
        None if subject == client => String::new(),
        _ => label(claims, "sid")?,
    };
    let optional = |name| match find(claims, name) {
        None => Some(None),
        Some(value) => value.as_integer().map(Some),
    };
    let number = |name| find(claims, name)?.as_integer();
    let (issued, expires, begins) = (number("iat")?, number("exp")?, optional("nbf")?);

    // 5 seconds of leeway and a life of 900 at most; no time is later than the last second there is.
    let later = |time: u64, seconds: u64| (u128::from(time) + u128::from(seconds)).min(u64::MAX.into());
    let lives = expires > issued && u128::from(expires) <= later(issued, 900);
    let has_begun = u128::from(issued.max(begins.unwrap_or_default())) <= later(now, 5);
    (lives && has_begun && u128::from(now) < later(expires, 5)).then_some(())?;
    Some(Good {
        subject,
        client,
        session,
        id: label(claims, "jti")?,
        revision: number("rev")?,
        client_revision: optional("crev")?.unwrap_or_default(),
        issued,
        expires,
        roles: roles(claims),
        scope: scope(claims),
    })
}

impl Good {
    /// Whether what was verified says the same.
    pub fn assert_read_back(&self, claims: &Claims) {
        let read = Self {
            subject: claims.subject().into(),
            client: claims.client_id().into(),
            session: claims.session_id().into(),
            id: claims.token_id().into(),
            revision: claims.revision(),
            client_revision: claims.client_revision(),
            issued: claims.issued_at().0,
            expires: claims.expires_at().0,
            roles: claims.roles().iter().map(|role| role.as_str().into()).collect(),
            scope: claims.scope().iter().map(str::to_owned).collect(),
        };
        assert_eq!(&read, self);
    }
}

/// The roles that could be ours, sorted; none at all if they are not an array of texts.
fn roles(claims: &Members) -> Vec<String> {
    let Some(Json::List(roles)) = find(claims, "roles") else { return vec![] };
    let Some(roles) = roles.iter().map(Json::as_text).collect::<Option<Vec<_>>>() else { return vec![] };
    let fits = |role: &&str| {
        let rest = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "._:-".contains(char);
        role.len() <= 64
            && role.starts_with(|first: char| first.is_ascii_lowercase())
            && role.chars().all(rest)
    };
    sorted(roles.into_iter().filter(fits))
}

/// RFC 6749 §3.3; nothing at all if it is not a scope.
fn scope(claims: &Members) -> Vec<String> {
    let text = text(claims, "scope").unwrap_or_default();
    let fits = |char: char| ('!'..='~').contains(&char) && char != '"' && char != '\\';
    let tokens: Vec<_> = text.split(' ').collect();
    let is_scope = tokens.iter().all(|token| !token.is_empty() && token.chars().all(fits));
    sorted(tokens.into_iter().filter(|_| is_scope))
}

fn sorted<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut texts: Vec<_> = texts.map(str::to_owned).collect();
    texts.sort();
    texts.dedup();
    texts
}

/// A text that is not empty and has no control characters (Unicode's Cc) in it.
fn label(members: &Members, name: &str) -> Option<String> {
    let text = text(members, name)?;
    let control = |char: char| char < '\u{20}' || ('\u{7f}'..'\u{a0}').contains(&char);
    (!text.is_empty() && !text.chars().any(control)).then(|| text.to_owned())
}

fn text<'m>(members: &'m Members, name: &str) -> Option<&'m str> {
    find(members, name)?.as_text()
}

fn find<'m>(members: &'m Members, name: &str) -> Option<&'m Json> {
    members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

fn once_each(members: &Members) -> bool {
    members.iter().enumerate().all(|(at, (name, _))| members[..at].iter().all(|(other, _)| other != name))
}

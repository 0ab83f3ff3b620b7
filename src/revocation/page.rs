//! A page of the revocation list, as it is handed to resource servers.

use crate::{
    clock::UnixTime,
    store::{Revocation, RevocationList, RevokedSubject},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Lines of the list at and behind a position, as `GET /revocations` answers them.
///
/// ```
/// use countersign::revocation::Page;
///
/// let page: Page = serde_json::from_str(
///     r#"{"from":0,"epoch":1700000000000,"read_at":1700000000900,"more":false,"keys":null,"revocations":[
///         {"position":1,"at":1700000000,"written_at":1700000000123,"session":"BwcHBwcHBwcHBwcHBwcHBw"}
///     ]}"#,
/// )?;
/// assert_eq!(page.list.lines.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The position that was asked for. The line there comes again, if it is still there: by it
    /// one knows that the list is still the one that was read before.
    pub from: u64,
    /// The lines, in order, and which memory of the store they are from.
    pub list: RevocationList,
    /// Whether there are more lines behind the last.
    pub more: bool,
    /// A text that changes when the published keys do.
    pub keys: Option<String>,
}

impl Page {
    /// How far it goes: the position of its last line.
    pub fn end(&self) -> u64 {
        self.list.lines.last().map_or(self.from, |line| line.position)
    }

    /// Whether it says no more than that the list goes on from where it was asked for, and ends
    /// there.
    pub fn is_quiet(&self) -> bool {
        match &self.list.lines[..] {
            [] => self.from == 0,
            [line] => line.position == self.from,
            _ => false,
        }
    }
}

impl From<Page> for RevocationList {
    fn from(page: Page) -> Self {
        page.list
    }
}

/// How it is written. Members that are not known are passed over.
#[derive(Serialize, Deserialize)]
struct Wire {
    from: u64,
    epoch: u64,
    read_at: u64,
    more: bool,
    keys: Option<String>,
    revocations: Vec<Line>,
}

/// A line is about one thing: a session, a session and its tokens issued until a second, a user and their
/// tokens of a lesser `rev`, one token, or a client and its tokens of a lesser `crev`.
#[derive(Serialize, Deserialize)]
struct Line {
    position: u64,
    at: UnixTime,
    written_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_until: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
}

impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { from, list, more, keys } = self;
        let wire = Wire {
            from: *from,
            epoch: list.epoch,
            read_at: list.read_at,
            more: *more,
            keys: keys.clone(),
            revocations: list.lines.iter().map(Line::from).collect(),
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { from, epoch, read_at, more, keys, revocations } = Wire::deserialize(deserializer)?;
        let lines = revocations.into_iter().map(Revocation::try_from).collect::<Result<Vec<_>, _>>();
        let page = Self {
            from,
            list: RevocationList { epoch, read_at, lines: lines.map_err(Error::custom)? },
            more,
            keys,
        };
        page.check().map_err(Error::custom)?;
        Ok(page)
    }
}

impl Page {
    /// Whoever follows must neither miss a line nor read for ever.
    fn check(&self) -> Result<(), &'static str> {
        let lines = &self.list.lines;
        let in_order = lines.is_sorted_by(|one, next| one.position < next.position);
        if !in_order || lines.first().is_some_and(|line| line.position < self.from.max(1)) {
            Err("the revocations are not in order from where they were asked for")
        } else if self.more && self.end() == self.from {
            Err("there are more revocations, but none that were not known")
        } else {
            Ok(())
        }
    }
}

impl From<&Revocation> for Line {
    fn from(line: &Revocation) -> Self {
        let (position, at, written_at) = (line.position, line.at, line.written_at);
        let [session, user, token, client] = [None, None, None, None];
        let bare = Self {
            position,
            at,
            written_at,
            session,
            user,
            token,
            client,
            revision: None,
            issued_until: None,
        };
        match &line.subject {
            RevokedSubject::Session(id) => Self { session: Some(id.to_string()), ..bare },
            RevokedSubject::SessionTokens(id, issued_until) => {
                Self { session: Some(id.to_string()), issued_until: Some(*issued_until), ..bare }
            }
            RevokedSubject::User(id, revision) => {
                Self { user: Some(id.to_string()), revision: Some(*revision), ..bare }
            }
            RevokedSubject::Token(id) => Self { token: Some(id.to_string()), ..bare },
            RevokedSubject::Client(id, revision) => {
                Self { client: Some(id.to_string()), revision: Some(*revision), ..bare }
            }
        }
    }
}

impl TryFrom<Line> for Revocation {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Self, &'static str> {
        let what = (line.session, line.user, line.token, line.client);
        let subject = match (what, line.revision, line.issued_until) {
            ((Some(id), None, None, None), None, issued_until) => {
                let id = id.parse().map_err(|_| "not a session id")?;
                match issued_until {
                    Some(issued_until) => RevokedSubject::SessionTokens(id, issued_until),
                    None => RevokedSubject::Session(id),
                }
            }
            ((None, Some(id), None, None), Some(revision), None) => {
                RevokedSubject::User(id.parse().map_err(|_| "not a user id")?, revision)
            }
            ((None, None, Some(id), None), None, None) => {
                RevokedSubject::Token(id.parse().map_err(|_| "not a token id")?)
            }
            ((None, None, None, Some(id)), Some(revision), None) => {
                RevokedSubject::Client(id.parse().map_err(|_| "not a client id")?, revision)
            }
            // Of a kind that this version does not know: to pass over it would be to miss it.
            _ => return Err("a revocation is of a session, a token, or a user or a client and a revision"),
        };
        Ok(Self { position: line.position, at: line.at, written_at: line.written_at, subject })
    }
}

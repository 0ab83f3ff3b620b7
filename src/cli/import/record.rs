//! A user from a line of CSV (RFC 4180) or of JSON. What is wrong is said by the field, never by its
//! value.

use countersign::{
    account::MAX_ROLES,
    clock::UnixTime,
    password::PasswordHash,
    store::User,
    user::{RoleName, UserId},
};
use csv_core::{ReadRecordResult, Reader};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fmt};

const FIELDS: [&str; 5] = ["username", "password_hash", "roles", "disabled", "created_at"];

/// How the lines are written, which the first of them says.
pub(super) enum Form {
    /// With these columns.
    Csv(Vec<&'static str>),
    Json,
}

/// What is wrong with a line.
pub(super) enum Wrong {
    Line(&'static str),
    Field(&'static str, String),
    /// A field goes on beyond the end of the line.
    Unclosed,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(text) => f.write_str(text),
            Self::Field(field, text) => write!(f, "{field}: {text}"),
            Self::Unclosed => {
                f.write_str("has a quotation mark that is not closed; no field has a line's end in it")
            }
        }
    }
}

impl Form {
    /// A header, or already the first JSON object.
    pub(super) fn of_first_line(text: &str) -> Result<Self, Wrong> {
        if text.trim_start().starts_with('{') {
            return Ok(Self::Json);
        }
        let names = fields(text)?;
        let known = |name: &String| FIELDS.into_iter().find(|known| known == name);
        let columns: Option<Vec<_>> = names.iter().map(known).collect();
        let columns = columns.filter(|columns| {
            let different = columns.iter().collect::<BTreeSet<_>>().len() == columns.len();
            different && columns.contains(&FIELDS[0]) && columns.contains(&FIELDS[1])
        });
        columns.map(Self::Csv).ok_or(Wrong::Line(
            "is neither a JSON object nor the names of columns: username,password_hash and, as you like, \
             roles,disabled,created_at",
        ))
    }

    /// The user of a line; who has no `created_at` was made `now`.
    pub(super) fn user(&self, text: &str, now: UnixTime) -> Result<User, Wrong> {
        let given = match self {
            Self::Csv(columns) => Given::from_csv(columns, text)?,
            Self::Json => Given::from_json(text)?,
        };
        let wrong = |field| move |text: String| Wrong::Field(field, text);
        let missing = |field| Wrong::Field(field, "is missing".into());
        let username = given.username.ok_or(missing("username"))?;
        let hash = PasswordHash::from_stored(given.password_hash.ok_or(missing("password_hash"))?);
        if hash.cost().is_none() {
            let text = "is no hash that is known here, or costs more than is computed here";
            return Err(Wrong::Field("password_hash", text.into()));
        }
        let roles = given.roles.iter().map(|role| role.parse::<RoleName>());
        let roles: BTreeSet<_> =
            roles.collect::<Result<_, _>>().map_err(|error| wrong("roles")(error.to_string()))?;
        if roles.len() > MAX_ROLES {
            return Err(Wrong::Field("roles", format!("must be at most {MAX_ROLES}")));
        }
        Ok(User {
            id: UserId::random(),
            username: username.parse().map_err(|error| wrong("username")(format!("{error}")))?,
            password: hash,
            roles,
            disabled: given.disabled,
            created_at: given.created_at.unwrap_or(now),
        })
    }
}

/// What stands in a line.
#[derive(Default)]
struct Given {
    username: Option<String>,
    password_hash: Option<String>,
    roles: Vec<String>,
    disabled: bool,
    created_at: Option<UnixTime>,
}

impl Given {
    fn from_csv(columns: &[&'static str], text: &str) -> Result<Self, Wrong> {
        let fields = fields(text)?;
        if fields.len() != columns.len() {
            return Err(Wrong::Line("has another number of fields than the first line"));
        }
        let mut given = Self::default();
        for (column, field) in columns.iter().zip(fields).filter(|(_, field)| !field.is_empty()) {
            match *column {
                "username" => given.username = Some(field),
                "password_hash" => given.password_hash = Some(field),
                "roles" => given.roles = field.split_ascii_whitespace().map(str::to_owned).collect(),
                "disabled" => given.disabled = field.parse().map_err(|_| no_boolean())?,
                _ => given.created_at = Some(UnixTime(field.parse().map_err(|_| no_time())?)),
            }
        }
        given.checked()
    }

    fn from_json(text: &str) -> Result<Self, Wrong> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| Wrong::Line("is not a JSON object"))?;
        let no_text = |field| Wrong::Field(field, "must be a text".into());
        let no_list = || Wrong::Field("roles", "must be a list of texts".into());
        let mut given = Self::default();
        for (name, value) in object {
            match (&*name, value) {
                (_, Value::Null) if FIELDS.contains(&&*name) => {}
                ("username", Value::String(text)) => given.username = Some(text),
                ("username", _) => return Err(no_text("username")),
                ("password_hash", Value::String(text)) => given.password_hash = Some(text),
                ("password_hash", _) => return Err(no_text("password_hash")),
                ("roles", Value::Array(roles)) => {
                    let roles = roles.iter().map(|role| role.as_str().map(str::to_owned));
                    given.roles = roles.collect::<Option<_>>().ok_or_else(no_list)?;
                }
                ("roles", _) => return Err(no_list()),
                ("disabled", value) => given.disabled = value.as_bool().ok_or_else(no_boolean)?,
                ("created_at", value) => {
                    given.created_at = Some(UnixTime(value.as_u64().ok_or_else(no_time)?))
                }
                _ => return Err(Wrong::Line("has a field that is not known")),
            }
        }
        given.checked()
    }

    fn checked(self) -> Result<Self, Wrong> {
        // Stores keep signed numbers.
        let is_late = self.created_at.is_some_and(|time| i64::try_from(time.0).is_err());
        if is_late { Err(no_time()) } else { Ok(self) }
    }
}

fn no_boolean() -> Wrong {
    Wrong::Field("disabled", "must be true or false".into())
}

fn no_time() -> Wrong {
    Wrong::Field("created_at", "must be whole seconds since 1970".into())
}

/// The fields of a line of CSV; none has a line's end in it.
fn fields(text: &str) -> Result<Vec<String>, Wrong> {
    let line = [text.as_bytes(), b"\n"].concat();
    let mut bytes = vec![0; line.len()];
    let mut ends = vec![0; line.len()];
    let (result, _, _, count) = Reader::new().read_record(&line, &mut bytes, &mut ends);
    if result != ReadRecordResult::Record {
        return Err(Wrong::Unclosed);
    }
    let mut from = 0;
    let field = |end: &usize| {
        let field = String::from_utf8_lossy(&bytes[from..*end]).into_owned();
        from = *end;
        field
    };
    Ok(ends[..count].iter().map(field).collect())
}

//! Where the keys are that tokens are signed with, and how they change.

use super::{Database, reader::Reader};
use crate::jwt::{HmacSecret, SigningKey};
use std::{path::PathBuf, time::Duration};

const DAY: u64 = 86_400;

/// What tokens are signed with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeySettings {
    /// `SIGNING_KEY` or `KEYS__STORE`.
    pub place: KeyPlace,
    /// `KEYS__PERIOD`: for how long a key signs, in whole seconds; `None`: until it is replaced.
    pub period: Option<Duration>,
    /// `KEYS__ANNOUNCE`: how long a key is published before it signs, in whole seconds.
    pub announce: Duration,
    /// `KEYS__MAX_AGE`: how long others may keep the published keys, in whole seconds.
    pub max_age: Duration,
    /// `KEYS__ENCRYPTION_KEY`, and the previous one: what seals keys in the database.
    pub(crate) encryption: Vec<HmacSecret>,
}

/// Where keys come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyPlace {
    /// `SIGNING_KEY`: there is one, and it stays.
    Given(Box<SigningKey>),
    /// `KEYS__STORE=file:…`: a private JWK Set.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether it is made when it is missing.
        made: bool,
    },
    /// `KEYS__STORE=database`: with the users, sealed.
    Database {
        /// Whether the first key is made when there is none.
        made: bool,
    },
    /// In development, where nothing is kept: another key at each start.
    Fresh,
}

impl KeyPlace {
    /// Whether the first key is made by whoever finds none.
    pub fn is_made(&self) -> bool {
        matches!(self, Self::File { made: true, .. } | Self::Database { made: true } | Self::Fresh)
    }
}

pub(super) fn read(reader: &mut Reader, database: &Database, development: bool) -> Option<KeySettings> {
    // Looked at whatever else is wrong, so that everything wrong is said at once.
    let given = reader.is_set("signing_key");
    let signing_key = reader.signing_key("signing_key");
    let chosen = reader.is_set("keys.store");
    let store = reader.parsed("keys.store", |text| match text.strip_prefix("file:") {
        Some(path) if !path.is_empty() && !path.contains('\0') => Ok(Some(PathBuf::from(path))),
        None if text == "database" => Ok(None),
        _ => Err("must be file:PATH or database"),
    });
    let encryption: Vec<_> = ["keys.encryption_key", "keys.previous_encryption_key"]
        .into_iter()
        .filter_map(|key| reader.secret(key))
        .collect();
    let period = reader.integer("keys.period", 0..=3650 * DAY).unwrap_or(90 * DAY);
    let announce = reader.integer("keys.announce", 1..=30 * DAY).unwrap_or(3_600);
    let max_age = reader.integer("keys.max_age", 1..=DAY).unwrap_or(300);
    if announce < max_age {
        reader.problem(
            "keys.announce",
            "must not be shorter than KEYS__MAX_AGE, or others meet tokens whose key they do not have yet",
        );
    }
    if period != 0 && period <= announce {
        reader.problem("keys.period", "must be longer than KEYS__ANNOUNCE, or 0 for no rotation");
    }
    if given && chosen {
        reader.problem(
            "keys.store",
            "is set together with SIGNING_KEY; set one of them (tokens of a key that goes are verified \
             when it is in PREVIOUS_SIGNING_KEY)",
        );
    }
    let is_in_memory = *database == Database::Memory;
    let place = match (signing_key, store) {
        (Some(key), _) => Some(KeyPlace::Given(key.into())),
        (None, Some(Some(path))) => Some(KeyPlace::File { path, made: development }),
        (None, Some(None)) => {
            // Not the previous one alone, which only opens.
            if !reader.is_set("keys.encryption_key") {
                reader.missing(
                    "keys.encryption_key",
                    "is not set, and keys are kept in the database only sealed. \
                     Make one with `head -c 32 /dev/urandom | base64` and keep it apart from the database",
                );
            }
            Some(KeyPlace::Database { made: development || is_in_memory })
        }
        (None, None) if given || chosen => None,
        (None, None) if development => Some(match database {
            Database::Sqlite(path) => KeyPlace::File { path: path.with_extension("keys.json"), made: true },
            _ => KeyPlace::Fresh,
        }),
        (None, None) => {
            reader.missing(
                "signing_key",
                "is not set, and keys are made by themselves only in the debug profile on a loopback \
                 address. Make one with `countersign keys generate --print` and keep it secret, or say with \
                 COUNTERSIGN_KEYS__STORE where keys are kept that rotate",
            );
            None
        }
    };
    place.map(|place| KeySettings {
        place,
        period: (period != 0).then(|| Duration::from_secs(period)),
        announce: Duration::from_secs(announce),
        max_age: Duration::from_secs(max_age),
        encryption,
    })
}

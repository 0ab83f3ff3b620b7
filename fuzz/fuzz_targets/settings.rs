//! Lines `NAME=VALUE` as `COUNTERSIGN_NAME`, and behind a line `---` TOML as `Rocket.toml`; a `!` in front
//! stands for the debug profile. Whatever is wrong is said with the name of a setting; loading twice gives
//! the same; what is accepted is within the documented bounds. Where U+0001 stands in a value, a mark is
//! put in its place, which is never shown in an error, nor by `Debug` if it is in a secret.
#![no_main]

use countersign::config::{Environment, PostgresUrl, Settings, SettingsError};
use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use libfuzzer_sys::{Corpus, fuzz_target};
use std::{collections::HashSet, path::Path};

const MARK: &str = "7hUnTeR7";
/// Whose value is a secret as a whole.
const KEYS: [&str; 6] = [
    "signing_key",
    "previous_signing_key",
    "keys.encryption_key",
    "keys.previous_encryption_key",
    "revocation.feed_secret",
    "password.firebase_key",
];
/// Settings that a rule can be broken of by another's being set.
const RELATED: [&str; 9] = [
    "signing_key",
    "previous_signing_key",
    "keys.store",
    "keys.announce",
    "keys.period",
    "keys.encryption_key",
    "password.memory_kib",
    "refresh.idle",
    "role_scopes",
];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    if text.to_ascii_lowercase().contains("hunter") {
        return Corpus::Reject;
    }
    let (profile, text) = text.strip_prefix('!').map_or(("release", text), |text| ("debug", text));
    let (lines, toml) = text.split_once("---\n").unwrap_or((text, ""));
    let Some(given) = Given::read(lines, toml) else { return Corpus::Reject };
    let figment = Figment::new().select(profile).merge(&given);
    let loaded = given.load(&figment);
    match (&loaded, given.load(&figment)) {
        (Ok(settings), Ok(again)) => {
            let shown = format!("{settings:?}");
            assert_eq!(shown, format!("{again:?}"));
            assert!(!shown.contains(MARK) || given.is_marked_in_public(), "a secret is shown: {shown}");
            within_bounds(settings, &given);
        }
        (Err(error), Err(again)) => {
            assert_eq!(error.problems(), again.problems());
            names_settings(error, &given);
        }
        _ => panic!("loaded twice, and once it is wrong"),
    }
    Corpus::Keep
});

/// What is set.
struct Given {
    /// By the name that it has in the environment, and its value.
    pairs: Vec<(String, String)>,
    toml: Dict,
    /// The paths of all of them, as `keys.store`.
    paths: HashSet<String>,
}

impl Given {
    fn read(lines: &str, toml: &str) -> Option<Self> {
        let mark = |value: &str| value.replace('\u{1}', MARK);
        let pair = |line: &str| {
            let (name, value) = line.split_once('=')?;
            Some((format!("COUNTERSIGN_{name}"), mark(value)))
        };
        let pairs: Vec<_> = lines.lines().filter_map(pair).collect();
        let mut paths: HashSet<_> = pairs.iter().map(|(name, _)| path(name)).collect();
        // Nothing is to be opened that could be there, or wait.
        let names_file =
            |(name, value): &(String, String)| path(name).ends_with("_file") && value.contains('/');
        if pairs.iter().any(names_file) {
            return None;
        }
        let toml = Toml::string(&mark(toml)).data().ok()?.remove(&Profile::Default).unwrap_or_default();
        add_paths(&toml, "", &mut paths);
        (!paths.iter().any(|path| path.contains(&MARK.to_ascii_lowercase()))).then_some(Self {
            pairs,
            toml,
            paths,
        })
    }

    fn load(&self, figment: &Figment) -> Result<Settings, SettingsError> {
        let pairs = self.pairs.iter().map(|(name, value)| (&**name, &**value));
        Settings::load(figment, Environment::from_pairs(pairs.chain([("PATH", "nothing of ours")])))
    }

    /// Whether a mark is in something that may be shown.
    fn is_marked_in_public(&self) -> bool {
        let is_public = |(name, value): &(String, String)| {
            let path = path(name);
            value.contains(MARK)
                && !KEYS.contains(&&*path)
                && !(path.ends_with("_url") && is_marked_in_credentials(value))
        };
        format!("{:?}", self.toml).contains(MARK) || self.pairs.iter().any(is_public)
    }

    /// The value of a setting that is set in the environment, once.
    fn value(&self, wanted: &str) -> Option<&str> {
        let mut values = self.pairs.iter().filter(|(name, _)| path(name) == wanted);
        values.next().map(|(_, value)| &**value)
    }
}

/// As a file, since what is said of a setting depends on it.
impl Provider for &Given {
    fn metadata(&self) -> Metadata {
        Metadata::from("TOML file", Path::new("Rocket.toml"))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.toml.clone()))
    }
}

/// `COUNTERSIGN_KEYS__STORE` is `keys.store`.
fn path(name: &str) -> String {
    name["COUNTERSIGN_".len()..].to_ascii_lowercase().replace("__", ".")
}

fn add_paths(table: &Dict, prefix: &str, paths: &mut HashSet<String>) {
    for (name, value) in table {
        let path = format!("{prefix}{}", name.to_ascii_lowercase());
        if let Value::Dict(_, table) = value {
            add_paths(table, &format!("{path}."), paths);
        }
        paths.insert(path.strip_prefix("auth.").unwrap_or(&path).replace("__", "."));
    }
}

/// Whether the mark is between `//` and the last `@` before the path, and nowhere else.
fn is_marked_in_credentials(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("//") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let credentials = rest[..end].rsplit_once('@').map_or("", |(credentials, _)| credentials);
    !scheme.contains(MARK) && credentials.contains(MARK) && !rest[credentials.len()..].contains(MARK)
}

fn names_settings(error: &SettingsError, given: &Given) {
    assert!(!error.problems().is_empty());
    let shown = format!("{error}\n{error:?}");
    assert!(!shown.contains(MARK), "a value is shown: {shown}");
    for problem in error.problems() {
        let problem = problem.to_string();
        // There may be a colon in a name as well.
        let mut names = problem.match_indices(": ").map(|(at, _)| &problem[..at]);
        assert!(names.any(|name| is_known(name, given)), "{problem}: of what was not set");
    }
}

fn is_known(name: &str, given: &Given) -> bool {
    if let Some(path) = name.strip_suffix(" in Rocket.toml") {
        return path == "auth" || path.starts_with("auth.");
    }
    // As a name in the environment, since a dot and two underscores are one there.
    let name = name["COUNTERSIGN_".len()..].to_ascii_lowercase();
    let written = |path: &str| path.replace('.', "__");
    // Of an unknown table it may be the table.
    let is_given = |path: &String| written(path) == name || written(path).starts_with(&format!("{name}__"));
    let is_related = RELATED.iter().any(|path| written(path) == name);
    name.is_empty() || is_related || given.paths.iter().any(is_given)
}

/// What the README says of them.
fn within_bounds(settings: &Settings, given: &Given) {
    let seconds = [
        ("leeway", settings.access.leeway, 0..=60),
        ("access_ttl", settings.access.max_lifetime, 30..=86_400),
        ("refresh.idle", settings.refresh.idle, 60..=34_560_000),
        ("refresh.absolute", settings.refresh.absolute, 60..=34_560_000),
        ("refresh.grace", settings.refresh.grace, 0..=300),
        ("keys.announce", settings.keys.announce, 1..=2_592_000),
        ("keys.max_age", settings.keys.max_age, 1..=86_400),
        ("revocation.max_staleness", settings.revocation.max_staleness, 1..=86_400),
    ];
    for (name, found, range) in seconds {
        let found = found.as_secs();
        assert!(range.contains(&found), "{name}: {found}");
        assert!(given.value(name).is_none_or(|value| value.parse() == Ok(found)), "{name}: {found}");
    }
    assert!(settings.refresh.idle <= settings.refresh.absolute);
    assert!(settings.keys.max_age <= settings.keys.announce);
    assert!(settings.keys.period.is_none_or(|period| period > settings.keys.announce));
    let cost = settings.password.params;
    assert!(
        (7_168..=262_144).contains(&cost.memory_kib()) && cost.memory_kib() * cost.iterations() >= 35_840
    );
    for name in [&settings.access.issuer, &settings.access.audience] {
        assert!((1..=255).contains(&name.len()) && name.chars().all(|char| char.is_ascii_graphic()));
    }
    assert_eq!(given.value("issuer").unwrap_or(&settings.access.issuer), settings.access.issuer);
    if let Some(Ok(url)) = given.value("database_url").map(str::parse::<PostgresUrl>) {
        assert!(!is_marked_in_credentials(url.reveal()) || !format!("{url} {url:?}").contains(MARK));
    }
}

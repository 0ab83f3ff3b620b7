//! Reads settings one by one and remembers everything that is wrong with them.

use super::{Environment, SECRETS, environment};
use crate::{
    jwt::{HmacSecret, SigningKey},
    scope::Scope,
};
use figment::{Figment, Source, value::Value};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

/// One thing that is wrong. Names the setting; never shows its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    setting: String,
    text: String,
}

impl Problem {
    pub(super) fn new(setting: &str, text: &str) -> Self {
        Self { setting: setting.to_owned(), text: text.to_owned() }
    }

    /// A problem with the setting `key`, under the name that it has in the environment.
    pub(super) fn of_environment(key: &str, text: &str) -> Self {
        Self::new(&environment::name(key), text)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.text)
    }
}

/// All that is wrong with the settings, a line each.
#[derive(Debug)]
pub struct SettingsError(pub(super) Vec<Problem>);

impl SettingsError {
    /// The problems one by one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let newline = if at == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// A text, or the words of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    List(Vec<String>),
}

impl Words {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::List(words) => words.join(" "),
        }
    }
}

pub(super) struct Reader {
    figment: Figment,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(figment: &Figment, mut environment: Environment) -> Self {
        let problems = std::mem::take(&mut environment.problems);
        let mut reader = Self { figment: figment.clone(), known: vec![], problems };
        // Before the environment is merged over it, and hides it.
        if figment.find_value("auth").is_ok_and(|auth| auth.as_dict().is_none()) {
            reader.problem("", "is a table of settings, not one");
        }
        reader.figment = reader.figment.merge(environment);
        reader
    }

    /// What is wrong, unknown settings included.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        if let Ok(auth) = self.figment.find_value("auth") {
            self.refuse_unknown("", &auth);
        }
        self.problems
    }

    fn refuse_unknown(&mut self, prefix: &str, value: &Value) {
        let Some(table) = value.as_dict() else {
            let text = "is a table of settings, not one";
            return self.problem(prefix.trim_end_matches('.'), text);
        };
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            let is_table = self.known.iter().any(|known| known.starts_with(&format!("{key}.")));
            if is_table {
                self.refuse_unknown(&format!("{key}."), value);
            } else if !self.known.contains(&&*key) {
                self.problem(&key, "is not a setting");
            }
        }
    }

    /// Reports a problem under the name that the setting has where it was set.
    pub(super) fn problem(&mut self, key: &str, text: &str) {
        let path = format!("auth.{key}");
        let path = path.trim_end_matches('.');
        let source = self.figment.find_metadata(path).map(|data| data.source.as_ref());
        let problem = match source {
            Some(Some(Source::File(file))) => {
                let file = file.file_name().unwrap_or_default().to_string_lossy();
                Problem::new(&format!("{path} in {file}"), text)
            }
            _ => Problem::of_environment(key, text),
        };
        self.problems.push(problem);
    }

    /// Reports that a setting without a default was not set.
    pub(super) fn missing(&mut self, key: &str, text: &str) {
        // A file that could not be read says enough.
        let problem = Problem::of_environment(key, text);
        let file = format!("{}_FILE", problem.setting);
        if !self.problems.iter().any(|known| known.setting == file || known.setting == problem.setting) {
            self.problems.push(problem);
        }
    }

    fn value(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        let value = self.figment.find_value(&format!("auth.{key}")).ok()?;
        let metadata = self.figment.get_metadata(value.tag());
        let in_file = matches!(metadata.and_then(|data| data.source.as_ref()), Some(Source::File(_)));
        if in_file && SECRETS.contains(&key) {
            self.problem(
                key,
                "is a secret and does not belong in a file that is committed; use the environment",
            );
            return None;
        }
        Some(value)
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        match value.into_string() {
            Some(text) => Some(text),
            None => {
                self.problem(key, "must be a text");
                None
            }
        }
    }

    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|error| self.problem(key, error)).ok()
    }

    /// Something that is there or is not.
    pub(super) fn switch(&mut self, key: &'static str) -> Option<bool> {
        self.parsed(key, |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("must be on or off"),
        })
    }

    /// An identifier that goes into tokens: 1 to 255 visible ASCII characters.
    pub(super) fn name(&mut self, key: &'static str) -> Option<String> {
        self.parsed(key, |text| {
            let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            if fits { Ok(text.to_owned()) } else { Err("must be 1 to 255 visible ASCII characters") }
        })
    }

    pub(super) fn secret(&mut self, key: &'static str) -> Option<HmacSecret> {
        let text = zeroize::Zeroizing::new(self.text(key)?);
        HmacSecret::parse(text.as_bytes()).map_err(|weak| self.problem(key, &weak.to_string())).ok()
    }

    /// A private key as PEM, or a secret.
    pub(super) fn signing_key(&mut self, key: &'static str) -> Option<SigningKey> {
        let text = zeroize::Zeroizing::new(self.text(key)?);
        SigningKey::parse(text.as_bytes()).map_err(|error| self.problem(key, &error.to_string())).ok()
    }

    /// Whether the setting has a value, right or wrong.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.figment.find_value(&format!("auth.{key}")).is_ok()
    }

    /// Origins (RFC 6454 §6.2): scheme, host and port, as browsers write them.
    pub(super) fn origins(&mut self, key: &'static str) -> Vec<String> {
        let is_origin = |text: &str| {
            let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            host.is_some_and(|host| {
                let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b);
                let default = if text.starts_with("https") { ":443" } else { ":80" };
                !host.is_empty() && host.bytes().all(known) && !host.ends_with(default)
            })
        };
        let Some(text) = self.words_text(key) else { return vec![] };
        let origins: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if origins.iter().all(|origin| is_origin(origin)) {
            return origins;
        }
        self.problem(
            key,
            "must be origins as browsers write them, such as https://app.example.org: in lower case, \
             without the usual port, with spaces between",
        );
        vec![]
    }

    /// The words of a list, or of a text that this takes apart.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let text = self.words_text(key)?;
        parse(&text).map_err(|error| self.problem(key, error)).ok()
    }

    /// A list (in the environment as JSON), or one text with spaces between its words.
    fn words_text(&mut self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        let list = match value.as_str() {
            Some(text) => serde_json::from_str::<Vec<String>>(text).ok(),
            None => value.deserialize().ok(),
        };
        Some(list.map(|words| words.join(" ")).or_else(|| value.into_string()).unwrap_or("\\".into()))
    }

    /// Scope tokens.
    pub(super) fn words(&mut self, key: &'static str) -> Option<Scope> {
        let text = self.words_text(key)?;
        if text.trim().is_empty() {
            return None;
        }
        text.parse()
            .map_err(|_| self.problem(key, "must be scope tokens (RFC 6749 §3.3) with spaces between"))
            .ok()
    }

    /// A table of texts (in the environment also as JSON); a list among them counts as its words.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<BTreeMap<String, String>> {
        let value = self.value(key)?;
        let table = match value.as_str() {
            Some(text) => serde_json::from_str::<BTreeMap<String, Words>>(text).ok(),
            None => value.deserialize().ok(),
        };
        if table.is_none() {
            self.problem(key, "must be a table of texts");
        }
        Some(table?.into_iter().map(|(name, words)| (name, words.text())).collect())
    }

    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let number = match value.as_str() {
            Some(text) => text.parse().ok(),
            // TOML's numbers have a sign.
            None => match value.to_i128() {
                Some(number) => u64::try_from(number).ok(),
                None => value.to_u128().and_then(|number| u64::try_from(number).ok()),
            },
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (from, to) = (range.start(), range.end());
            self.problem(key, &format!("must be a whole number from {from} to {to}"));
        }
        number
    }
}

//! `COUNTERSIGN_*` from the environment, and `COUNTERSIGN_*_FILE` for secrets in mounted files.

use super::{SECRETS, reader::Problem};
use figment::{
    Error, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use std::{
    fs::File,
    io::{self, Read},
};

const PREFIX: &str = "COUNTERSIGN_";
/// The longest secret that a file may hold.
const MAX_SECRET_BYTES: usize = 16 * 1024;

/// What a setting is called in the environment.
pub(crate) fn name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// Settings from environment variables. All values are texts, so that a key made of digits
/// stays the text that it is.
#[derive(Debug, Default)]
pub struct Environment {
    values: Vec<(String, String)>,
    pub(super) problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            match value.into_string() {
                Ok(value) => environment.add(name, value),
                Err(_) => environment.problems.push(Problem::new(name, "is not UTF-8")),
            }
        }
        environment.resolve_twins();
        environment
    }

    /// The same from pairs of names and values; names without the prefix are passed over.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            if name.starts_with(PREFIX) {
                environment.add(name, value.to_owned());
            }
        }
        environment.resolve_twins();
        environment
    }

    /// What is there to be warned of; it is logged when the environment is read.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    fn add(&mut self, name: &str, value: String) {
        let key = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        let Some(secret) = key.strip_suffix("_file").filter(|key| SECRETS.contains(key)) else {
            return self.values.push((key, value));
        };
        let problem = match read(&value) {
            Err(error) => format!("names a file that cannot be read: {error}"),
            Ok(text) if text.len() > MAX_SECRET_BYTES => {
                format!("names a file of more than {MAX_SECRET_BYTES} bytes")
            }
            // Editors and `echo` end a file with a newline; no secret of ours does.
            Ok(text) => match text.trim_end_matches(['\r', '\n']) {
                "" => "names an empty file".into(),
                text => {
                    if is_open_to_everybody(&value) {
                        let text =
                            "names a file that every user of this machine can read or change; chmod 600";
                        let warning = Problem::new(name, text);
                        tracing::warn!("{warning}");
                        self.warnings.push(warning);
                    }
                    return self.values.push((secret.to_owned(), text.to_owned()));
                }
            },
        };
        self.problems.push(Problem::new(name, &problem));
    }

    /// A secret and its `_FILE` together: nobody can say which was meant.
    fn resolve_twins(&mut self) {
        self.values.sort();
        for pair in self.values.windows(2) {
            if pair[0].0 == pair[1].0 {
                let text = "is set together with its _FILE; set one of them";
                self.problems.push(Problem::of_environment(&pair[0].0, text));
            }
        }
        let of_a_role = |(key, _): &(String, String)| key.starts_with("role_scopes.");
        if self.values.iter().any(|(key, _)| key == "role_scopes") && self.values.iter().any(of_a_role) {
            let text = "is set as a whole and by role too; set one of them";
            self.problems.push(Problem::of_environment("role_scopes", text));
        }
    }
}

/// One byte more than a secret may have, at most, so that a longer one is refused and not cut.
fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_SECRET_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Whether everybody on this machine may read or change the file. A group may, as many services
/// read what root has written. Symbolic links are passed over: so Kubernetes mounts secrets, on a
/// volume of the pod's own.
#[cfg(unix)]
fn is_open_to_everybody(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::symlink_metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o006 != 0)
}

#[cfg(not(unix))]
fn is_open_to_everybody(_: &str) -> bool {
    false
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("environment")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut auth = Dict::new();
        for (key, value) in &self.values {
            let value = Value::from(value.as_str());
            match key.split_once('.') {
                None => drop(auth.insert(key.clone(), value)),
                Some((table, key)) => {
                    let table = auth.entry(table.to_owned()).or_insert_with(|| Value::from(Dict::new()));
                    // A text under the table's own name is left for the reader to refuse.
                    if let Value::Dict(_, table) = table {
                        table.insert(key.to_owned(), value);
                    }
                }
            }
        }
        Ok(Profile::Global.collect(Dict::from([("auth".to_owned(), Value::from(auth))])))
    }
}

//! The key that a first `cargo run` makes for itself.

use super::{Database, Problem, SettingsError};
use crate::jwt::HmacSecret;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    path::Path,
};
use zeroize::Zeroizing;

/// The key of the file beside `database`, made if there is none yet.
pub(super) fn signing_secret(database: &Database) -> Result<HmacSecret, SettingsError> {
    let Database::Sqlite(path) = database else {
        return fresh().map_err(|error| problem(&format!("could not be made: {error}")))?.parse();
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        let text = format!("there is no folder {}", folder.display());
        return Err(SettingsError(vec![Problem::of_environment("database_url", &text)]));
    }
    let path = path.with_extension("key");
    let text = match read_or_make(&path) {
        Ok(text) => text,
        Err(error) => return Err(problem(&format!("could not be kept in {}: {error}", path.display()))),
    };
    text.parse()
}

struct KeyText(Zeroizing<String>);

impl KeyText {
    fn parse(&self) -> Result<HmacSecret, SettingsError> {
        HmacSecret::parse(self.0.trim_end().as_bytes())
            .map_err(|weak| problem(&format!("(from the development key file) {weak}")))
    }
}

fn read_or_make(path: &Path) -> io::Result<KeyText> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let key = fresh()?;
            writeln!(file, "{}", *key.0)?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            warn_if_open_to_others(path)?;
            fs::read_to_string(path).map(|text| KeyText(Zeroizing::new(text)))
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn warn_if_open_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{} can be read by others; chmod it to 600", path.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

fn fresh() -> io::Result<KeyText> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(io::Error::other)?;
    Ok(KeyText(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes))))
}

fn problem(text: &str) -> SettingsError {
    SettingsError(vec![Problem::of_environment("signing_key", text)])
}

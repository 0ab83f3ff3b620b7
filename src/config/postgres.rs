//! The address of PostgreSQL, told by a URL.

use std::{fmt, str::FromStr};
use thiserror::Error;
use zeroize::Zeroizing;

/// The address of PostgreSQL, with its credentials, which `Debug` and `Display` do not show.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: Zeroizing<String>,
    place: String,
}

/// The text is no address of PostgreSQL. Says what is wrong and never what the text was.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct PostgresUrlError(&'static str);

/// What may stand behind the question mark.
const PARAMETERS: [&str; 13] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(url: &str) -> Result<Self, PostgresUrlError> {
        Self::parse(url).map_err(PostgresUrlError)
    }
}

impl PostgresUrl {
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE";
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let rest = rest.ok_or(FORM)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        // Or a part of the password would be taken for the address, and shown.
        if rest.contains('#') || rest.split('?').next().is_some_and(|path| path.contains('@')) {
            return Err("has a '/', '?', '#' or '@' that has to be percent-encoded, as in a password");
        }
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if authority.matches('@').count() > 1 {
            return Err("has a '/', '?', '#' or '@' that has to be percent-encoded, as in a password");
        }
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or("1", |(_, port)| port);
        if port.parse::<u16>().is_err() {
            return Err("must have a number for its port");
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut socket = "";
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !PARAMETERS.contains(&name) {
                return Err("has a parameter that is none of PostgreSQL's");
            }
            if name == "sslmode" && !MODES.contains(&value) {
                return Err(
                    "must have an sslmode of disable, allow, prefer, require, verify-ca or verify-full",
                );
            }
            if name == "host" {
                socket = value;
            }
        }
        let host = if host.is_empty() { socket } else { host };
        Ok(Self { text: Zeroizing::new(url.to_owned()), place: format!("{host}{path}") })
    }

    /// The whole URL.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PostgresUrl {
    /// Where it is, for a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL at {}", self.place)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_it_is_and_not_how_to_get_in() {
        for (url, place) in [
            ("postgres://cs:hunter2@db.example:5433/app?sslmode=verify-full", "db.example:5433/app"),
            ("postgresql://cs@[::1]/app", "[::1]/app"),
            ("postgres:///app?host=/run/postgresql&user=hunter2", "/run/postgresql/app"),
            ("postgres://cs:p%23w@db", "db"),
        ] {
            let shown = PostgresUrl::parse(url).expect(url).to_string();
            assert_eq!(shown, format!("PostgreSQL at {place}"));
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for url in [
            "mysql://a",
            "postgres://cs:hunter2#x@db/app",
            "postgres://cs:p?SECRET@db/app",
            "postgres://cs:p/SECRET@db/app",
            "postgres://cs:p@SECRET@db/app",
            "postgres://db:port/app",
            "postgres://db/app?pasword=hunter2",
            "postgres://db/app?sslmode=bogus",
        ] {
            assert!(PostgresUrl::parse(url).is_err(), "{url}");
        }
    }
}

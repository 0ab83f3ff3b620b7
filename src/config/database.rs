//! Where users live, told by a URL.

use std::path::PathBuf;

/// A store for users, chosen by `DATABASE_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// `memory:`: in this process; gone when it ends.
    Memory,
    /// `sqlite:FILE`: one file, made when it is missing.
    Sqlite(PathBuf),
}

impl Database {
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        const FORMS: &str = "must be sqlite:FILE or memory:";
        if url == "memory:" {
            return Ok(Self::Memory);
        }
        let path = url.strip_prefix("sqlite:").ok_or(FORMS)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        // A private in-memory database for each connection of a pool would be nobody's wish.
        if path.is_empty() || path.contains(":memory:") || path.contains(['?', '\0']) {
            return Err("must name a file behind sqlite:, without parameters (memory: for none)");
        }
        Ok(Self::Sqlite(path.into()))
    }
}

impl Default for Database {
    /// `sqlite:countersign.db`, in the folder where the program runs.
    fn default() -> Self {
        Self::Sqlite("countersign.db".into())
    }
}

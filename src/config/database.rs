//! Where users live, told by a URL.

use super::PostgresUrl;
use std::path::PathBuf;

/// A store for users, chosen by `DATABASE_URL`. Without a Redis, sessions live there too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// `memory:`: in this process; gone when it ends.
    Memory,
    /// `sqlite:FILE`: one file, made when it is missing.
    Sqlite(PathBuf),
    /// `postgres://…`: a server, for several instances.
    Postgres(PostgresUrl),
}

impl Database {
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        const FORMS: &str = "must be sqlite:FILE, postgres://… or memory:";
        let built = |is_built: bool, database, without| if is_built { Ok(database) } else { Err(without) };
        if url == "memory:" {
            let without = "is for a store that this program was built without (feature memory)";
            return built(cfg!(feature = "memory"), Self::Memory, without);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let without = "is for a store that this program was built without (feature postgres)";
            return built(cfg!(feature = "postgres"), Self::Postgres(PostgresUrl::parse(url)?), without);
        }
        let path = url.strip_prefix("sqlite:").ok_or(FORMS)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        // SQLite would read the rest as a URI, and open another file than the one that is named here.
        if path.starts_with("file:") {
            return Err("must name a file behind sqlite:, without another file:");
        }
        // A private in-memory database for each connection of a pool would be nobody's wish.
        if path.is_empty() || path.contains(":memory:") || path.contains(['?', '\0']) {
            return Err("must name a file behind sqlite:, without parameters (memory: for none)");
        }
        let without = "is for a store that this program was built without (feature sqlite)";
        built(cfg!(feature = "sqlite"), Self::Sqlite(path.into()), without)
    }
}

impl Default for Database {
    /// `sqlite:countersign.db`, in the folder where the program runs.
    fn default() -> Self {
        Self::Sqlite("countersign.db".into())
    }
}

//! The stores that a server can run on, so that a requirement is held on each of them.

use crate::{
    server::Server,
    servers::{Postgres, Redis},
};
use tempfile::TempDir;

/// Where a server keeps what it has to remember.
pub struct Backing {
    settings: Vec<(&'static str, String)>,
}

impl Backing {
    /// Everything in one file.
    pub fn sqlite() -> Self {
        Self { settings: vec![] }
    }

    /// Everything in a new database.
    pub fn postgres() -> Self {
        Self { settings: vec![("COUNTERSIGN_DATABASE_URL", Postgres::shared().database())] }
    }

    /// Users in one file, sessions in Redis under keys of their own.
    pub fn redis() -> Self {
        let namespace = countersign::user::UserId::random().to_string();
        let url = Redis::shared().url();
        Self { settings: vec![("COUNTERSIGN_REDIS_URL", url), ("COUNTERSIGN_STORE__NAMESPACE", namespace)] }
    }

    /// Users in a new database, sessions in Redis: what several machines share.
    pub fn postgres_and_redis() -> Self {
        let mut both = Self::postgres();
        both.settings.extend(Self::redis().settings);
        both
    }

    /// How often a server on it is killed and started again: a hundred times where that costs little.
    pub fn crashes(&self) -> u64 {
        if self.settings.is_empty() { 100 } else { 30 }
    }

    /// A server with one user, `ada`.
    pub fn start(&self) -> Server {
        let server = self.start_with(&[]);
        server.user("ada", &[]);
        server
    }

    pub fn start_with(&self, settings: &[(&str, &str)]) -> Server {
        self.start_in(TempDir::new().unwrap(), settings)
    }

    pub fn start_in(&self, folder: TempDir, settings: &[(&str, &str)]) -> Server {
        let mut all = vec![];
        // On a crowded machine a store may be slow; what is tested here is not how fast it is.
        all.push(("COUNTERSIGN_STORE__DEADLINE_MS", "10000"));
        all.extend(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        all.extend(settings);
        Server::start_in(folder, &all)
    }
}

/// Makes a test of each function for each store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        crate::backing::on_every_store!(@ sqlite $($test)*);
        crate::backing::on_every_store!(@ postgres $($test)*);
        crate::backing::on_every_store!(@ redis $($test)*);
    };
    (@ $store:ident $($test:ident)*) => {
        mod $store {
            $(#[test] fn $test() { super::$test(&crate::backing::Backing::$store()); })*
        }
    };
}
pub(crate) use on_every_store;

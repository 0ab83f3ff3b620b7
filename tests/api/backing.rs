//! The stores that a server can run on, so that a requirement is held on each of them.

use crate::{
    server::Server,
    servers::{Postgres, Redis},
};
use std::{fs, path::Path};
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

    /// Everything that the store holds, and the files of the server's folder.
    pub fn dump(&self, folder: &Path) -> Vec<u8> {
        let mut dump = vec![];
        for entry in fs::read_dir(folder).unwrap() {
            dump.extend(fs::read(entry.unwrap().path()).unwrap());
        }
        for (name, value) in &self.settings {
            match *name {
                "COUNTERSIGN_DATABASE_URL" => dump.extend(dump_of_database(value).into_bytes()),
                "COUNTERSIGN_STORE__NAMESPACE" => dump.extend(dump_of_keys(value).into_bytes()),
                _ => {}
            }
        }
        dump
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

    /// Another server on the same stores as `first`.
    pub fn start_beside(&self, first: &Server, settings: &[(&str, &str)]) -> Server {
        let file = format!("sqlite:{}", first.folder.path().join("test.db").display());
        let mut all = vec![("COUNTERSIGN_DATABASE_URL", &*file)];
        all.extend(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        all.extend(settings);
        self.start_with(&all)
    }

    pub fn start_in(&self, folder: TempDir, settings: &[(&str, &str)]) -> Server {
        let mut all: Vec<_> = self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend(settings);
        Server::start_in(folder, &all)
    }
}

fn dump_of_database(url: &str) -> String {
    let database = url.rsplit('/').next().unwrap();
    let sql = |statement: &str| Postgres::shared().sql(database, statement);
    let tables = sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    let rows = tables.lines().map(|table| sql(&format!("SELECT * FROM \"{table}\"")));
    rows.collect::<Vec<_>>().join("\n")
}

fn dump_of_keys(namespace: &str) -> String {
    let redis = |words: &[&str]| Redis::shared().command(words);
    let keys = redis(&["KEYS", &format!("{{{namespace}}}:*")]);
    let value = |key: &str| match redis(&["TYPE", key]).as_str() {
        "hash" => redis(&["HGETALL", key]),
        "set" => redis(&["SMEMBERS", key]),
        "zset" => redis(&["ZRANGE", key, "0", "-1"]),
        _ => redis(&["GET", key]),
    };
    keys.lines().map(|key| format!("{key}\n{}\n", value(key))).collect()
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

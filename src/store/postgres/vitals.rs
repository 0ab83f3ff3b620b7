//! What to look at before PostgreSQL is trusted with users and sessions.

use super::{PostgresStore, StoreError, rows, unavailable};
use crate::{clock::UnixTime, store::Finding};
use sqlx::{
    Row,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::time::Duration;

/// What the server says of itself, for a look at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Its clock, in milliseconds since 1970.
    pub clock: u64,
    /// Whether nothing can be written: it is a standby, or told to refuse.
    pub read_only: bool,
    /// Whether what it has answered survives a crash of it and of its machine.
    pub durable: bool,
}

impl Vitals {
    /// The same in sentences.
    pub fn findings(&self, now: UnixTime, leeway: Duration) -> Vec<Finding> {
        let mut findings = vec![];
        if self.read_only {
            findings.push(Finding::refusal(
                "PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on; \
                 name the primary, or switch that off",
            ));
        }
        if !self.durable {
            findings.push(Finding::warning(
                "PostgreSQL does not wait for its disk: when it or its machine crashes, changes that it has \
                 answered are lost, and who was logged out or shut out just before may be in again; \
                 set fsync, full_page_writes and synchronous_commit to on",
            ));
        }
        findings.extend(Finding::of_clocks("PostgreSQL", self.clock, now, leeway));
        findings
    }
}

impl PostgresStore {
    /// The server's clock, in milliseconds since 1970.
    pub(super) async fn time(&self) -> Result<u64, StoreError> {
        let ask = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS clock";
        rows::number(&self.within(|lease| lease.one(sqlx::query(ask))).await?, "clock")
    }

    /// What there is to say about the server and the way to it.
    pub(super) async fn findings(&self, now: UnixTime, leeway: Duration) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.vitals().await?.findings(now, leeway);
        findings.extend(unencrypted(&self.pool.connect_options()));
        Ok(findings)
    }

    /// What the server says of itself.
    pub async fn vitals(&self) -> Result<Vitals, StoreError> {
        let row = self.read_only(|lease| {
            lease.one(sqlx::query(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS clock,
                     pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only,
                     current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean
                         AND current_setting('synchronous_commit') <> 'off' AS durable",
            ))
        });
        let row = row.await?;
        let flag = |column| row.try_get(column).map_err(unavailable);
        let (read_only, durable) = (flag("read_only")?, flag("durable")?);
        Ok(Vitals { clock: rows::number(&row, "clock")?, read_only, durable })
    }
}

/// A warning if connections to another machine need no TLS. `prefer`, the default, is not enough: an
/// attacker on the way says that the server has none.
fn unencrypted(options: &PgConnectOptions) -> Option<Finding> {
    let is_required =
        matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    // A host that begins with a slash is the folder of a socket.
    if is_required || options.get_socket().is_some() || options.get_host().starts_with('/') {
        return None;
    }
    let remedy = "add sslmode=verify-full (and sslrootcert=FILE for an authority of your own)";
    Finding::of_plain_connection("COUNTERSIGN_DATABASE_URL", options.get_host(), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_to_another_machine_need_tls() {
        let warning = |url: &str| {
            let options: PgConnectOptions = url.parse().expect(url);
            unencrypted(&options).map(|finding| finding.text)
        };
        for mode in ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"] {
            let text = warning(&format!("postgres://cs:hunter2@db.example/app{mode}")).expect(mode);
            assert!(text.starts_with("COUNTERSIGN_DATABASE_URL: ") && text.contains("db.example"), "{text}");
            assert!(text.contains("sslmode=verify-full") && !text.contains("hunter2"), "{text}");
        }
        for url in [
            "postgres://db.example/app?sslmode=require",
            "postgres://db.example/app?sslmode=verify-ca",
            "postgres://db.example/app?sslmode=verify-full",
            "postgres://127.0.0.1/app",
            "postgres://[::1]:5433/app",
            "postgres://localhost/app?sslmode=disable",
            "postgres:///app?host=/run/postgresql",
        ] {
            assert_eq!(warning(url), None, "{url}");
        }
    }
}

//! How PostgreSQL finds the rows that a purge removes.

use super::{Database, PATIENT};
use crate::servers::{Postgres, eventually};
use countersign::{
    clock::UnixTime,
    store::{AttemptStore, AuditStore, ClientStore, SessionStore},
};
use serde_json::Value;
use sqlx::Executor;
use std::collections::BTreeSet;

/// Enough rows that no planner would rather read a whole table for a page of them.
const ROWS: [&str; 5] = [
    "INSERT INTO sessions (id, user_id, client_id, scope, transport, created_at, last_used_at, expires_at,
         idle, generation, salt, due_at, revoked_at)
     SELECT decode(md5(n::text), 'hex'), n::text, 'first-party', '', 0, n, n, n + 1000, 1000, 0,
         decode(md5(n::text), 'hex'), n + 1000, CASE WHEN n % 10 = 0 THEN n END
     FROM generate_series(1, 20000) AS n",
    "INSERT INTO revocations (at, token_id)
     SELECT n, decode(md5(n::text), 'hex') FROM generate_series(1, 20000) AS n",
    "INSERT INTO spent_assertions (id, spent_until)
     SELECT sha256(n::text::bytea), n FROM generate_series(1, 20000) AS n",
    "INSERT INTO audit (at, line) SELECT n, '{}' FROM generate_series(1, 20000) AS n",
    "ANALYZE",
];

/// Has the server write the plan of every statement of the connection to its log.
/// Where an index can be used it is: the tables are too small for the planner to need one.
const EXPLAINED: [&str; 5] = [
    "SET enable_seqscan = off",
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_format = 'json'",
    "SET auto_explain.log_analyze = off",
];

/// The plans in the server's log.
fn plans() -> Vec<Value> {
    let log = Postgres::shared().process().log();
    let plans = log.split(" ms  plan:\n").skip(1).filter_map(|text| {
        let lines = text.lines().take_while(|line| line.starts_with('\t'));
        serde_json::from_str(&lines.collect::<String>()).ok()
    });
    plans.collect()
}

/// Adds each scan of a plan: whether its condition is looked up in an index, and the index or table.
fn add_scans(plan: &Value, scans: &mut BTreeSet<(bool, String)>) {
    let text = |member: &str| plan[member].as_str().unwrap_or_default().to_owned();
    if text("Node Type").ends_with("Scan") {
        let of = [text("Index Name"), text("Relation Name")].into_iter().find(|name| !name.is_empty());
        let is_whole = text("Node Type") == "Seq Scan";
        if is_whole || plan["Index Cond"].is_string() {
            scans.insert((!is_whole, of.unwrap_or_default()));
        }
    }
    for child in plan["Plans"].as_array().into_iter().flatten() {
        add_scans(child, scans);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_removal_finds_its_rows_by_an_index() {
    let database = Database::new();
    let store = database.open(1, PATIENT).await;
    store.begin_epoch(0).await.expect("an epoch");
    for statement in ROWS.into_iter().chain(EXPLAINED) {
        store.pool().execute(statement).await.expect(statement);
    }
    let purged = SessionStore::purge(&*store, UnixTime(3_000), UnixTime(5_000), 2_200).await;
    assert_eq!(purged.expect("purged"), 2_000 + 199 + 1, "ended, revoked before 5,000, and one at 2,000");
    assert_eq!(store.trim(UnixTime(5_000), 100).await.expect("trimmed"), 100);
    assert!(store.spend(&[7; 32], UnixTime(90_000), UnixTime(5_000)).await.expect("spent"));
    assert_eq!(AuditStore::remove(&*store, UnixTime(5_000), 100).await.expect("removed"), 100);
    AttemptStore::purge(&*store, 100).await.expect("purged");

    let wanted = [
        "sessions_by_due",
        "revoked_sessions",
        "sessions_pkey",
        "revocations_by_time",
        "spent_assertions_by_end",
        "audit_by_time",
        "login_attempts_by_end",
    ];
    let scans = || {
        let mut scans = BTreeSet::new();
        plans().iter().for_each(|plan| add_scans(&plan["Plan"], &mut scans));
        scans
    };
    eventually("the plans are in the log", || {
        let scans = scans();
        wanted.iter().all(|index| scans.contains(&(true, index.to_string())))
    });
    let whole: Vec<_> = scans().into_iter().filter(|(by_index, _)| !by_index).collect();
    assert_eq!(whole, []);
}

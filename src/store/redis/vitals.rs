//! What to look at before Redis is trusted with sessions.

use super::{RedisStore, unavailable};
use crate::{
    clock::UnixTime,
    store::{Finding, StoreError},
};
use redis::{FromRedisValue, Value};
use std::time::Duration;

/// How a Redis server is set up, as far as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Its clock, in milliseconds since 1970.
    pub clock: u64,
    /// What it removes when its memory is full; anything but `noeviction` could be a revocation.
    pub eviction: Option<String>,
    /// Whether it writes every change to disk (an append-only file).
    pub append_only: Option<bool>,
    /// Whether it takes no writes: a replica.
    pub is_replica: bool,
}

impl Vitals {
    /// The same in sentences.
    pub fn findings(&self, now: UnixTime, leeway: Duration) -> Vec<Finding> {
        let mut findings = vec![];
        if self.is_replica {
            findings.push(Finding::refusal("Redis is a replica and takes no writes; name its master"));
        }
        if let Some(policy) = self.eviction.as_deref().filter(|policy| *policy != "noeviction") {
            findings.push(Finding::refusal(format!(
                "Redis removes keys when its memory is full, and a revocation could be among them \
                 (maxmemory-policy {policy}); set maxmemory-policy to noeviction"
            )));
        }
        if self.append_only == Some(false) {
            findings.push(Finding::warning(
                "Redis writes no append-only file: when it crashes, all sessions and revocations since its \
                 last snapshot are lost, and everybody has to log in again; set appendonly to yes",
            ));
        }
        findings.extend(Finding::of_clocks("Redis", self.clock, now, leeway));
        findings
    }
}

impl RedisStore {
    /// Asks Redis how it is set up. In a Cluster, the node that holds our slot.
    pub async fn vitals(&self) -> Result<Vitals, StoreError> {
        let (seconds, micros): (u64, u64) = self.link.command(&redis::cmd("TIME")).await?;
        let info: Value = self.link.command(&redis::cmd("INFO")).await?;
        let info = String::from_redis_value(first(info)).map_err(|error| unavailable(error.into()))?;
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        Ok(Vitals {
            clock: seconds * 1_000 + micros / 1_000,
            eviction: field("maxmemory_policy"),
            append_only: field("aof_enabled").map(|value| value == "1"),
            is_replica: field("role").is_some_and(|role| role == "slave"),
        })
    }
}

/// A cluster answers with each node's.
fn first(value: Value) -> Value {
    match value {
        Value::Map(nodes) => nodes.into_iter().next().map_or(Value::Nil, |(_, value)| value),
        value => value,
    }
}

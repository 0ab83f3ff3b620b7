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
    /// Whether it is a node of a Cluster, and we take it for a server by itself.
    pub is_node_alone: bool,
}

impl Vitals {
    /// The same in sentences.
    pub fn findings(&self, now: UnixTime, leeway: Duration) -> Vec<Finding> {
        let mut findings = vec![];
        if self.is_replica {
            findings.push(Finding::refusal("Redis is a replica and takes no writes; name its master"));
        }
        if self.is_node_alone {
            findings.push(Finding::refusal("this Redis is a node of a Cluster; name it by redis+cluster://"));
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
                 last snapshot, or all if it makes none, are lost, and everybody has to log in again; set \
                 appendonly to yes",
            ));
        }
        findings.extend(Finding::of_clocks("Redis", self.clock, now, leeway));
        findings
    }
}

impl RedisStore {
    /// The server's clock, in milliseconds since 1970.
    pub(super) async fn time(&self) -> Result<u64, StoreError> {
        let (seconds, micros): (u64, u64) = self.link.command(&redis::cmd("TIME")).await?;
        Ok(seconds * 1_000 + micros / 1_000)
    }

    /// A warning if connections to another machine are without TLS.
    pub(super) async fn unencrypted(&self) -> Option<Finding> {
        let addresses = self.link.plain_addresses().await;
        let warning = |address: &String| {
            let remedy = "name it by rediss://, rediss+cluster:// or rediss+sentinel://";
            Finding::of_plain_connection("COUNTERSIGN_REDIS_URL", host(address), remedy)
        };
        addresses.iter().find_map(warning)
    }

    /// Asks Redis how it is set up. Of a Cluster, all masters, since our slot may move to each of
    /// them: it is as good as the worst.
    pub async fn vitals(&self) -> Result<Vitals, StoreError> {
        let clock = self.time().await?;
        let info: Value = self.link.command(&redis::cmd("INFO")).await?;
        let infos: Vec<String> = match info {
            // A cluster answers with each node's.
            Value::Map(nodes) => {
                nodes.into_iter().map(|(_, info)| String::from_redis_value(info)).collect::<Result<_, _>>()
            }
            info => String::from_redis_value(info).map(|info| vec![info]),
        }
        .map_err(|error| unavailable(error.into()))?;
        // What one of them says, and rather what is not good.
        let field = |name: &str, good: &str| {
            let lines = infos.iter().flat_map(|info| info.lines());
            let values = lines.filter_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()));
            values.max_by_key(|value| *value != good).map(str::to_owned)
        };
        Ok(Vitals {
            clock,
            eviction: field("maxmemory_policy", "noeviction"),
            append_only: field("aof_enabled", "1").map(|value| value == "1"),
            is_replica: field("role", "master").is_some_and(|role| role == "slave"),
            is_node_alone: !self.link.is_cluster()
                && field("cluster_enabled", "0").is_some_and(|enabled| enabled == "1"),
        })
    }
}

/// The host of `HOST`, `HOST:PORT`, or the same with an IPv6 address in brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    if address.ends_with(']') { address } else { host }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_host_is_told_from_its_port() {
        for (address, is) in
            [("db", "db"), ("db:1", "db"), ("[::1]", "[::1]"), ("[::1]:1", "[::1]"), ("1.2.3.4:5", "1.2.3.4")]
        {
            assert_eq!(host(address), is);
        }
    }
}

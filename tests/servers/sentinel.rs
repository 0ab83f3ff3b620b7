//! A Redis Sentinel: watches a master and makes one of its replicas the master when it dies.

use super::{eventually, process::Process, redis::Redis};
use std::net::SocketAddr;
use tempfile::TempDir;

pub struct Sentinel {
    server: Redis,
}

impl Sentinel {
    /// The name of the master, for clients that ask for it.
    pub const MASTER: &str = "mymaster";

    /// A sentinel that decides alone, and knows all the replicas that `master` has now.
    pub fn watching(master: &Redis) -> Self {
        let name = Self::MASTER;
        let mut settings = vec![
            format!("monitor {name} 127.0.0.1 {} 1", master.port()),
            format!("down-after-milliseconds {name} 500"),
            format!("failover-timeout {name} 2000"),
        ];
        if let Some(password) = master.password() {
            settings.push(format!("auth-pass {name} {password}"));
        }
        let settings: Vec<_> = settings.iter().map(|value| ("sentinel", value.as_str())).collect();
        let server = Redis::launch(TempDir::new().unwrap(), None, &settings, &["--sentinel"]);

        let replicas = master.command(&["INFO", "replication"]);
        let replicas = replicas.lines().find_map(|line| line.strip_prefix("connected_slaves:")).unwrap();
        let known = format!("slaves={replicas},");
        let info = || server.command(&["INFO", "sentinel"]);
        eventually("the sentinel knows the replicas", || {
            info().lines().any(|line| line.contains("status=ok") && line.contains(&known))
        });
        Self { server }
    }

    /// The address of the sentinel itself.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where the master is now.
    pub fn master(&self) -> SocketAddr {
        let reply = self.server.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER]);
        reply.replace('\n', ":").parse().unwrap()
    }

    /// Waits until the sentinel has made another server the master.
    pub fn fails_over_from(&self, master: &Redis) {
        eventually("the sentinel fails over", || self.master() != master.address());
    }

    pub fn command(&self, words: &[&str]) -> String {
        self.server.command(words)
    }

    pub fn process(&self) -> &Process {
        self.server.process()
    }
}

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
            // With a second or less Redis 7.0 takes every new master for dead before it first asks it.
            format!("down-after-milliseconds {name} 1500"),
            format!("failover-timeout {name} 2000"),
        ];
        if let Some(password) = master.password() {
            settings.push(format!("auth-pass {name} {password}"));
        }
        let settings: Vec<_> = settings.iter().map(|value| ("sentinel", value.as_str())).collect();
        let server = Redis::launch(TempDir::new().unwrap(), None, &settings, &["--sentinel"]);

        let replicas = master.command(&["INFO", "replication"]);
        let replicas = replicas.lines().find_map(|line| line.strip_prefix("connected_slaves:")).unwrap();
        let known = format!("status=ok,address={},slaves={replicas},", master.address());
        let sentinel = Self { server };
        eventually("the sentinel knows the replicas", || sentinel.info().contains(&known));
        sentinel
    }

    /// The address of the sentinel itself.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where the sentinel says that the master is.
    pub fn master(&self) -> SocketAddr {
        let reply = self.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER]);
        reply.replace('\n', ":").parse().unwrap()
    }

    /// Waits until the sentinel has made another server the master and is content with it.
    pub fn fails_over_from(&self, master: &Redis) {
        let address = format!("address={},", master.address());
        eventually("the sentinel fails over", || {
            let info = self.info();
            info.contains("status=ok") && !info.contains(&address)
        });
    }

    pub fn command(&self, words: &[&str]) -> String {
        self.server.command(words)
    }

    pub fn process(&self) -> &Process {
        self.server.process()
    }

    fn info(&self) -> String {
        self.command(&["INFO", "sentinel"])
    }
}

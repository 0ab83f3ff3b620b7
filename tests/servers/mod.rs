//! Real servers for the tests: Redis (alone, replica, sentinel, cluster), Postgres, nginx, ChromeDriver, and a
//! TCP proxy that can fail on purpose. Each has a folder and a port of its own and dies with the test process.
#![allow(dead_code, reason = "each test binary uses its own part")]

mod certificates;
mod chromedriver;
mod cluster;
mod nginx;
mod port;
mod postgres;
mod process;
pub mod program;
mod proxy;
mod redis;
mod resp;
mod sentinel;

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use self::{
    chromedriver::Chromedriver, cluster::Cluster, nginx::Nginx, port::Port, postgres::Postgres,
    process::Process, proxy::Proxy, redis::Redis, resp::Connection, sentinel::Sentinel,
};
use std::time::{Duration, Instant};

/// Waits until `check` holds. The limit only keeps a broken test from hanging for ever.
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited a minute in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

//! A port that a server can leave and come back to.

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
};

/// A free port of 127.0.0.1, taken from below the range from which the system picks ports for outgoing
/// connections, so that none of these sits on it while its server is down.
pub struct Port {
    pub number: u16,
    /// The same port of another loopback address: tells other test processes that it is taken.
    _held: TcpListener,
}

impl Port {
    pub fn free() -> Self {
        let random = RandomState::new();
        let ports = (0..10_000_u32).map(|n| 10_000 + (random.hash_one(n) % 22_000) as u16);
        let free = |number| {
            let held = TcpListener::bind(("127.0.0.9", number)).ok()?;
            TcpListener::bind(("127.0.0.1", number)).ok()?;
            Some(Self { number, _held: held })
        };
        ports.into_iter().find_map(free).expect("no free port on 127.0.0.1")
    }
}

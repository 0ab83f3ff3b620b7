//! One run of wrk.

use crate::child::Server;
use std::{path::Path, process::Command};

const CONNECTIONS: &str = "64";

/// What came of it.
pub struct Round {
    pub requests: f64,
    /// How many were not answered 2xx or 3xx.
    pub refused: f64,
    seconds: f64,
    /// What the server computed for, in microseconds.
    cpu: f64,
}

impl Round {
    pub fn rate(&self) -> f64 {
        self.requests / self.seconds
    }

    pub fn cpu_each(&self) -> f64 {
        self.cpu / self.requests
    }
}

pub fn drive(core: &str, url: &str, tokens: &Path, seconds: u32, server: &Server) -> Round {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokens.lua");
    let before = server.cpu();
    let done = Command::new("taskset")
        .args([
            "-c",
            core,
            "wrk",
            "-t1",
            "-c",
            CONNECTIONS,
            "-d",
            &format!("{seconds}s"),
            "-s",
            script,
            url,
            "--",
        ])
        .arg(tokens)
        .output()
        .expect("taskset");
    let cpu = server.cpu() - before;
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "wrk: {text}{}", String::from_utf8_lossy(&done.stderr));
    assert!(!text.contains("Socket errors"), "{text}");
    let number = |before: &str, after: &str| -> Option<f64> {
        let rest = text.split_once(before)?.1;
        rest.split(after).next()?.trim().parse().ok()
    };
    // "  87654 requests in 1.00s, 17.23MB read"
    let line = text.lines().find(|line| line.contains(" requests in ")).expect("a summary");
    let (requests, rest) = line.split_once(" requests in ").expect("a summary");
    let requests = requests.trim().parse().expect("a number");
    let seconds = rest.split_once('s').and_then(|(seconds, _)| seconds.parse().ok()).expect("seconds");
    let refused = number("Non-2xx or 3xx responses: ", "\n").unwrap_or(0.0);
    Round { requests, refused, seconds, cpu }
}

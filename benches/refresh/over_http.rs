//! Refreshes over HTTP, by the program.

use crate::{connection::Connection, pin, process::Process};
use std::{sync::Mutex, thread, time::Instant};

pub struct Server {
    process: Process,
    /// Of each session that there is, the present refresh token.
    tokens: Mutex<Vec<String>>,
}

impl Server {
    pub fn start(settings: &[(&str, &str)], core: &str) -> Self {
        let process = Process::start_with(1, settings);
        pin(process.id(), core);
        Self { process, tokens: Mutex::default() }
    }

    /// Refreshes in a second, over so many connections.
    pub fn rate(&self, connections: usize, times: u64) -> f64 {
        let mut tokens = std::mem::take(&mut *self.tokens.lock().expect("no panic"));
        let form = format!("{}&scope=offline_access", self.process.credentials());
        while tokens.len() < connections {
            tokens.push(token(Connection::open(self.process.address).post_for("/token", &form)));
        }
        let started = Instant::now();
        let refreshed = thread::scope(|scope| {
            let tasks: Vec<_> = tokens
                .into_iter()
                .map(|mut current| {
                    scope.spawn(move || {
                        let mut connection = Connection::open(self.process.address);
                        for _ in 0..times {
                            let form = format!("grant_type=refresh_token&refresh_token={current}");
                            current = token(connection.post_for("/token", &form));
                        }
                        current
                    })
                })
                .collect();
            tasks.into_iter().map(|task| task.join().expect("a caller")).collect()
        });
        let rate = (connections as u64 * times) as f64 / started.elapsed().as_secs_f64();
        *self.tokens.lock().expect("no panic") = refreshed;
        rate
    }
}

fn token((status, body): (u16, String)) -> String {
    assert_eq!(status, 200, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    answer["refresh_token"].as_str().expect("a refresh token").to_owned()
}

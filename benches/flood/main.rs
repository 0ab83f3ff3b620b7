//! What a flood of logins does to everybody else, with admission and without: `cargo bench --bench flood`.
//!
//! 64 callers log in again and again for twenty seconds, each to an account, from an address and over a
//! connection of its own, so that each has places of its own in the queue; one more asks for `/me` five hundred
//! times a second. "Without" is the same server with a permit for each caller.

mod connection;
mod process;

use connection::Connection;
use countersign::password::{Argon2Params, Engine, Memory};
use process::Process;
use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

const CALLERS: usize = 64;
const PASSWORD: &str = "analytical-engine";
const QUIET: Duration = Duration::from_secs(5);
const FLOOD: Duration = Duration::from_secs(20);
const AFTERWARDS: Duration = Duration::from_secs(60);

fn main() {
    let hash = one_hash();
    println!("one hash: {:.1} ms by {:?}\n", hash.as_secs_f64() * 1e3, Engine::default());
    println!(
        "{:<10} {:>11} {:>11} {:>9} {:>9} {:>9} {:>9} {:>7} {:>8}",
        "admission", "/me quiet", "/me flood", "idle", "peak", "after", "logins/s", "of max", "refused"
    );
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for (name, permits) in [("yes", (cores - 1).max(1)), ("no", CALLERS)] {
        flood(name, permits, hash);
    }
}

/// The median of what the default cost takes on a core that does nothing else.
fn one_hash() -> Duration {
    let (mut memory, mut output) = (Memory::default(), [0; 32]);
    let mut times: Vec<_> = (0..51)
        .map(|_| {
            let started = Instant::now();
            let params = Argon2Params::default();
            assert!(Engine::default().derive(b"correct horse", &[7; 16], params, &mut output, &mut memory));
            started.elapsed()
        })
        .collect();
    times.sort();
    times[25]
}

fn flood(name: &str, permits: usize, hash: Duration) {
    let server = Process::start_with(permits, &[("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1")]);
    let token = server.login().expect("the first login");
    let mut connection = Connection::open(server.address);
    for number in 0..CALLERS {
        let user = format!(r#"{{"username":"caller-{number}","password":"{PASSWORD}"}}"#);
        assert_eq!(connection.post_json("/admin/users", &token, &user), 201);
    }
    thread::sleep(Duration::from_secs(15));
    let quiet = p99(server.address, &token, QUIET);
    let idle = server.resident_mib();
    let (flooded, (granted, refused)) = thread::scope(|scope| {
        let callers = scope.spawn(|| callers(&server));
        (p99(server.address, &token, FLOOD), callers.join().expect("callers"))
    });
    let peak = server.peak_mib();
    thread::sleep(AFTERWARDS);
    let after = server.resident_mib();
    let rate = granted as f64 / FLOOD.as_secs_f64();
    // No more can be computed at a time than there are cores.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let most = permits.min(cores) as f64 / hash.as_secs_f64();
    println!(
        "{name:<10} {:>8.2} ms {:>8.2} ms {idle:>5} MiB {peak:>5} MiB {after:>5} MiB {rate:>9.1} {:>6.0}% {refused:>8}",
        quiet.as_secs_f64() * 1e3,
        flooded.as_secs_f64() * 1e3,
        100.0 * rate / most,
    );
}

/// Logins that were granted, and those that were told to come again, which wait as they are told.
fn callers(server: &Process) -> (usize, usize) {
    let until = Instant::now() + FLOOD;
    let caller = &|number: usize| {
        let (address, form) =
            (format!("10.0.0.{number}"), format!("username=caller-{number}&password={PASSWORD}"));
        let mut connection = Connection::open(server.address);
        let (mut granted, mut refused) = (0, 0);
        while Instant::now() < until {
            match connection.post_from(&address, "/token", &form) {
                200 => granted += 1,
                503 => {
                    refused += 1;
                    thread::sleep(Duration::from_secs(1));
                }
                status => panic!("a login was answered {status}"),
            }
        }
        (granted, refused)
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|number| scope.spawn(move || caller(number))).collect();
        let counts = callers.into_iter().map(|caller| caller.join().expect("a caller"));
        counts.fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    })
}

/// The 99th percentile of how long `/me` takes.
fn p99(address: SocketAddr, token: &str, during: Duration) -> Duration {
    let mut connection = Connection::open(address);
    let until = Instant::now() + during;
    let mut times = Vec::new();
    while Instant::now() < until {
        let started = Instant::now();
        assert_eq!(connection.get("/me", token), 200);
        times.push(started.elapsed());
        thread::sleep(Duration::from_millis(2).saturating_sub(started.elapsed()));
    }
    times.sort();
    times[times.len() * 99 / 100]
}

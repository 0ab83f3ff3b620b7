//! How long it takes from the answer to a revocation on one server to its refusal on another, for
//! each store that two servers can share. `cargo bench --bench revocation_lag`

#[allow(unused, reason = "the tests use more of it")]
#[path = "../tests/api/backing.rs"]
mod backing;
#[allow(unused, reason = "the tests use more of it")]
#[path = "../tests/api/http.rs"]
mod http;
#[allow(unused, reason = "the tests use more of it")]
#[path = "../tests/api/server.rs"]
mod server;
#[path = "../tests/servers/mod.rs"]
mod servers;
#[allow(unused, reason = "the tests use more of it")]
#[path = "../tests/api/watch.rs"]
mod watch;

use backing::Backing;
use http::Request;
use server::Server;
use std::time::{Duration, Instant};

const REVOCATIONS: usize = 300;

fn main() {
    measure("postgres", &Backing::postgres());
    measure("postgres and redis", &Backing::postgres_and_redis());
}

fn measure(name: &str, on: &Backing) {
    let (a, b) = (on.start(), on.start_with(&[]));
    let mut lags: Vec<_> = (0..REVOCATIONS).map(|_| lag(&a, &b)).collect();
    lags.sort_unstable();
    let at = |percent: usize| shown(lags[(lags.len() * percent).div_ceil(100) - 1]);
    let told = b.send(Request::get("/health/ready")).json()["revocation"]["lag"].clone();
    println!("{name:<19} p50 {}, p99 {}, longest {}; as the server tells: {told}", at(50), at(99), at(100));
}

fn lag(a: &Server, b: &Server) -> Duration {
    let token = a.login("ada");
    assert_eq!(b.me(&token).status, 200);
    assert_eq!(a.send(Request::post("/logout").bearer(&token)).status, 204);
    let answered = Instant::now();
    while b.me(&token).status == 200 {}
    answered.elapsed()
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

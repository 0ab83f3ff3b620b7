//! What a request costs, over HTTP and beside others: see ../README.md.

mod child;
mod fixture;
#[path = "../../../tests/servers/mod.rs"]
mod servers;
mod with_axum;
mod with_rocket;
mod wrk;

use child::Server;
use fixture::Served;
use servers::Redis;
use std::{fs, path::PathBuf};

/// Where a server runs, and where wrk and Redis do.
const CORES: [&str; 2] = ["0", "1"];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["rocket", algorithm] => {
            child::end_with_parent();
            with_rocket::serve(algorithm, "off");
        }
        ["axum", served, ..] => {
            child::end_with_parent();
            let served = fs::read_to_string(served).expect("the file");
            with_axum::serve(words.get(2).copied(), &serde_json::from_str(&served).expect("JSON"));
        }
        [] => compare(15, 1),
        [rounds, seconds] => {
            compare(rounds.parse().expect("a number"), seconds.parse().expect("a number"));
        }
        _ => panic!("usage: countersign-http [ROUNDS SECONDS]"),
    }
}

/// One thing that is asked for again and again.
struct Case<'s> {
    name: &'static str,
    server: &'s Server,
    url: String,
    tokens: PathBuf,
    is_refused: bool,
    rounds: Vec<wrk::Round>,
}

/// The servers.
const ROCKET: usize = 0;
const IN_MEMORY: usize = 1;
const IN_REDIS: usize = 2;

fn compare(rounds: usize, seconds: u32) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let redis = Redis::start();
    pin(redis.pid());
    for algorithm in ["EdDSA", "HS256"] {
        let rocket = Server::start(CORES[0], &["rocket", algorithm]);
        let served: Served = serde_json::from_str(&rocket.said).expect("JSON");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(format!("{algorithm}-{name}"));
            fs::write(&path, text).expect("a file");
            path
        };
        let good = file("good", &served.good.join("\n"));
        let expired = file("expired", &served.expired.join("\n"));
        let forged = file("forged", &served.forged.join("\n"));
        let described = file("served", &rocket.said);
        let described = described.to_str().expect("UTF-8");
        let in_memory = Server::start(CORES[0], &["axum", described]);
        let in_redis = Server::start(CORES[0], &["axum", described, &redis.url()]);
        let case = |name, from: usize, route: &str, tokens: &PathBuf, is_refused| {
            let server = [&rocket, &in_memory, &in_redis][from];
            let address = if from == ROCKET { &served.address } else { &server.said };
            Case {
                name,
                server,
                url: format!("http://{address}{route}"),
                tokens: tokens.clone(),
                is_refused,
                rounds: vec![],
            }
        };
        let mut cases = [
            case("static JSON", ROCKET, "/static", &good, false),
            case("hello world", ROCKET, "/hello", &good, false),
            case("/claims", ROCKET, "/claims", &good, false),
            case("/me", ROCKET, "/me", &good, false),
            case("naive guard", ROCKET, "/naive", &good, false),
            case("/claims, expired", ROCKET, "/claims", &expired, true),
            case("/claims, forged", ROCKET, "/claims", &forged, true),
            case("axum hello", IN_MEMORY, "/hello", &good, false),
            case("axum, memory", IN_MEMORY, "/claims", &good, false),
            case("axum, Redis", IN_REDIS, "/claims", &good, false),
        ];
        // Interleaved, so that what else the machine does falls on all alike.
        for round in 0..=rounds {
            for case in &mut cases {
                let done = wrk::drive(CORES[1], &case.url, &case.tokens, seconds, case.server);
                assert!(done.refused == if case.is_refused { done.requests } else { 0.0 }, "{}", case.name);
                // The first warms everything up.
                if round > 0 {
                    case.rounds.push(done);
                }
            }
        }
        report(algorithm, &cases);
    }
}

fn report(algorithm: &str, cases: &[Case<'_>]) {
    println!(
        "\n{algorithm:<18} {:>10} {:>10} {:>12} {:>10}",
        "requests/s", "of static", "CPU µs each", "of static"
    );
    let first = &cases[0].rounds;
    for case in cases {
        let rate = median(case.rounds.iter().map(wrk::Round::rate));
        let cpu = median(case.rounds.iter().map(wrk::Round::cpu_each));
        let of_rate = median(case.rounds.iter().zip(first).map(|(a, b)| a.rate() / b.rate()));
        let of_cpu = median(case.rounds.iter().zip(first).map(|(a, b)| a.cpu_each() / b.cpu_each()));
        println!("{:<18} {rate:>10.0} {of_rate:>10.3} {cpu:>12.2} {of_cpu:>10.3}", case.name);
    }
    let of = |a: usize, b: usize| {
        median(cases[a].rounds.iter().zip(&cases[b].rounds).map(|(a, b)| a.rate() / b.rate()))
    };
    println!("/claims : axum, Redis {:.2}; : axum, memory {:.2}", of(2, 9), of(2, 8));
    println!("expired : /claims {:.3}; forged : /claims {:.3}", of(5, 2), of(6, 2));
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Redis works beside wrk, so that what it does is not counted against the server that asks it.
fn pin(process: u32) {
    let done = std::process::Command::new("taskset").args(["-apc", CORES[1], &process.to_string()]).output();
    assert!(done.expect("taskset").status.success());
}

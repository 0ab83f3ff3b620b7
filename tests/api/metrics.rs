//! `/metrics`: who can read it, that it counts what happened, and that it tells nothing of anybody.

use crate::{
    deployment::promtool,
    http::{Reply, Request},
    server::{KEY, PASSWORD, Server, run},
    servers::eventually,
};
use std::{
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    process::Stdio,
};
use tempfile::TempDir;

/// What a server tells at `/metrics`.
pub fn scrape(server: &Server) -> String {
    let reply = server.send(Request::get("/metrics"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text().to_owned()
}

/// The number of the series that has all of these in its name and labels.
#[track_caller]
pub fn value(text: &str, name: &str, labels: &[&str]) -> f64 {
    let mut lines = text.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    let line = lines.next().unwrap_or_else(|| panic!("no {name} {labels:?} in {text}"));
    assert_eq!(lines.next(), None, "{name} {labels:?} is not one");
    line.rsplit(' ').next().expect("a number").parse().expect("a number")
}

fn has(text: &str, name: &str, labels: &[&str]) -> bool {
    text.lines().any(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
}

#[test]
fn nobody_reads_them_unless_they_are_switched_on() {
    for settings in [&[("ROCKET_PROFILE", "release")][..], &[("COUNTERSIGN_METRICS", "off")]] {
        let server = Server::start_with(settings);
        let reply = server.send(Request::get("/metrics"));
        assert_eq!((reply.status, &reply.json()["error"]), (404, &"not_found".into()), "{settings:?}");
    }
    let server = Server::start_with(&[("ROCKET_PROFILE", "release"), ("COUNTERSIGN_METRICS", "on")]);
    let reply = server.send(Request::get("/metrics"));
    let kind = reply.header("content-type").expect("a type").replace(' ', "");
    assert_eq!((reply.status, &*kind), (200, "text/plain;version=0.0.4;charset=utf-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

/// Where a server that was told to take any free port has its metrics.
pub fn own_address(server: &Server) -> SocketAddr {
    const SAID: &str = "the metrics are at http://";
    assert!(server.says(SAID), "{}", server.log());
    let log = server.log();
    let rest = &log[log.find(SAID).expect("said") + SAID.len()..];
    rest.split('/').next().expect("an address").parse().expect("an address")
}

#[test]
fn an_address_of_their_own_is_the_only_one_and_ends_with_the_server() {
    let server = Server::start_with(&[("COUNTERSIGN_METRICS", "127.0.0.1:0")]);
    let own = own_address(&server);
    assert_ne!(own, server.address);
    assert_eq!(server.send(Request::get("/metrics")).status, 404);
    assert_eq!(server.send(Request::get("/health/live")).status, 200);
    let ask = |path: &str| -> Reply { Request::get(path).send(own) };
    let told = ask("/metrics");
    assert_eq!(told.status, 200);
    assert_eq!(value(told.text(), "countersign_http_requests_total", &["/health/live"]), 1.0);
    for path in ["/", "/me", "/health/live", "/token"] {
        let reply = ask(path);
        assert_eq!((reply.status, &reply.json()["error"]), (404, &"not_found".into()), "{path}");
    }
    server.signal("TERM");
    assert_eq!(server.ended().0, Some(0));
    eventually("nobody listens there", || TcpStream::connect(own).is_err());
}

#[test]
fn an_address_that_cannot_be_used_keeps_the_server_from_starting() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    for address in [&*address, "192.0.2.1:9100"] {
        let folder = TempDir::new().expect("a folder");
        let settings = [("COUNTERSIGN_SIGNING_KEY", KEY), ("COUNTERSIGN_METRICS", address)];
        let output = run(folder.path(), &settings, &["serve"], "");
        let log = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{log}");
        assert!(log.contains(&format!("METRICS: the address {address} cannot be used: ")), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn a_path_is_never_told_whatever_is_asked_for() {
    let server = Server::start();
    let before = scrape(&server).lines().count();
    for number in 0..50 {
        server.send(Request::get(&format!("/nothing/{number}?ada={number}")));
        server.send(Request::new("DELETE", &format!("/sessions/{number}")));
    }
    for number in 0..20 {
        server.send(Request::new("PATCH", &format!("/me/{number}")));
    }
    let text = scrape(&server);
    assert_eq!(
        value(&text, "countersign_http_requests_total", &["\"GET\"", "\"unmatched\"", "\"404\""]),
        50.0,
        "{text}"
    );
    let patches = ["\"PATCH\"", "\"unmatched\"", "\"404\""];
    assert_eq!(value(&text, "countersign_http_requests_total", &patches), 20.0, "{text}");
    let pattern = ["\"DELETE\"", "\"/sessions/<id>\"", "\"401\""];
    assert_eq!(value(&text, "countersign_http_requests_total", &pattern), 50.0, "{text}");
    assert!(!text.contains("nothing") && !text.contains("/me/"), "{text}");
    // Three more series, their buckets, and the refusals.
    assert!(text.lines().count() - before < 100, "{before}, then {}", text.lines().count());
}

#[test]
fn requests_are_counted_by_pattern_and_status_and_their_times_add_up() {
    let server = Server::start();
    let token = server.login("ada");
    for _ in 0..7 {
        server.accepts(&token);
    }
    server.send(Request::new("HEAD", "/me").bearer(&token));
    for _ in 0..3 {
        server.refuses("a.b.c");
    }
    let text = scrape(&server);
    let me = ["\"GET\"", "route=\"/me\""];
    assert_eq!(value(&text, "countersign_http_requests_total", &[me[0], me[1], "\"200\""]), 8.0, "{text}");
    assert_eq!(value(&text, "countersign_http_requests_total", &[me[0], me[1], "\"401\""]), 3.0, "{text}");
    assert_eq!(value(&text, "countersign_http_request_duration_seconds_count", &me), 11.0);
    let all = [me[0], me[1], "le=\"+Inf\""];
    assert_eq!(value(&text, "countersign_http_request_duration_seconds_bucket", &all), 11.0);
    assert!(value(&text, "countersign_http_request_duration_seconds_sum", &me) > 0.0);
}

#[test]
fn what_is_refused_is_told_by_its_reason_and_by_nothing_else() {
    let server = Server::start();
    let form = |pairs: &[(&str, &str)]| server.send(Request::post("/token").form(pairs));
    form(&[("username", "ada"), ("password", "wrong")]);
    form(&[("username", "ada"), ("password", "wrong")]);
    form(&[("username", "nobody-by-that-name"), ("password", "wrong")]);
    let login = form(&[("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")]).json();
    let text_of = |name: &str| login[name].as_str().expect("a token").to_owned();
    let first = text_of("refresh_token");
    let refresh = |token: &str| form(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let second = refresh(&first).json()["refresh_token"].as_str().expect("a token").to_owned();
    let third = refresh(&second).json()["refresh_token"].as_str().expect("a token").to_owned();
    assert_eq!(refresh(&first).status, 400, "two generations old");
    assert_eq!(refresh(&third).status, 400, "its session has ended");
    server.send(Request::get("/me"));
    server.refuses(&text_of("access_token"));
    server.send(Request::get("/me").bearer("a.b.c").header("Authorization", "Bearer a.b.c"));
    server.send(Request::get("/admin/users").bearer(&server.login("ada")));

    let text = scrape(&server);
    for (name, labels, times) in [
        ("countersign_logins_total", &["\"done\""][..], 2.0),
        ("countersign_logins_total", &["\"refused\""], 3.0),
        ("countersign_logins_total", &["\"failed\""], 0.0),
        ("countersign_grant_refusals_total", &["\"password\"", "\"wrong_password\""], 2.0),
        ("countersign_grant_refusals_total", &["\"password\"", "\"no_such_user\""], 1.0),
        ("countersign_grant_refusals_total", &["\"refresh_token\"", "\"reused\""], 1.0),
        ("countersign_grant_refusals_total", &["\"refresh_token\"", "\"invalid_grant\""], 1.0),
        ("countersign_refreshes_total", &["\"done\""], 2.0),
        ("countersign_refreshes_total", &["\"refused\""], 2.0),
        ("countersign_refresh_reuses_total", &[], 1.0),
        ("countersign_token_refusals_total", &["\"no_credentials\""], 1.0),
        ("countersign_token_refusals_total", &["\"revoked\""], 1.0),
        ("countersign_token_refusals_total", &["\"ambiguous\""], 1.0),
        ("countersign_token_refusals_total", &["\"missing_role\""], 1.0),
    ] {
        assert_eq!(value(&text, name, labels), times, "{name} {labels:?}: {text}");
    }
    assert!(value(&text, "countersign_deny_list_entries", &[]) >= 1.0);
    for private in ["ada", "nobody-by", PASSWORD, KEY, "127.0.0.1", "csr_", "eyJ"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
}

#[test]
fn logins_that_find_the_queue_full_are_counted() {
    let server = Server::start_with(&[
        ("COUNTERSIGN_PASSWORD__PERMITS", "1"),
        ("COUNTERSIGN_PASSWORD__QUEUE", "1"),
        ("COUNTERSIGN_LOGIN__LIMITS", "off"),
    ]);
    server.user("ada", &[]);
    let refused: f64 = std::thread::scope(|scope| {
        let login =
            || server.send(Request::post("/token").form(&[("username", "ada"), ("password", "wrong")]));
        let logins: Vec<_> = (0..24).map(|_| scope.spawn(login)).collect();
        let refused = logins.into_iter().filter_map(|login| login.join().ok()).filter(|it| it.status == 503);
        refused.count() as f64
    });
    assert!(refused > 0.0, "24 at once are more than two");
    let text = scrape(&server);
    assert_eq!(value(&text, "countersign_hash_refusals_total", &[]), refused);
    assert_eq!(value(&text, "countersign_logins_total", &["\"failed\""]), refused);
    assert_eq!(value(&text, "countersign_hash_queue_limit", &[]), 1.0);
    assert_eq!(value(&text, "countersign_hash_threads", &[]), 1.0);
    assert!(value(&text, "countersign_hash_duration_seconds_count", &[]) >= 24.0 - refused);
    assert!(value(&text, "countersign_hash_duration_seconds_sum", &[]) > 0.0);
}

#[test]
fn keys_have_an_age_unless_they_are_given() {
    let given = scrape(&Server::start());
    assert!(!has(&given, "countersign_key_age_seconds{", &[]), "{given}");
    assert!(!has(&given, "countersign_key_retirement_seconds{", &[]), "{given}");
    let kept =
        Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_KEYS__STORE", "file:keys.json")]);
    let text = scrape(&kept);
    let age = value(&text, "countersign_key_age_seconds", &["\"signing\""]);
    assert!((0.0..600.0).contains(&age), "{age}");
    let left = value(&text, "countersign_key_retirement_seconds", &["\"signing\""]);
    assert_eq!(age + left, 90.0 * 86_400.0, "the period");
    kept.cli(&["keys", "rotate"], "");
    eventually("its successor is there", || {
        has(&scrape(&kept), "countersign_key_age_seconds", &["\"published\""])
    });
    let sooner = value(&scrape(&kept), "countersign_key_retirement_seconds", &["\"signing\""]);
    assert!((0.0..left).contains(&sooner), "{sooner}, not {left}");
}

#[test]
fn stores_and_their_connections_are_told() {
    let text = scrape(&Server::start());
    assert_eq!(value(&text, "countersign_ready", &[]), 1.0);
    for store in ["users", "sessions", "clients", "attempts"] {
        assert_eq!(value(&text, "countersign_store_up", &[&format!("\"{store}\"")]), 1.0);
    }
    assert_eq!(value(&text, "countersign_store_connections_max", &["\"sqlite_writer\""]), 1.0);
    let max = value(&text, "countersign_store_connections_max", &["\"sqlite\""]);
    let idle = value(&text, "countersign_store_connections", &["\"sqlite\"", "\"idle\""]);
    let in_use = value(&text, "countersign_store_connections", &["\"sqlite\"", "\"in_use\""]);
    assert!(max >= 1.0 && idle + in_use >= 1.0 && idle + in_use <= max, "{idle} {in_use} {max}");
    assert_eq!(value(&text, "countersign_build_info", &[env!("CARGO_PKG_VERSION")]), 1.0);
    assert!(value(&text, "process_start_time_seconds", &[]) > 1.7e9);
    assert_eq!(value(&text, "countersign_audit_lines_lost_total", &[]), 0.0);
}

#[test]
fn prometheus_finds_nothing_to_complain_of() {
    let server =
        Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_KEYS__STORE", "file:keys.json")]);
    server.user("ada", &[]);
    server.send(Request::post("/token").form(&[("username", "ada"), ("password", "wrong")]));
    server.refuses("a.b.c");
    server.login("ada");
    let mut check = promtool(server.folder.path());
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = check.spawn().expect("promtool runs");
    child.stdin.take().expect("its input").write_all(scrape(&server).as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

//! The audit trail over HTTP and from the command line: each thing that happens is one line, of which
//! nobody can be told without the key.

use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::{PASSWORD, Server},
    servers::eventually,
    tokens::{offline, refresh, text},
};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread,
    time::Duration,
};

on_every_store![
    each_thing_that_happens_is_one_line_in_the_log_and_in_the_store,
    a_line_tells_of_people_sessions_and_addresses_by_pseudonyms_alone,
    what_costs_nothing_is_told_now_and_then,
];

pub fn exported(server: &Server, more: &[&str]) -> Vec<Value> {
    let lines = server.cli(&[&["audit", "export"], more].concat(), "");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The lines of the log that belong to the trail.
fn logged(server: &Server) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| line.split_once(" INFO countersign::audit: "));
    lines.map(|(_, line)| serde_json::from_str(line).expect("JSON")).collect()
}

fn words(line: &Value) -> String {
    let word = |member: &str| line[member].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", word("event"), word("outcome"), word("reason"))
}

fn login(server: &Server, name: &str, password: &str) -> u16 {
    server.send(Request::post("/token").form(&[("username", name), ("password", password)])).status
}

// G03
fn each_thing_that_happens_is_one_line_in_the_log_and_in_the_store(on: &Backing) {
    let server = on.start();
    server.user("eve", &[]);
    let before = exported(&server, &[]).len();
    assert_eq!(login(&server, "ada", "not the password"), 400);
    assert_eq!(login(&server, "nobody", "not the password"), 400);
    let (access, first) = offline(&server);
    let second = text(&refresh(&server, &first), "refresh_token");
    let third = text(&refresh(&server, &second), "refresh_token");
    assert_eq!(refresh(&server, &first).status, 400, "older than the parent of the current one");
    server.refuses(&access);
    assert_eq!(refresh(&server, &third).status, 400, "its session is over");
    let eve = server.login("eve");
    assert_eq!(server.send(Request::post("/logout").bearer(&eve)).status, 204);
    let eve = server.login("eve");
    assert_eq!(server.send(Request::new("DELETE", "/sessions").bearer(&eve)).status, 200);
    let eve = server.login("eve");
    assert_eq!(server.send(Request::post("/revoke").form(&[("token", &eve)])).status, 200);
    server.cli(&["user", "set-roles", "eve", "editor"], "");
    server.cli(&["user", "disable", "eve"], "");
    assert_eq!(login(&server, "eve", PASSWORD), 400);
    server.cli(&["user", "enable", "eve"], "");
    server.cli(&["user", "delete", "eve"], "");
    let expected = [
        "login refused wrong_password",
        "login refused no_such_user",
        "login done -",
        "refresh done -",
        "refresh done -",
        "reuse refused invalid_grant",
        "refresh refused invalid_grant",
        "login done -",
        "session_end done -",
        "login done -",
        "sessions_end done -",
        "login done -",
        "revocation done -",
        "user_roles done -",
        "user_disable done -",
        "login refused disabled",
        "user_enable done -",
        "user_delete done -",
    ];
    let told = || exported(&server, &[])[before..].iter().map(words).collect::<Vec<_>>();
    eventually("all is in the store", || told().len() >= expected.len());
    // What is done by command is written at once, what the server does a moment later.
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    assert_eq!(sorted(told()), sorted(expected.map(str::to_owned).to_vec()));
    let by_server: Vec<_> = expected.into_iter().filter(|words| !words.starts_with("user_")).collect();
    // Behind the first admin, whom the server has made.
    assert_eq!(logged(&server)[1..].iter().map(words).collect::<Vec<_>>(), by_server);
}

fn a_line_tells_of_people_sessions_and_addresses_by_pseudonyms_alone(on: &Backing) {
    let server = on.start();
    let (access, first) = offline(&server);
    refresh(&server, &first);
    login(&server, "ada", "not the password");
    login(&server, "nobody in particular", "not the password");
    let user =
        server.send(Request::get("/me").bearer(&access)).json()["id"].as_str().expect("an id").to_owned();
    let sessions = server.send(Request::get("/sessions").bearer(&access)).json();
    let session = sessions["sessions"][0]["id"].as_str().expect("an id").to_owned();
    eventually("all is in the store", || exported(&server, &[]).len() >= 5);
    let lines = exported(&server, &[]);
    for line in &lines {
        let text = line.to_string();
        for telling in ["ada", "nobody", &user, &session, "127.0.0.1", &access, &first, PASSWORD] {
            assert!(!text.contains(telling), "{telling} in {text}");
        }
    }
    let of = |event: &str, outcome: &str| {
        lines.iter().find(|line| line["event"] == event && line["outcome"] == outcome).expect("a line")
    };
    let (login, refresh, wrong) = (of("login", "done"), of("refresh", "done"), of("login", "refused"));
    assert_eq!(login["user"], refresh["user"]);
    assert_eq!(login["user"], wrong["user"], "whose password was guessed at");
    assert_eq!(login["session"], refresh["session"]);
    assert_eq!(login["address"], wrong["address"]);
    assert_eq!((&login["client"], &login["by"]), (&Value::from("first-party"), &Value::Null));
    let about = |name: &str| exported(&server, &["--user", name]).iter().map(words).collect::<Vec<_>>();
    assert_eq!(
        about("ada"),
        ["user_add done -", "login done -", "refresh done -", "login refused wrong_password"],
        "with the key they can be told"
    );
    assert_eq!(about("eve"), [""; 0]);
}

fn what_costs_nothing_is_told_now_and_then(on: &Backing) {
    let server = on.start();
    for _ in 0..40 {
        assert_eq!(server.send(Request::post("/token").raw_form("grant_type=nonsense")).status, 400);
        assert_eq!(server.send(Request::post("/revoke").raw_form("token=nonsense")).status, 200);
    }
    let told = logged(&server);
    assert!(!told.is_empty() && told.len() < 40, "{} of 80 were told", told.len());
}

#[test]
fn a_change_of_keys_is_told() {
    let server = Server::start_with(&[
        ("COUNTERSIGN_SIGNING_KEY", ""),
        ("COUNTERSIGN_KEYS__STORE", "file:keys.json"),
        ("COUNTERSIGN_KEYS__MAX_AGE", "1"),
    ]);
    server.cli(&["keys", "rotate", "--in", "1"], "");
    let keys: Value = serde_json::from_str(&server.cli(&["keys", "list", "--json"], "")).expect("JSON");
    let kid = keys[1]["kid"].as_str().expect("a kid");
    server.cli(&["keys", "revoke", kid], "");
    let about_keys = || {
        let lines = exported(&server, &[]);
        let lines =
            lines.iter().filter(|line| line["event"].as_str().is_some_and(|event| event.starts_with("key_")));
        lines.map(|line| (words(line), line["by"].clone(), line["detail"].clone())).collect::<Vec<_>>()
    };
    eventually("the first key is told of", || about_keys().len() >= 3);
    let told = |words: &str, by: &str, kid: &str| {
        let line = (words.to_owned(), Value::from(by), Value::from(kid));
        assert!(about_keys().contains(&line), "{line:?} in {:?}", about_keys());
    };
    told("key_generate done -", "server", keys[0]["kid"].as_str().expect("a kid"));
    told("key_rotate done -", "command_line", kid);
    told("key_revoke done -", "command_line", kid);
}

#[test]
fn the_newest_lines_are_shown_and_those_that_come() {
    let server = Server::start();
    for _ in 0..3 {
        server.login("ada");
    }
    eventually("all is in the store", || exported(&server, &[]).len() >= 4);
    let tail = |arguments: &[&str]| server.cli(&[&["audit", "tail"], arguments].concat(), "").lines().count();
    assert_eq!((tail(&["-n", "2"]), tail(&["-n", "0"]), tail(&["-n", "99", "--user", "ada"])), (2, 0, 4));
}

/// What is under way is finished, and told of, before the store is let go.
#[test]
fn whoever_logs_in_while_the_server_is_told_to_end_is_let_in_and_told_of() {
    let (folder, done) = {
        let server = Server::start_with(&[("COUNTERSIGN_PASSWORD__PERMITS", "1")]);
        server.user("ada", &[]);
        let answered = thread::scope(|scope| {
            let login = || {
                let mut stream = TcpStream::connect(server.address).expect("connected");
                let form = format!("username=ada&password={PASSWORD}");
                let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
                write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).expect("sent");
                let mut answer = [0; 12];
                // One that was not taken any more is no answer.
                stream.read_exact(&mut answer).map(|()| answer).ok()
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(login)).collect();
            thread::sleep(Duration::from_millis(30));
            let killed = Command::new("kill").args(["-TERM", &server.pid().to_string()]).status();
            assert!(killed.expect("kill runs").success());
            all.into_iter().filter_map(|login| login.join().expect("no panic")).collect::<Vec<_>>()
        });
        for answer in &answered {
            assert_eq!(answer, b"HTTP/1.1 200");
        }
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("Linux");
        eventually("it has ended, and waits to be buried", || stat().contains(") Z "));
        assert!(!server.log().contains("closed pool"), "{}", server.log());
        let done = logged(&server).iter().filter(|line| words(line) == "login done -").count();
        assert!(done >= answered.len());
        (server.kill(), done)
    };
    let server = Server::start_in(folder, &[]);
    let kept = exported(&server, &[]).iter().filter(|line| words(line) == "login done -").count();
    assert_eq!(kept, done, "no line is lost");
}

#[test]
fn a_client_that_cannot_prove_itself_and_what_an_admin_does_to_it_are_told() {
    let server = Server::start_with(&[("COUNTERSIGN_SCOPES", "items")]);
    server.user("root", &["admin"]);
    let root = server.login("root");
    let client = r#"{"id": "worker", "scope": "items"}"#;
    let added = Request::post("/admin/clients").bearer(&root).body("application/json", client);
    assert_eq!(server.send(added).status, 201);
    let wrong = [("grant_type", "client_credentials"), ("client_id", "worker"), ("client_secret", "wrong")];
    assert_eq!(server.send(Request::post("/token").form(&wrong)).status, 401);
    let lines = || exported(&server, &[]);
    eventually("all is in the store", || lines().iter().any(|line| line["event"] == "client_authentication"));
    let lines = lines();
    let of = |event: &str| lines.iter().find(|line| line["event"] == event).expect("a line");
    assert_eq!(words(of("client_authentication")), "client_authentication refused invalid_client");
    assert_eq!(
        (&of("client_add")["client"], &of("client_add")["by"]),
        (&Value::from("worker"), &of("login")["user"])
    );
}

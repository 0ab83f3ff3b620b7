//! `countersign attack`: the kit against servers that run, good ones and bad ones.

use crate::{
    key::Key,
    server::{Server, run},
};
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    process::Output,
    thread::{JoinHandle, spawn},
};
use tempfile::TempDir;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// Runs `countersign attack ARGUMENTS` somewhere else than the server, with the token on its input.
fn attack(arguments: &[&str], token: &str) -> Output {
    let folder = TempDir::new().expect("a folder");
    run(folder.path(), &[], &[&["attack", "--token-stdin"], arguments].concat(), token)
}

#[track_caller]
fn finds(output: &Output, code: i32) -> String {
    let (printed, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{printed}{complaint}");
    for output in [printed, complaint] {
        assert!(!output.contains("eyJ") && !output.contains("panicked"), "{output}");
    }
    format!("{printed}{complaint}")
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address)
}

#[test]
fn a_server_of_ours_answers_all_as_it_must() {
    let server = Server::start();
    let token = server.login("ada");
    let found = finds(&attack(&[&url(&server, "/me")], &token), 0);
    assert!(found.starts_with("GET http://127.0.0.1:") && found.contains(" answers are right"), "{found}");
    finds(&attack(&[&url(&server, "/me?page=1"), "--header", "X-A: b"], &token), 0);
    finds(&attack(&[&url(&server, "/sessions"), "--method", "get"], &format!("Bearer {token}\n")), 0);
    server.accepts(&token);
}

#[test]
fn its_own_keys_find_nothing_more_by_any_algorithm() {
    for key in [Key::hs256(), Key::eddsa(), Key::es256(), Key::rs256()] {
        let server = Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", &key.setting)]);
        server.user("root", &["admin"]);
        let token = server.login("root");
        let (me, users) = (url(&server, "/me"), url(&server, "/admin/users"));
        let found = server.cli(&["attack", &me, "--token", &token, "--sign"], "");
        let count = |found: &str| {
            let words: Vec<_> = found.split(' ').collect();
            words.windows(2).find(|pair| pair[1] == "answers").map(|pair| pair[0].parse().expect("a number"))
        };
        let signed: u32 = count(&found).expect(&found);
        let found = server.cli(&["attack", &users, "--token", &token, "--sign", "--role", "admin"], "");
        let with_role: u32 = count(&found).expect(&found);
        assert!(signed > 350 && with_role > signed + 5, "{signed} {with_role}");
        if !key.is_secret() {
            let jwks = url(&server, "/.well-known/jwks.json");
            let found = finds(&attack(&[&me, "--jwks", &jwks], &token), 0);
            let public: u32 = count(&found).expect(&found);
            let without: u32 = count(&finds(&attack(&[&me], &token), 0)).expect("a number");
            assert!(public > without + 8, "{public} {without}");
        }
    }
}

#[test]
fn a_route_that_anybody_may_call_is_found_out() {
    let server = Server::start();
    let token = server.login("ada");
    let found = finds(&attack(&[&url(&server, "/health/live")], &token), 1);
    assert!(found.contains("not tried without the keys"), "{found}");
    for line in ["alg none, no signature", "no credentials", "A01 RFC 8725 §3.2", "nobody has to log in"] {
        assert!(found.contains(line), "{line}: {found}");
    }
    let output = attack(&[&url(&server, "/health/live"), "--json"], &token);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let wrong = json["wrong"].as_array().expect("an array");
    assert!(output.status.code() == Some(1) && wrong.len() > 100 && json["asked"].as_u64() > Some(150));
    assert!(wrong.iter().all(|wrong| wrong["let_in"] == true && wrong["got"] == "200"), "{json}");
}

#[test]
fn a_good_token_that_is_refused_ends_it_at_once() {
    let server = Server::start();
    let token = server.login("ada");
    let other = Server::start();
    let found = finds(&attack(&[&url(&other, "/me")], &token), 1);
    assert!(found.contains("1 of 1 answers") && found.contains("a good token was refused"), "{found}");
    let found = finds(&attack(&[&url(&server, "/admin/users")], &token), 1);
    assert!(found.contains("lacks a role or a scope"), "{found}");
    let found = finds(&attack(&[&url(&server, "/nowhere")], &token), 1);
    assert!(found.contains("nothing here takes this request"), "{found}");
}

#[test]
fn without_a_server_it_says_so() {
    let server = Server::start();
    let token = server.login("ada");
    let gone = url(&server, "/me");
    drop(server);
    let found = finds(&attack(&[&gone], &token), 1);
    assert!(found.contains("Connection refused"), "{found}");
}

#[test]
fn another_machine_is_not_attacked_unasked() {
    let token = Server::start().login("ada");
    for url in [
        "http://192.0.2.1/me",
        "https://api.example/me",
        "http://localhost.example/me",
        "http://127.0.0.1.example/me",
        "http://[2001:db8::1]/me",
        "http://0.0.0.0/me",
    ] {
        let found = finds(&attack(&[url], &token), 2);
        assert!(found.contains("--allow-remote"), "{url}: {found}");
    }
    let found = finds(&attack(&["http://127.0.0.1:9/", "--jwks", "http://192.0.2.1/"], &token), 2);
    assert!(found.contains("--jwks: 192.0.2.1 is another machine"), "{found}");
    for url in
        ["http://127.0.0.2:9/", "http://localhost:9/", "http://[::1]:9/", "http://[::ffff:127.0.0.1]:9/"]
    {
        finds(&attack(&[url], &token), 1);
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let token = Server::start().login("ada");
    let local = "http://127.0.0.1:9/";
    for (arguments, token, named) in [
        (&[local][..], "", "the token"),
        (&[local], "no token", "the token"),
        (&["me"], &token, "invalid value 'me' for '<URL>'"),
        (&["ftp://127.0.0.1/"], &token, "http://"),
        (&[local, "--header", "Authorization: Basic x"], &token, "the tokens are what is tried"),
        (&[local, "--header", "X"], &token, "NAME: VALUE"),
        (&[local, "--header", "a b: c"], &token, "not the name of a header"),
        (&[local, "--method", "GET IT"], &token, "--method"),
        (&[local, "--header", "Content-Length: 5"], &token, "the client's own"),
        (&["http://u:hunter2@127.0.0.1:9/"], &token, "URL: a user or a password has no place in it"),
        (&[local, "--role", "admin"], &token, "--sign"),
        (&[local, "--token", &token], &token, "--token-stdin"),
    ] {
        let output = attack(arguments, token);
        let complaint = text(&output.stderr);
        assert!(output.status.code() == Some(2) && complaint.contains(named), "{arguments:?}: {complaint}");
    }
    let found = finds(&attack(&[local, "--sign"], &token), 1);
    assert!(found.contains("there are no keys in countersign.keys.json"), "{found}");
    // Signing with other keys than those that signed the good token would say nothing.
    let server = Server::start();
    let other = Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", &Key::eddsa().setting)]);
    other.user("ada", &[]);
    let me = url(&other, "/me");
    let output = server.try_cli(&["attack", &me, "--token", &other.login("ada"), "--sign"]);
    let complaint = text(&output.stderr);
    assert!(
        output.status.code() == Some(2) && complaint.contains("--sign: none of the ring's keys"),
        "{complaint}"
    );
}

/// A server of somebody's own that answers each request as `answer` says of its head.
struct Crooked(SocketAddr, Option<JoinHandle<()>>);

impl Crooked {
    fn start(answer: fn(&str) -> &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let serving = spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut head = String::new();
                let mut lines = BufReader::new(stream.try_clone().expect("the same"));
                while lines.read_line(&mut head).is_ok_and(|read| read > 2) {}
                if head.starts_with("STOP") {
                    return;
                }
                let answer = answer(&head);
                let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self(address, Some(serving))
    }
}

impl Drop for Crooked {
    fn drop(&mut self) {
        let mut stream = std::net::TcpStream::connect(self.0).expect("it is there");
        stream.write_all(b"STOP\r\n\r\n").expect("told");
        self.1.take().expect("it runs").join().expect("it ended");
    }
}

#[test]
fn a_server_that_believes_what_a_token_says_is_found_out() {
    const INVALID: &str = "401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"";
    let crooked = Crooked::start(|head| {
        let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
        match token {
            None => "401 Unauthorized\r\nWWW-Authenticate: Bearer",
            // It looks at the header's form, and never at the signature.
            Some(token) if token.starts_with("ey") && token.split('.').count() == 3 => "204 No Content",
            Some(_) => INVALID,
        }
    });
    let token = Server::start().login("ada");
    let found = finds(&attack(&[&format!("http://{}/", crooked.0), "--method", "DELETE"], &token), 1);
    for row in ["A01", "A02", "A03", "A04", "A07", "A11", "A14", "C14"] {
        assert!(found.contains(&format!("  {row} ")), "{row}: {found}");
    }
    assert!(found.starts_with("DELETE "), "{found}");
}

#[test]
fn a_server_that_hangs_up_or_repeats_what_it_was_sent_is_reported_to_the_end() {
    let crooked =
        Crooked::start(|head| match head.lines().find_map(|line| line.strip_prefix("authorization: ")) {
            None => "401 Unauthorized\r\nWWW-Authenticate: Bearer",
            Some(value)
                if value.to_lowercase().starts_with("bearer ey") && !value.contains([',', '\\', '"']) =>
            {
                "200 OK"
            }
            Some(_) => "",
        });
    let token = Server::start().login("ada");
    let found = finds(&attack(&[&format!("http://{}/", crooked.0)], &token), 1);
    assert!(found.contains("  no answer  ") && found.contains(" let in"), "{found}");
}

//! The server goes on while stderr is not read.

use crate::{
    http::{Request, reply_on},
    metrics::value,
    server::{KEY, program, run},
    servers::eventually,
};
use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    process::{Child, Command},
    thread,
    time::Duration,
};
use tempfile::TempDir;

const SETTINGS: [(&str, &str); 2] = [("COUNTERSIGN_SIGNING_KEY", KEY), ("RUST_LOG", "debug")];

/// A server whose stderr is a pipe that is not read yet.
fn unread(folder: &TempDir) -> (Child, SocketAddr) {
    let mut child = program(folder.path(), &SETTINGS, &[]).spawn().expect("started");
    let mut first = String::new();
    let stdout = child.stdout.as_mut().expect("its output");
    BufReader::new(stdout).read_line(&mut first).expect("a line");
    let address = first.trim_end().rsplit('/').next().expect("an address").parse();
    (child, address.expect("an address"))
}

/// Far more than a pipe holds (64 KiB) is told of these.
const REQUESTS: usize = 4_000;

fn ask(address: SocketAddr) {
    let ask = |of: usize| {
        let mut connection = TcpStream::connect(address).expect("a connection");
        connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        for at in 0..REQUESTS / 4 {
            let request = format!("GET /me HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: r-{of}-{at}\r\n\r\n");
            assert_eq!(reply_on(&mut connection, request.as_bytes()).status, 401);
        }
    };
    thread::scope(|scope| {
        for of in 0..4 {
            scope.spawn(move || ask(of));
        }
    });
}

fn terminate(child: &Child) {
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
}

#[test]
fn all_requests_are_answered_while_stderr_is_not_read() {
    let folder = TempDir::new().expect("a folder");
    let (mut child, address) = unread(&folder);
    ask(address);
    let login = Request::post("/token").form(&[("username", "nobody"), ("password", "a-wrong-password")]);
    assert_eq!(login.send(address).status, 400);
    eventually("the audit trail is complete all the same", || {
        let export = run(folder.path(), &SETTINGS, &["audit", "export"], "");
        String::from_utf8_lossy(&export.stdout).contains("\"login\"")
    });
    let text = Request::get("/metrics").send(address);
    assert_eq!(value(text.text(), "countersign_log_lines_dropped_total", &[]), 0.0, "there was room");
    terminate(&child);
    let mut ended = None;
    eventually("it ends", || {
        ended = child.try_wait().expect("a child");
        ended.is_some()
    });
    assert_eq!(ended.and_then(|status| status.code()), Some(0));
}

#[test]
fn queued_lines_are_written_once_stderr_is_read() {
    let folder = TempDir::new().expect("a folder");
    let (mut child, address) = unread(&folder);
    ask(address);
    let mut stderr = child.stderr.take().expect("its log");
    let reader = thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).expect("text");
        log
    });
    terminate(&child);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let log = reader.join().expect("the log");
    let lines = log.lines().filter(|line| line.contains(" countersign::request: id=r-")).count();
    assert_eq!(lines, REQUESTS);
}

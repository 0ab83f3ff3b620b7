//! `deploy/nginx.conf` in front of a server: what is slow is ended there, and nobody else notices.

use crate::{
    http::Request,
    server::{PASSWORD, Server},
    servers::{Nginx, eventually},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

#[test]
fn the_configuration_is_one_that_nginx_takes() {
    assert_eq!(Nginx::verdict(), Ok(()));
}

/// Sends one piece after the other, a second apart, until the other side hangs up, and returns what it said.
fn drip(to: SocketAddr, pieces: impl Iterator<Item = Vec<u8>>) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answer = Vec::new();
    for piece in pieces {
        let sent = stream.write_all(&piece).is_ok();
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) => return String::from_utf8(answer).unwrap(),
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) && sent => {}
            Err(_) => return String::from_utf8(answer).unwrap(),
        }
    }
    panic!("still open after all was sent")
}

// D01
#[test]
fn slow_headers_slow_bodies_and_idle_connections_end_and_keep_nobody_else_waiting() {
    let server = Server::start();
    let token = server.login("ada");
    let nginx = Nginx::before(server.address);
    let front = nginx.address();
    let me = || Request::get("/me").bearer(&token).send(front);
    assert_eq!(me().status, 200);

    // Two thousand that say nothing, or half of a header.
    let idle: Vec<_> = (0..2_000)
        .map(|number| {
            let mut stream = TcpStream::connect(front).unwrap();
            if number % 2 == 0 {
                stream.write_all(b"GET /me HTTP/1.1\r\nHost: local").unwrap();
            }
            stream
        })
        .collect();
    let line = |text: &'static str| move |_| text.as_bytes().to_vec();
    thread::scope(|scope| {
        let endless = (0..60).map(line("X-More: x\r\n"));
        let begun = std::iter::once(b"GET /me HTTP/1.1\r\nHost: localhost\r\n".to_vec());
        let headers = scope.spawn(move || drip(front, begun.chain(endless)));
        let head = "POST /token HTTP/1.1\r\nHost: localhost\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername=";
        let stalled = std::iter::once(head.as_bytes().to_vec()).chain((0..60).map(line("")));
        let body = scope.spawn(move || drip(front, stalled));
        for _ in 0..50 {
            assert_eq!(me().status, 200);
        }
        let login = Request::post("/token").form(&[("username", "ada"), ("password", PASSWORD)]);
        assert_eq!(login.send(front).status, 200);
        for (what, answer) in [("headers", headers), ("body", body)] {
            let answer = answer.join().unwrap();
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{what}: {answer}");
        }
    });
    eventually("all idle connections are closed", || idle.iter().all(is_closed));
    assert_eq!(me().status, 200);
    server.is_well();
}

fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(1..) => {}
            Ok(0) => return true,
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

// H11
#[test]
fn a_form_that_names_a_method_takes_no_server_from_others() {
    let servers = [Server::start(), Server::start()];
    let nginx = Nginx::before_all(&servers.each_ref().map(|server| server.address));
    for form in ["_method=HEAD", "&_method=HEAD", "%5Fmethod=HEAD", "_method=GET"] {
        for path in ["/nowhere", "/token", "/me"] {
            // As many as there are servers: one that does not answer is left alone for a second.
            for _ in &servers {
                let reply = Request::post(path).raw_form(form).send(nginx.address());
                assert!((400..500).contains(&reply.status), "{path} {form}: {}", reply.status);
            }
            let live = Request::get("/health/live").send(nginx.address());
            assert_eq!(live.status, 200, "{path} {form}: {}", nginx.said());
        }
    }
}

// D02
#[test]
fn what_is_too_large_ends_at_the_proxy() {
    let server = Server::start();
    let nginx = Nginx::before(server.address);
    let large = Request::get("/me").header("X-Large", vec![b'x'; 1 << 20]).send(nginx.address());
    assert!((400..500).contains(&large.status), "{}", large.status);
    let large = Request::post("/token").raw_form("x".repeat(1 << 20)).send(nginx.address());
    assert_eq!(large.status, 413);
    server.is_well();
}

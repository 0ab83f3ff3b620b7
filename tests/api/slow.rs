//! Clients that send a request and never end it. Slow headers, and a body of which not even the first 14
//! bytes come (Rocket itself looks at these), only a proxy can end: `crate::nginx`.

use crate::server::Server;
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

/// Sends these bytes, waits until the server hangs up, and returns what it said. If it does not, that
/// is the end of the test and no measurement.
fn answer(server: &Server, sent: &str) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server hangs up");
    String::from_utf8(answer).unwrap()
}

// D01
#[test]
fn a_body_that_does_not_come_is_given_up_on() {
    let server = Server::start();
    let token = server.login("ada");
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n";
    let json = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let ways = [
        format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{form}\r\nusername=ada&password="),
        format!("POST /logout HTTP/1.1\r\nHost: localhost\r\n{form}\r\nrefresh_token=c"),
        "POST /revoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Transfer-Encoding: chunked\r\n\r\n20\r\ntoken=csr_abcdefgh"
            .to_owned(),
        format!(
            "POST /me/password HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{json}\r\n{{\"current_password\""
        ),
    ];
    thread::scope(|scope| {
        let all: Vec<_> = ways.iter().map(|sent| (sent, scope.spawn(|| answer(&server, sent)))).collect();
        server.accepts(&token);
        for (sent, answer) in all {
            let answer = answer.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 408 "), "{sent}\n{answer}");
            assert!(answer.contains(r#""error":"request_timeout""#), "{answer}");
        }
        let hidden = format!(
            "GET /me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{form}\r\nname=of+no+interest"
        );
        assert!(answer(&server, &hidden).starts_with("HTTP/1.1 400 "), "what is in the body is not known");
    });
    server.is_well();
}

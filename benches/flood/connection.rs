//! Just enough HTTP/1.1 to ask again and again over one connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self(BufReader::new(stream))
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn get(&mut self, path: &str, token: &str) -> u16 {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"))
            .0
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn post(&mut self, path: &str, form: &str) -> u16 {
        self.post_for(path, form).0
    }

    pub fn post_for(&mut self, path: &str, form: &str) -> (u16, String) {
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        ))
    }

    /// The same from a client at this address, as a proxy names it.
    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn post_from(&mut self, address: &str, path: &str, form: &str) -> u16 {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n");
        let form_type = "Content-Type: application/x-www-form-urlencoded";
        self.ask(&format!("{head}{form_type}\r\nContent-Length: {}\r\n\r\n{form}", form.len())).0
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn post_json(&mut self, path: &str, token: &str, json: &str) -> u16 {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
        let json_type = "Content-Type: application/json";
        self.ask(&format!("{head}{json_type}\r\nContent-Length: {}\r\n\r\n{json}", json.len())).0
    }

    fn ask(&mut self, request: &str) -> (u16, String) {
        self.0.get_mut().write_all(request.as_bytes()).expect("sent");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a line");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            } else if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().expect("a status");
            } else if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        (status, String::from_utf8(body).expect("UTF-8"))
    }
}

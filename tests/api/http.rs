//! A small HTTP/1.1 client that can also send what no well-behaved client would.

use crate::watch;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// No answer may take longer than this; it is a guard against hanging, not a measurement.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Request {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        let line = format!("{method} {target} HTTP/1.1");
        Self { line, headers: vec![], body: None }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub fn body(self, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        let mut request = self.header("Content-Type", content_type);
        request.body = Some(body.as_ref().to_vec());
        request
    }

    /// A urlencoded body from pairs that are escaped for you.
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body("application/x-www-form-urlencoded", text)
    }

    /// A urlencoded body sent as it stands.
    pub fn raw_form(self, text: impl AsRef<[u8]>) -> Self {
        self.body("application/x-www-form-urlencoded", text)
    }

    pub fn send(self, to: SocketAddr) -> Reply {
        let mut bytes = format!("{}\r\nHost: localhost\r\nConnection: close\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if let Some(body) = &self.body {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        send_raw(to, &bytes)
    }
}

/// Sends these bytes on a connection that stays open, and reads the one answer.
pub fn reply_on(connection: &mut TcpStream, bytes: &[u8]) -> Reply {
    connection.write_all(bytes).expect("written");
    let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
    while !complete(&answer)
        && let Ok(n @ 1..) = connection.read(&mut chunk)
    {
        answer.extend_from_slice(&chunk[..n]);
    }
    Reply::parse(&answer)
}

/// Sends these bytes on a connection of their own and reads the one answer.
///
/// The server may answer and hang up before it has read everything, so a failed write is not
/// an error as long as an answer came.
pub fn send_raw(to: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(to).expect("the server accepts connections");
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let answer = std::thread::spawn(move || {
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = reader.read(&mut chunk) {
            answer.extend_from_slice(&chunk[..n]);
            if complete(&answer) {
                break;
            }
        }
        answer
    });
    watch::note(to, bytes);
    let _ = stream.write_all(bytes);
    let answer = answer.join().unwrap();
    watch::note(to, &answer);
    Reply::parse(&answer)
}

/// Whether a whole response is there (a keep-alive connection stays open after it).
fn complete(answer: &[u8]) -> bool {
    let mut slots = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut slots);
    let Ok(httparse::Status::Complete(head)) = response.parse(answer) else { return false };
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= head + length)
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn parse(answer: &[u8]) -> Self {
        let mut slots = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut slots);
        let Ok(httparse::Status::Complete(head)) = response.parse(answer) else {
            panic!("no HTTP answer, but {:?}", String::from_utf8_lossy(answer))
        };
        let headers = response
            .headers
            .iter()
            .map(|header| {
                let value = String::from_utf8(header.value.to_vec()).expect("header values are text");
                (header.name.to_ascii_lowercase(), value)
            })
            .collect();
        Self { status: response.code.unwrap(), headers, body: answer[head..].to_vec() }
    }

    /// The value of a header that must not be there twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next();
        assert!(values.next().is_none(), "{name} stands twice in {self:?}");
        first
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("bodies are UTF-8")
    }

    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}

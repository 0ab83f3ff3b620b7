//! An issuer that publishes keys, or misbehaves as it is told, and counts who asks.

use super::eventually;
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What every request is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 with this body.
    Body(Vec<u8>),
    /// A status with these lines of the head and this body.
    Status(u16, String, String),
    /// The connection is closed.
    Hangup,
    /// 200 with a body that never ends.
    Endless,
    /// 200 with a byte now and then, for ever.
    Drip,
    /// Nothing, until there is another answer.
    Held,
}

pub struct Issuer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Mutex<Answer>,
    changed: Condvar,
    requests: AtomicUsize,
    heads: Mutex<Vec<String>>,
}

impl Answer {
    /// An empty answer.
    pub fn status(status: u16) -> Self {
        Self::Status(status, String::new(), String::new())
    }
}

impl Issuer {
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            answer: answer.into(),
            changed: Condvar::new(),
            requests: AtomicUsize::new(0),
            heads: Mutex::default(),
        });
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = serving.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    pub fn publishing(jwks: &serde_json::Value) -> Self {
        Self::start(Answer::Body(jwks.to_string().into()))
    }

    pub fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    /// What it is called in the log.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    pub fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().expect("not poisoned") = answer;
        self.shared.changed.notify_all();
    }

    pub fn publish(&self, jwks: &serde_json::Value) {
        self.answer(Answer::Body(jwks.to_string().into()));
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// The heads of the requests that have come, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().expect("not poisoned").clone()
    }

    /// Waits until so many have come.
    pub async fn has_had(&self, requests: usize) {
        eventually("requests", async || self.requests() >= requests).await;
    }
}

impl Shared {
    /// Errors are the client's leave to hang up.
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        let head: Vec<_> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        self.heads.lock().expect("not poisoned").push(head.join("\n").to_lowercase());
        self.requests.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().expect("not poisoned");
        let held = |answer: &mut Answer| matches!(answer, Answer::Held);
        let answer = self.changed.wait_while(answer, held).expect("not poisoned").clone();
        let mut send = |bytes: &[u8]| stream.write_all(bytes).ok();
        match answer {
            Answer::Hangup | Answer::Held => None,
            Answer::Status(status, head, body) => {
                let length = body.len();
                send(
                    format!("HTTP/1.1 {status} X\r\n{head}Content-Length: {length}\r\n\r\n{body}").as_bytes(),
                )
            }
            Answer::Body(body) => {
                send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes())?;
                send(&body)
            }
            Answer::Endless => {
                send(b"HTTP/1.1 200 OK\r\n\r\n")?;
                while send(&[b' '; 1024]).is_some() {}
                None
            }
            Answer::Drip => {
                send(b"HTTP/1.1 200 OK\r\n\r\n")?;
                while send(b" ").is_some() {
                    thread::sleep(Duration::from_millis(20));
                }
                None
            }
        }
    }
}

//! Another site: whatever is asked for, it answers with the same page.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

pub struct Elsewhere {
    port: u16,
}

impl Elsewhere {
    /// It is there until the tests end.
    pub fn serve(page: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{page}",
            page.len()
        );
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One of its own for each: browsers also open some that they do not use.
                let answer = answer.clone();
                thread::spawn(move || answer_with(&stream, &answer));
            }
        });
        Self { port }
    }

    /// Its address by this host name.
    pub fn at(&self, host: &str) -> String {
        format!("http://{host}:{}", self.port)
    }
}

fn answer_with(mut stream: &TcpStream, answer: &str) {
    let head = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    if head.count() > 0 {
        let _ = stream.write_all(answer.as_bytes());
    }
}

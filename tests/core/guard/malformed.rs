//! Requests that are refused before they are routed, in an app that embeds the crate.

use super::settings;
use countersign::{
    stage,
    store::{Stores, memory::MemoryStore},
};
use rocket::{
    Config, Shutdown, async_test,
    data::{ByteUnit, Data},
    fairing::AdHoc,
    post, routes,
    tokio::sync::oneshot,
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

static RUNS: AtomicUsize = AtomicUsize::new(0);

/// A route that believes what it reads.
#[post("/notes", data = "<data>")]
async fn note(data: Data<'_>) -> String {
    RUNS.fetch_add(1, Ordering::SeqCst);
    format!("{} bytes", data.open(ByteUnit::KiB).into_bytes().await.map_or(0, |body| body.len()))
}

async fn launched() -> (SocketAddr, Shutdown) {
    let (tell, up) = oneshot::channel();
    let config = Config { port: 0, ..Config::debug_default() };
    let stage = stage().settings(settings()).stores(Stores::all_in(Arc::new(MemoryStore::new())));
    let told = AdHoc::on_liftoff("where it is", |rocket| {
        Box::pin(async move {
            let Config { address, port, .. } = rocket.config();
            let _ = tell.send((SocketAddr::new(*address, *port), rocket.shutdown()));
        })
    });
    let rocket = rocket::custom(config).attach(stage).attach(told).mount("/", routes![note]);
    rocket::tokio::spawn(rocket.launch());
    up.await.expect("it is up")
}

/// The first line of the answer.
async fn answer(to: SocketAddr, request: &str) -> String {
    let request = format!("{request}\r\n");
    let asking = rocket::tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(to).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.lines().next().unwrap_or_default().to_owned()
    });
    asking.await.expect("an answer")
}

#[async_test]
async fn an_apps_own_route_never_sees_them() {
    let (address, shutdown) = launched().await;
    let post = "POST /notes HTTP/1.1\r\nConnection: close\r\n";
    let chunked = "Host: a\r\nTransfer-Encoding: chunked\r\n";
    for rest in [
        format!("{chunked}\r\nzz\r\n"),
        format!("{chunked}\r\n3\r\nabc\r\nzz\r\n"),
        "Host: a\r\nHost: b\r\nContent-Length: 0\r\n".to_owned(),
        "Host: a b\r\nContent-Length: 0\r\n".to_owned(),
    ] {
        let answer = answer(address, &format!("{post}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{rest}: {answer}");
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 0);
    for rest in [format!("{chunked}\r\n3\r\nabc\r\n0\r\n"), "Content-Length: 0\r\n".to_owned()] {
        let answer = answer(address, &format!("{post}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{rest}: {answer}");
    }
    shutdown.notify();
}

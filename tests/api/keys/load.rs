//! Rotation, revocation and restarts under load: nobody is turned away who should not be, and
//! nobody let in.

use super::{kid, pause, ring};
use crate::{
    http::Request,
    server::{PASSWORD, Server},
    well_known::list,
};
use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// All workers together.
const PER_SECOND: u64 = 500;
const WORKERS: u64 = 10;
/// How long a revocation may take to be heard of, and twice that for a crowded machine.
const HEARD: Duration = Duration::from_secs(2);

/// What every worker knows.
struct Load {
    address: RwLock<Option<SocketAddr>>,
    tokens: RwLock<Vec<String>>,
    /// Keys by when they were revoked.
    revoked: RwLock<HashMap<String, Instant>>,
    wrong: Mutex<Vec<String>>,
    accepted: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

/// The status of `/me`, if there is a server to answer.
fn status(address: SocketAddr, token: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!(
        "GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

impl Load {
    fn work(&self, number: u64) {
        let pace = Duration::from_micros(1_000_000 * WORKERS / PER_SECOND);
        let mut at = number as usize;
        let mut next = Instant::now();
        while !self.over.load(Ordering::Relaxed) {
            next += pace;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            at += 1;
            let Some(address) = *self.address.read().unwrap() else { continue };
            let token = {
                let tokens = self.tokens.read().unwrap();
                tokens[at % tokens.len()].clone()
            };
            let since = self.revoked.read().unwrap().get(&kid(&token)).copied();
            let asked = Instant::now();
            let Some(status) = status(address, &token) else { continue };
            match (status, since) {
                (200, None) => drop(self.accepted.fetch_add(1, Ordering::Relaxed)),
                (401, Some(_)) => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
                // It was being revoked at that moment.
                (401, None) if self.revoked.read().unwrap().contains_key(&kid(&token)) => {}
                (200, Some(since)) if asked < since + HEARD => {}
                _ => self.wrong.lock().unwrap().push(format!("{status} for a key revoked {since:?}")),
            }
        }
    }

    fn login(&self, server: &Server) {
        let form = [("username", "ada"), ("password", PASSWORD)];
        let reply = server.send(Request::post("/token").form(&form)).json();
        let token = reply["access_token"].as_str().expect("a token").to_owned();
        self.tokens.write().unwrap().push(token);
    }
}

// K04
#[test]
fn under_load_nobody_is_refused_by_mistake_nor_accepted() {
    let settings = ring(&[("COUNTERSIGN_REFRESH__SESSIONS_PER_USER", "1000")]);
    let server = Server::start_with(&settings);
    server.user("ada", &[]);
    let load = Load {
        address: RwLock::new(Some(server.address)),
        tokens: RwLock::default(),
        revoked: RwLock::default(),
        wrong: Mutex::default(),
        accepted: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    load.login(&server);
    let begin = Instant::now();
    let server = thread::scope(|scope| {
        let mut server = server;
        (0..WORKERS).for_each(|number| {
            drop(scope.spawn({
                let load = &load;
                move || load.work(number)
            }))
        });
        for is_emergency in [false, true, false] {
            // One rotation, with logins before, meanwhile and after.
            server.cli(&["keys", "rotate"], "");
            for _ in 0..10 {
                load.login(&server);
                pause(300);
            }
            // A restart.
            *load.address.write().unwrap() = None;
            server = Server::start_in(server.kill(), &settings);
            *load.address.write().unwrap() = Some(server.address);
            load.login(&server);
            if is_emergency {
                // Noted first, since it holds from somewhere within the command.
                let signing = kid(load.tokens.read().unwrap().last().expect("a token"));
                load.revoked
                    .write()
                    .unwrap()
                    .insert(signing.clone(), Instant::now() + Duration::from_secs(3600));
                server.cli(&["keys", "revoke", &signing, "--keep-sessions"], "");
                load.revoked.write().unwrap().insert(signing, Instant::now());
                pause(2500);
                load.login(&server);
                pause(500);
            }
        }
        load.over.store(true, Ordering::Relaxed);
        server
    });
    let wrong = load.wrong.lock().unwrap();
    assert!(wrong.is_empty(), "{} of {wrong:?}", wrong.len());
    let (accepted, refused) = (load.accepted.into_inner(), load.refused.into_inner());
    assert!(accepted > 100 && refused > 100, "{accepted} and {refused} were asked");
    let rate = (accepted + refused) as f64 / begin.elapsed().as_secs_f64();
    println!("{accepted} accepted and {refused} refused, {rate:.0} a second, {} keys", list(&server).len());
}

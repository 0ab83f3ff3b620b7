//! Two servers behind nginx are restarted, one after the other, and nobody notices.

use crate::{
    backing::Backing,
    http::Request,
    server::{PASSWORD, Server},
    servers::{Nginx, Port, eventually},
};
use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Longer than nginx keeps a connection that nobody uses.
const DRAIN: &str = "4";

/// What is asked for without end, and the first answer that was wrong.
#[derive(Default)]
struct Load {
    ended: AtomicBool,
    answered: [AtomicU32; 3],
    wrong: Mutex<Option<String>>,
}

impl Load {
    /// Counts an answer; says whether to go on.
    fn goes_on(&self, kind: usize, answer: Result<(), String>) -> bool {
        match answer {
            Ok(()) => drop(self.answered[kind].fetch_add(1, Relaxed)),
            Err(what) => {
                let mut wrong = self.wrong.lock().expect("not poisoned");
                wrong.get_or_insert(what);
                return false;
            }
        }
        // Steady, and not as much as the machine can do.
        thread::sleep(Duration::from_millis(5));
        !self.ended.load(Relaxed)
    }

    fn so_far(&self) -> [u32; 3] {
        [0, 1, 2].map(|kind| self.answered[kind].load(Relaxed))
    }
}

fn me(front: SocketAddr, token: &str) -> Result<(), String> {
    let reply = Request::get("/me").bearer(token).send(front);
    let is_right = reply.status == 200 && reply.json()["username"] == "ada";
    if is_right { Ok(()) } else { Err(format!("/me: {} {}", reply.status, reply.text())) }
}

/// A token request; the access and the refresh token of its answer.
fn tokens(front: SocketAddr, form: &[(&str, &str)]) -> Result<(String, String), String> {
    let reply = Request::post("/token").form(form).send(front);
    if reply.status != 200 {
        return Err(format!("{:?}: {} {}", form[0], reply.status, reply.text()));
    }
    let body = reply.json();
    let text = |name: &str| body[name].as_str().expect("a token").to_owned();
    Ok((text("access_token"), text("refresh_token")))
}

fn login(front: SocketAddr) -> Result<(String, String), String> {
    tokens(front, &[("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")])
}

#[test]
fn a_rolling_restart_under_load_loses_no_request() {
    let backing = Backing::postgres_and_redis();
    let ports = [Port::free(), Port::free()];
    let start = |port: &Port, folder: TempDir| {
        let port = port.number.to_string();
        let settings = [
            ("ROCKET_PORT", &*port),
            ("COUNTERSIGN_DRAIN", DRAIN),
            // On a crowded machine a login may take longer than Rocket waits.
            ("ROCKET_SHUTDOWN", "{grace=2,mercy=20}"),
            ("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1"),
            ("COUNTERSIGN_REFRESH__SESSIONS_PER_USER", "10000"),
            ("COUNTERSIGN_RATE__LIMITS", "off"),
            // That there is not more in the log than can be read.
            ("RUST_LOG", "info"),
        ];
        backing.start_in(folder, &settings)
    };
    let mut servers: Vec<_> =
        ports.iter().map(|port| Some(start(port, TempDir::new().expect("a folder")))).collect();
    let one = |servers: &[Option<Server>], at: usize| servers[at].as_ref().expect("a server").address;
    servers[0].as_ref().expect("a server").user("ada", &[]);
    let nginx = Nginx::before_all(&[one(&servers, 0), one(&servers, 1)]);
    let front = nginx.address();
    let (token, _) = login(front).expect("a login");

    let load = Load::default();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| while load.goes_on(0, me(front, &token)) {});
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut refresh = login(front).expect("a login").1;
                loop {
                    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
                    let answer = tokens(front, &form).and_then(|(access, next)| {
                        refresh = next;
                        me(front, &access)
                    });
                    if !load.goes_on(1, answer) {
                        break;
                    }
                }
            });
        }
        scope.spawn(|| while load.goes_on(2, login(front).map(drop)) {});

        // Whatever goes wrong here must not leave the others at it for ever.
        let restarted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for at in 0..2 {
                let before = load.so_far();
                eventually("all are busy", || {
                    let is_wrong = load.wrong.lock().expect("not poisoned").is_some();
                    is_wrong || load.so_far().iter().zip(before).all(|(now, before)| *now >= before + 3)
                });
                let server = servers[at].take().expect("a server");
                server.signal("TERM");
                let (code, folder) = server.ended();
                assert_eq!(code, Some(0));
                servers[at] = Some(start(&ports[at], folder));
                let address = one(&servers, at);
                eventually("it is ready", || Request::get("/health/ready").send(address).status == 200);
            }
        }));
        load.ended.store(true, Relaxed);
        if let Err(panic) = restarted {
            std::panic::resume_unwind(panic);
        }
    });
    assert_eq!(load.wrong.into_inner().expect("not poisoned"), None, "{}", nginx.said());
    assert!(load.answered.iter().all(|count| count.load(Relaxed) >= 6), "{:?}", load.answered);
}

//! Where what is counted lives.

use super::*;
use crate::servers::{Redis, eventually};

fn two_servers_count_together(on: &Backing) {
    let (a, b) = (on.start_with(SLOW), on.start_with(SLOW));
    a.user("ada", &[]);
    for at in 0..FREE {
        assert_eq!(guess(if at % 2 == 0 { &a } else { &b }, "nobody").status, 400);
    }
    for server in [&a, &b] {
        assert_limited(&guess(server, "nobody"), "account");
    }
    let folder = a.folder.path().to_owned();
    let dump = on.dump(&folder);
    for secret in ["nobody", "127.0.0.1"] {
        let is_there = dump.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!is_there, "no store holds {secret}");
    }
}

// P08
#[test]
fn on_postgres_two_servers_count_together() {
    two_servers_count_together(&Backing::postgres());
}

// P08
#[test]
fn on_redis_two_servers_count_together() {
    two_servers_count_together(&Backing::redis());
}

#[test]
fn a_restart_forgets_nothing() {
    let server = Server::start_with(SLOW);
    use_up(&server, "ada");
    let server = Server::start_in(server.kill(), SLOW);
    assert_limited(&guess(&server, "ada"), "account");
}

#[test]
fn nothing_is_let_through_that_cannot_be_counted() {
    let redis = Redis::start();
    let server = Server::start_with(&[("COUNTERSIGN_REDIS_URL", &redis.url())]);
    server.user("ada", &[]);
    assert_eq!(server.send(login("ada", PASSWORD)).status, 200);
    redis.stop();
    for password in [PASSWORD, "wrong password"] {
        let reply = server.send(login("ada", password));
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert!(reply.header("retry-after").is_some());
    }
    redis.resume();
    eventually("logins work again", || server.send(login("ada", PASSWORD)).status == 200);
}

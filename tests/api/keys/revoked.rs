//! The emergency: a key that others know.

use super::{RING, kid, pause, ring, stderr};
use crate::{
    backing::Backing,
    http::Request,
    server::{Server, assert_token_error},
    servers::{Postgres, Redis},
    tokens::{offline, refresh, text},
    well_known::{list, published, signing, within_a_second},
};

fn count(server: &Server, arguments: &[&str]) -> String {
    let said = server.cli(&[&["keys", "revoke"], arguments].concat(), "");
    said.lines().find(|line| line.starts_with("sessions that have to")).expect("a count").to_owned()
}

/// Revokes the signing key, which succeeds although sessions cannot be counted.
fn revoke_without_a_count(server: &Server) {
    let old = signing(server);
    let dry = server.try_cli(&["keys", "revoke", &old, "--dry-run"]);
    assert_eq!(dry.status.code(), Some(1), "a dry run only counts: {}", stderr(&dry));
    let revoked = server.try_cli(&["keys", "revoke", &old]);
    assert_eq!(revoked.status.code(), Some(0), "{}", stderr(&revoked));
    assert!(stderr(&revoked).contains("its sessions could not be counted"), "{}", stderr(&revoked));
    assert_eq!(list(server)[0]["stage"], "revoked");
    within_a_second(|| signing(server) != old);
}

#[test]
fn what_a_revoked_key_signed_is_refused_at_once_and_its_sessions_log_in_again() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let (access, token) = offline(&server);
    let (_, other) = offline(&server);
    let old = kid(&access);

    assert_eq!(count(&server, &[&old, "--dry-run"]), "sessions that have to log in again: 2");
    pause(1000);
    server.accepts(&access);
    assert_eq!(signing(&server), old, "a dry run changes nothing");

    assert_eq!(count(&server, &[&old]), "sessions that have to log in again: 2");
    within_a_second(|| server.me(&access).status == 401);
    server.refuses(&access);
    for token in [&token, &other] {
        assert_token_error(&refresh(&server, token), "invalid_grant");
    }
    let newer = server.login("ada");
    server.accepts(&newer);
    assert_ne!(kid(&newer), old, "a new key signs at once");
    assert!(published(&server).iter().all(|key| key["kid"] != *old));
    assert_eq!(list(&server)[0]["stage"], "revoked");
    assert_eq!(count(&server, &[&kid(&newer), "--dry-run"]), "sessions that have to log in again: 1");

    let server = Server::start_in(server.kill(), &RING);
    server.refuses(&access);
    server.accepts(&newer);
}

#[test]
fn sessions_may_be_kept_for_a_refresh_token_takes_more_than_a_key_to_forge() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let (access, token) = offline(&server);
    let old = kid(&access);
    assert_eq!(count(&server, &[&old, "--keep-sessions"]), "sessions that have to refresh: 1");
    within_a_second(|| server.me(&access).status == 401);
    let next = refresh(&server, &token);
    assert_eq!(next.status, 200, "{}", next.text());
    server.accepts(&text(&next, "access_token"));
    // Second thoughts: whatever has not been refreshed meanwhile ends.
    let (_, kept) = offline(&server);
    server.cli(&["keys", "revoke", &old], "");
    pause(1000);
    assert_eq!(refresh(&server, &kept).status, 200, "sealed by the new key");
}

#[test]
fn a_key_is_revoked_though_sessions_cannot_be_counted() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let database = url.rsplit('/').next().expect("a name").to_owned();
    let settings = super::database::settings(super::database::KEK);
    let server = Server::start_with(&[&settings[..], &[("COUNTERSIGN_DATABASE_URL", &*url)]].concat());
    postgres.sql(&database, "ALTER TABLE sessions RENAME TO hidden");
    revoke_without_a_count(&server);
}

#[test]
fn a_key_in_a_file_is_revoked_though_no_store_answers() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let (database, redis_url) = (postgres.database(), redis.url());
    let server = Server::start_with(&ring(&[
        ("COUNTERSIGN_DATABASE_URL", &*database),
        ("COUNTERSIGN_REDIS_URL", &*redis_url),
    ]));
    redis.kill();
    revoke_without_a_count(&server);
    postgres.kill();
    revoke_without_a_count(&server);
    let said = stderr(&server.try_cli(&["keys", "rotate"]));
    assert!(said.contains("not recorded in the audit log"), "{said}");
}

#[test]
fn a_published_successor_takes_over_at_once() {
    let server = Server::start_with(&ring(&[("COUNTERSIGN_KEYS__ANNOUNCE", "3600")]));
    server.user("ada", &[]);
    let old = signing(&server);
    server.cli(&["keys", "rotate"], "");
    let pending = list(&server)[1]["kid"].as_str().expect("a kid").to_owned();
    server.cli(&["keys", "revoke", &old], "");
    assert_eq!(signing(&server), pending);
    within_a_second(|| kid(&server.login("ada")) == pending);

    // A successor that is revoked never signs, and the present key stays.
    server.cli(&["keys", "rotate"], "");
    let next = list(&server).last().expect("a key")["kid"].as_str().expect("a kid").to_owned();
    assert_eq!(count(&server, &[&next]), "sessions that have to log in again: 0");
    assert_eq!(signing(&server), pending);
    within_a_second(|| published(&server).len() == 1);
    server.cli(&["keys", "rotate"], "");
}

#[test]
fn a_name_that_no_key_has_revokes_nothing() {
    let server = Server::start_with(&RING);
    let before = list(&server);
    for name in ["x", "", "-x", &signing(&server)[1..]] {
        let refused = server.try_cli(&["keys", "revoke", name]);
        assert_eq!(refused.status.code(), Some(1), "{name:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains("there is no key"), "{}", stderr(&refused));
    }
    assert_eq!(list(&server), before);
}

#[test]
fn every_server_refuses_it_within_a_second() {
    let settings = [
        ("COUNTERSIGN_SIGNING_KEY", ""),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", super::database::KEK),
    ];
    let on = Backing::postgres_and_redis();
    let (a, b) = (on.start_with(&settings), on.start_with(&settings));
    a.user("ada", &[]);
    let token = a.login("ada");
    b.accepts(&token);
    a.cli(&["keys", "revoke", &kid(&token)], "");
    for server in [&a, &b] {
        within_a_second(|| server.me(&token).status == 401);
        server.refuses(&token);
    }
    // Whoever meets a newer key looks for it at once: nobody is refused by mistake.
    for _ in 0..5 {
        let old = signing(&a);
        a.cli(&["keys", "revoke", &old, "--keep-sessions"], "");
        for (one, other) in [(&a, &b), (&b, &a)] {
            within_a_second(|| {
                let token = one.login("ada");
                let is_newer = kid(&token) != old;
                if is_newer {
                    other.accepts(&token);
                }
                is_newer
            });
        }
    }
}

#[test]
fn what_was_ended_is_not_counted_again_and_a_successor_is_not_put_off_for_ever() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let (access, _) = offline(&server);
    assert_eq!(count(&server, &[&kid(&access)]), "sessions that have to log in again: 1");
    assert_eq!(count(&server, &[&kid(&access)]), "sessions that have to log in again: 0");
    for far in ["2592001", "9999999999999"] {
        let refused = server.try_cli(&["keys", "rotate", "--in", far]);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    }
    // What is shown is the new one, though a revoked one would have signed later.
    server.cli(&["keys", "rotate", "--in", "1000"], "");
    let pending = list(&server).last().expect("a key")["kid"].as_str().expect("a kid").to_owned();
    server.cli(&["keys", "revoke", &pending], "");
    let shown = server.cli(&["keys", "rotate", "--in", "5"], "");
    assert!(!shown.contains(&pending) && shown.contains("published"), "{shown}");
}

#[test]
fn resource_servers_hear_at_once_that_there_are_other_keys() {
    const SECRET: &str = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";
    let server = Server::start_with(&ring(&[("COUNTERSIGN_REVOCATION__FEED_SECRET", SECRET)]));
    let ask = |query: &str| {
        let reply = server.send(Request::get(&format!("/revocations?{query}")).bearer(SECRET));
        assert_eq!(reply.status, 200, "{}", reply.text());
        text(&reply, "keys")
    };
    let keys = ask("from=0");
    assert_eq!(ask("from=0&wait=30&keys=x"), keys, "whoever has others is answered at once");
    let revoke = || server.cli(&["keys", "revoke", &signing(&server)], "");
    let heard = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ask(&format!("from=0&wait=15&keys={keys}")));
        pause(1000);
        assert!(!waiting.is_finished(), "there is no news yet");
        revoke();
        waiting.join().expect("an answer")
    });
    assert_ne!(heard, keys);
    let twice = server.send(Request::get("/revocations?keys=a&keys=b").bearer(SECRET));
    assert_eq!((twice.status, &*text(&twice, "error_description")), (400, "keys must stand once"));
}

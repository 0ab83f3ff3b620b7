//! A Redis that loses what it remembered, or the last of it.

use super::{Scene, Tokens, login, refresh};
use crate::{
    clients::{SCOPES, ask, assert_invalid_client, introspect, register, revoke, service, token_of_service},
    http::Request,
    server::{Server, assert_token_error},
    servers::{Redis, eventually},
};

/// Redis is emptied in this way under one server.
fn one_server_begins_anew(lose: impl FnOnce(&Redis)) {
    let redis = Redis::start();
    let mut scene = Scene::set(&[("COUNTERSIGN_REDIS_URL", &redis.url())]);
    lose(&redis);
    scene.begins_anew();
}

// F02
#[test]
fn flushed() {
    one_server_begins_anew(|redis| assert_eq!(redis.command(&["FLUSHALL"]), "OK"));
}

// F02
#[test]
fn restarted_empty() {
    one_server_begins_anew(|redis| {
        redis.kill();
        redis.start_again_empty();
    });
}

/// Redis is emptied in this way under two servers that share it and their users.
fn two_servers_begin_anew(lose: impl FnOnce(&Redis)) {
    let redis = Redis::start();
    let folder = tempfile::TempDir::new().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("users.db").display());
    let settings = [("COUNTERSIGN_DATABASE_URL", &*database), ("COUNTERSIGN_REDIS_URL", &redis.url())];
    let servers = [Server::start_with(&settings), Server::start_with(&settings)];
    servers[0].user("ada", &[]);
    let sessions = servers.each_ref().map(|server| {
        let [live, ended] = [(); 2].map(|()| Tokens::of(&server.send(login())));
        assert_eq!(server.send(Request::post("/logout").bearer(&ended.access)).status, 204);
        (live, ended)
    });
    for server in &servers {
        for (live, ended) in &sessions {
            server.accepts(&live.access);
            eventually("both have heard", || server.me(&ended.access).status == 401);
        }
    }

    lose(&redis);
    let revoked_stay_so = || {
        for server in &servers {
            for (_, ended) in &sessions {
                assert_ne!(server.me(&ended.access).status, 200, "a revoked token is taken");
                assert_ne!(server.send(refresh(&ended.refresh)).status, 200, "an ended session goes on");
            }
        }
    };
    for server in &servers {
        eventually("each server has noticed", || {
            revoked_stay_so();
            sessions.iter().all(|(live, _)| server.me(&live.access).status == 401)
        });
    }
    for server in &servers {
        eventually("each server lets people in, and the other takes their tokens", || {
            revoked_stay_so();
            let reply = server.send(login());
            assert!([200, 503].contains(&reply.status), "{}", reply.text());
            if reply.status == 503 {
                return false;
            }
            let access = Tokens::of(&reply).access;
            servers.iter().all(|server| server.me(&access).status == 200)
        });
        for (live, ended) in &sessions {
            server.refuses(&live.access);
            server.refuses(&ended.access);
            assert_token_error(&server.send(refresh(&live.refresh)), "invalid_grant");
            assert_token_error(&server.send(refresh(&ended.refresh)), "invalid_grant");
        }
    }
}

// F02
#[test]
fn flushed_under_two_servers() {
    two_servers_begin_anew(|redis| assert_eq!(redis.command(&["FLUSHALL"]), "OK"));
}

// F02
#[test]
fn restarted_empty_under_two_servers() {
    two_servers_begin_anew(|redis| {
        redis.kill();
        redis.start_again_empty();
    });
}

/// Redis is emptied in this way under services, a front end and what was revoked of theirs.
fn clients_begin_anew(lose: impl FnOnce(&Redis)) {
    let redis = Redis::start();
    let server = Server::start_with(&[("COUNTERSIGN_REDIS_URL", &redis.url()), SCOPES]);
    server.user("ada", &[]);
    let [worker, other, api] = ["worker", "other", "api"].map(|id| service(&server, id, &["--introspects"]));
    let [worker, other, api] = [("worker", &*worker), ("other", &*other), ("api", &*api)];
    register(&server, "web", &["--public", "--scope", "items"]);
    let through = |client: &str| crate::clients::login_through(&server, client, "items").0;
    let own = |client| token_of_service(&server, client, "items");
    let live = [through("first-party"), own(worker)];
    let revoked = [through("first-party"), own(worker)];
    let disabled = [through("web"), own(other)];
    for (client, token) in [("first-party", ""), worker].into_iter().zip(&revoked) {
        assert_eq!(revoke(&server, client, &[("token", token)]).status, 200);
    }
    for client in ["web", "other"] {
        server.cli(&["client", "disable", client], "");
    }
    eventually("it has heard", || disabled.iter().all(|token| server.me(token).status == 401));
    assert_eq!(live.each_ref().map(|token| server.me(token).status), [200, 403], "good, and one a service's");

    lose(&redis);
    let request = [("grant_type", "client_credentials")];
    let gone_stay_so = || {
        for token in revoked.iter().chain(&disabled) {
            let reply = server.me(token);
            assert!([401, 503].contains(&reply.status), "a revoked token got {}", reply.text());
        }
        assert_invalid_client(&ask(&server, other, &request));
    };
    eventually("what was issued before is refused", || {
        gone_stay_so();
        live.iter().all(|token| server.me(token).status == 401)
    });
    let mut new = String::new();
    eventually("a service gets a token that is taken", || {
        gone_stay_so();
        let reply = ask(&server, worker, &request);
        assert!([200, 503].contains(&reply.status), "{}", reply.text());
        new = reply.json()["access_token"].as_str().unwrap_or_default().to_owned();
        reply.status == 200 && server.me(&new).status == 403
    });
    let active = |token: &str| introspect(&server, api, token).json()["active"] == true;
    assert!(active(&new));
    for token in live.iter().chain(&revoked).chain(&disabled) {
        server.refuses(token);
        assert!(!active(token));
    }
    server.cli(&["client", "enable", "other"], "");
    assert!(active(&own(other)));
    assert_eq!(revoke(&server, worker, &[("token", &new)]).status, 200);
    server.refuses(&new);
}

// F02
#[test]
fn flushed_under_clients() {
    clients_begin_anew(|redis| assert_eq!(redis.command(&["FLUSHALL"]), "OK"));
}

// F02
#[test]
fn restarted_empty_under_clients() {
    clients_begin_anew(|redis| {
        redis.kill();
        redis.start_again_empty();
    });
}

//! A Redis that loses what it remembered, or the last of it.

use super::{Scene, Tokens, login, refresh};
use crate::{
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

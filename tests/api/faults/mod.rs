//! Stores that fail under a running server: stopped, frozen, slow, cut off, emptied, moved.
//!
//! Whatever is done to them: no revoked token is taken, nothing is half done, what cannot be
//! answered is answered 503, and all is well again without a restart.

mod admin;
mod clients;
mod cluster;
mod lines;
mod memory_loss;
mod postgres;
mod redis;
mod replica;
mod sqlite;

use crate::{
    http::{Reply, Request},
    server::{PASSWORD, Server, assert_token_error},
    servers::eventually,
};
use serde_json::Value;
use tempfile::TempDir;

/// How long access tokens are taken without word of what was revoked, in these tests.
const STALENESS: &str = "2";

/// Two sessions of one user: one that goes on and one that was ended.
pub struct Scene {
    pub server: Server,
    live: Tokens,
    ended: Tokens,
}

#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(reply: &Reply) -> Self {
        let json = reply.json();
        let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("{name} in {json}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

fn login() -> Request {
    let form = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
    Request::post("/token").form(&form)
}

fn refresh(token: &str) -> Request {
    Request::post("/token").form(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// 503 and when to try again.
#[track_caller]
fn assert_unavailable(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 503, "{what}: {}", reply.text());
    assert!(reply.header("retry-after").is_some(), "{what}");
    assert_eq!(reply.json()["error"], "temporarily_unavailable", "{what}");
}

impl Scene {
    /// A server on the store of these settings, with the grace so long that no recovery outlasts it.
    pub fn set(settings: &[(&str, &str)]) -> Self {
        Self::set_by(&[], settings)
    }

    /// The same with the server run by way of another program.
    pub fn set_by(way: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("COUNTERSIGN_REFRESH__GRACE", "300"),
            ("COUNTERSIGN_REVOCATION__MAX_STALENESS", STALENESS),
            ("COUNTERSIGN_STORE__DEADLINE_MS", "2000"),
        ];
        all.extend(settings);
        let server = Server::start_by(way, TempDir::new().unwrap(), &all);
        server.user("ada", &[]);
        let (live, ended) = (Tokens::of(&server.send(login())), Tokens::of(&server.send(login())));
        assert_eq!(server.send(Request::post("/logout").bearer(&ended.access)).status, 204);
        let scene = Self { server, live, ended };
        scene.is_as_it_should_be();
        scene
    }

    fn is_as_it_should_be(&self) {
        self.server.accepts(&self.live.access);
        self.ended_stays_ended();
        assert_token_error(&self.server.send(refresh(&self.ended.refresh)), "invalid_grant");
        assert_eq!(self.readiness().0, 200);
    }

    /// Whatever happens, an ended session opens nothing.
    pub fn ended_stays_ended(&self) {
        let reply = self.server.me(&self.ended.access);
        assert!([401, 503].contains(&reply.status), "a revoked token got {}: {}", reply.status, reply.text());
        let reply = self.server.send(refresh(&self.ended.refresh));
        assert!(
            [400, 503].contains(&reply.status),
            "an ended session got {}: {}",
            reply.status,
            reply.text()
        );
    }

    fn readiness(&self) -> (u16, Value) {
        let reply = self.server.send(Request::get("/health/ready"));
        (reply.status, reply.json())
    }

    /// While the store of sessions cannot be used: nobody gets in or on, and in time not even with
    /// an access token.
    pub fn is_closed(&self) {
        self.changes_nothing();
        // Nobody needs to restart it, and nobody should send it requests.
        assert_eq!(self.server.send(Request::get("/health/live")).status, 200);
        self.is_soon_not_ready();
    }

    /// While nothing can be written: nobody gets in, on or out. Who is in may well stay.
    pub fn changes_nothing(&self) {
        self.lets_nobody_in();
        assert_unavailable(&self.server.send(Request::post("/logout").bearer(&self.live.access)), "a logout");
    }

    /// What ends sessions cannot be done, so it is not done: neither the change nor half of it.
    /// Whether it was shows when [`Self::recovers`] logs in by the old password.
    pub fn takes_nothing_away(&self) {
        let body = serde_json::json!({ "current_password": PASSWORD, "new_password": "another password" });
        let request = Request::post("/me/password").bearer(&self.live.access);
        let reply = self.server.send(request.body("application/json", body.to_string()));
        assert_unavailable(&reply, "a change of password");
        for arguments in [&["disable", "ada"][..], &["set-roles", "ada", "admin"], &["delete", "ada"]] {
            let output = self.server.try_cli(&[&["user"], arguments].concat());
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        }
    }

    /// While all can be read, or at least is remembered: who is in stays in.
    pub fn stays_in(&self) {
        self.server.accepts(&self.live.access);
        self.ended_stays_ended();
        eventually("the server is ready", || self.is_ready());
    }

    /// Whether the user of the session that goes on can be looked up.
    pub fn can_be_read(&self) -> bool {
        self.server.me(&self.live.access).status == 200
    }

    pub fn is_ready(&self) -> bool {
        self.readiness().0 == 200
    }

    /// The stores are asked once a second at most, so it may take as long.
    pub fn is_soon_not_ready(&self) {
        eventually("the server is not ready", || self.readiness().0 == 503);
    }

    pub fn refresh_is_unavailable(&self) {
        assert_unavailable(&self.server.send(refresh(&self.live.refresh)), "a refresh");
    }

    /// While the store of users cannot be used: not even a token that is good in itself tells who
    /// its user is now.
    pub fn knows_nobody(&self) {
        assert_unavailable(&self.server.me(&self.live.access), "a good token");
    }

    /// What a refresh with the live token is answered; if it works, that goes on from its answer.
    pub fn refreshes(&mut self) -> u16 {
        let reply = self.server.send(refresh(&self.live.refresh));
        if reply.status == 200 {
            self.live = Tokens::of(&reply);
        } else {
            assert_unavailable(&reply, "a refresh");
        }
        reply.status
    }

    /// Nobody gets in or on.
    pub fn lets_nobody_in(&self) {
        self.ended_stays_ended();
        assert_unavailable(&self.server.send(login()), "a login");
        assert_unavailable(&self.server.send(refresh(&self.live.refresh)), "a refresh");
    }

    /// The access token of the session that goes on.
    pub fn access(&self) -> &str {
        &self.live.access
    }

    /// Without word of what was revoked, access tokens are taken for a while and then no more.
    pub fn goes_stale(&self) {
        eventually("stale tokens are refused", || {
            self.ended_stays_ended();
            let reply = self.server.me(&self.live.access);
            assert!([200, 503].contains(&reply.status), "{}", reply.text());
            reply.status == 503
        });
        assert_unavailable(&self.server.me(&self.live.access), "a stale token");
    }

    /// The store is back, and everything is as if nothing had happened: the refresh token that was
    /// presented in vain was used once or not at all, and the ended session is still ended.
    pub fn recovers(&mut self) {
        eventually("a refresh works again", || {
            self.ended_stays_ended();
            // No rotation is half done: it is 200 or 503.
            self.refreshes() == 200
        });
        eventually("the server is ready again", || self.is_ready());
        assert_eq!(self.refreshes(), 200, "there is one line of tokens: {}", self.server.log());
        self.is_as_it_should_be();
        assert_eq!(self.server.send(login()).status, 200);
    }

    /// The store is back and has lost sessions: nobody who was in is in, and everybody may log in.
    pub fn begins_anew(&mut self) {
        eventually("a login works again", || {
            self.ended_stays_ended();
            let reply = self.server.send(login());
            assert!([200, 503].contains(&reply.status), "{}", reply.text());
            if reply.status == 200 && self.server.me(&Tokens::of(&reply).access).status == 200 {
                self.server.refuses(&self.live.access);
                assert_token_error(&self.server.send(refresh(&self.live.refresh)), "invalid_grant");
                self.live = Tokens::of(&reply);
                return true;
            }
            false
        });
        eventually("the server is ready again", || self.is_ready());
        self.is_as_it_should_be();
    }
}

//! Clients, what they are granted and what they ask about and end, while a store fails.
//!
//! Each request is answered as is true, or 503: never by what only a working store could know.

use super::{Tokens, assert_unavailable};
use crate::{
    clients::{ask, assert_invalid_client, introspect, login_through, register, revoke},
    http::Reply,
    server::{PASSWORD, Server},
    servers::{Proxy, eventually},
};
use std::thread;

/// What the stores still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All that they should.
    Well,
    /// The same, but whoever was in the middle of something may have to come again.
    WellAgain,
    /// Everything can be read.
    ReadOnly,
    /// Everything can be read, and requests can be counted.
    CountsOnly,
    /// That of sessions does nothing.
    NoSessions,
    /// That of users and clients does nothing, and that of sessions is another.
    NoClients,
    /// There is one, and it does nothing.
    Nothing,
}

/// What a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Granted,
    Ended,
    Active,
    Inactive,
    InvalidClient,
    Unavailable,
}

impl Answer {
    #[track_caller]
    fn is_that_of(self, reply: &Reply, what: &str) {
        let json = || reply.json();
        match self {
            Self::Unavailable => return assert_unavailable(reply, what),
            Self::InvalidClient => return assert_invalid_client(reply),
            _ => assert_eq!(reply.status, 200, "{what}: {}", reply.text()),
        }
        match self {
            Self::Granted => assert!(json()["access_token"].is_string(), "{what}: {}", reply.text()),
            Self::Ended => assert_eq!(reply.text(), "", "{what}"),
            Self::Active => assert_eq!(json()["active"], true, "{what}"),
            _ => assert_eq!(reply.text(), r#"{"active":false}"#, "{what}"),
        }
    }
}

/// More than the usual half second: these tests send many requests at once, and wait for few in vain.
pub const DEADLINE: (&str, &str) = ("COUNTERSIGN_STORE__DEADLINE_MS", "1000");

const FIRST_PARTY: (&str, &str) = ("first-party", "");
const WEB: (&str, &str) = ("web", "");

/// A service that calls in its own name, a front end, a backend through which people log in, and an
/// API that asks about tokens.
pub struct Desk<'s> {
    server: &'s Server,
    worker: String,
    backend: String,
    api: String,
    /// Of a session that was ended before anything happened.
    revoked: String,
}

/// What is at stake while a store fails.
struct Stake {
    /// Goes on, through [`WEB`].
    live: Tokens,
    /// Goes on, through the backend.
    backends: String,
    /// To be ended: an access token, refresh tokens with those that go along, and a service's.
    access: String,
    first_party: Tokens,
    web: Tokens,
    service: String,
}

impl<'s> Desk<'s> {
    /// Clients of each kind on a server whose user is `ada`.
    pub fn on(server: &'s Server) -> Self {
        let worker = register(server, "worker", &[]).expect("a secret");
        register(server, "web", &["--public"]);
        let grants = ["--introspects", "--grant", "password", "--grant", "refresh_token"];
        let backend = register(server, "backend", &grants).expect("a secret");
        let api = register(server, "api", &["--introspects"]).expect("a secret");
        let (revoked, _) = login_through(server, "first-party", "");
        assert_eq!(revoke(server, FIRST_PARTY, &[("token", &revoked)]).status, 200);
        let desk = Self { server, worker, backend, api, revoked };
        desk.answers(&desk.stake(), State::Well);
        desk
    }

    fn stake(&self) -> Stake {
        let through = |client: &str| {
            let (access, refresh) = login_through(self.server, client, "");
            Tokens { access, refresh }
        };
        let login = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
        let backends = ask(self.server, ("backend", &self.backend), &login);
        Stake {
            live: through("web"),
            backends: Tokens::of(&backends).refresh,
            access: through("first-party").access,
            first_party: through("first-party"),
            web: through("web"),
            service: self.own(),
        }
    }

    fn own(&self) -> String {
        let reply = ask(self.server, ("worker", &self.worker), &[("grant_type", "client_credentials")]);
        crate::tokens::text(&reply, "access_token")
    }

    /// A store fails in this way and is well again afterwards.
    pub fn fails(&self, state: State, hurt: impl FnOnce(), heal: impl FnOnce()) {
        self.during(state, |is_answered| {
            hurt();
            is_answered();
            heal();
        });
    }

    /// The same for a fault that itself asks what is answered meanwhile.
    pub fn during(&self, state: State, fault: impl FnOnce(&dyn Fn())) {
        let stake = self.stake();
        fault(&|| {
            self.answers(&stake, state);
        });
        eventually("and is taken", || self.server.me(&stake.live.access).status == 200);
        // What was to be ended is ended now, whether it was then or not.
        self.answers(&stake, State::WellAgain);
        for access in [&stake.access, &stake.first_party.access, &stake.web.access, &stake.service] {
            self.server.refuses(access);
        }
        self.server.refuses(&self.revoked);
        self.server.accepts(&stake.live.access);
        for (client, token) in [("first-party", &stake.first_party.refresh), ("web", &stake.web.refresh)] {
            assert_eq!(self.refresh(client, token).status, 400, "an ended session goes on");
        }
    }

    /// Of what is answered 503 since the answer of the store was lost, some is done and some is not: to
    /// try again is right in any case.
    pub fn may_end_tokens_twice(&self, proxy: &Proxy, lost_after: impl Iterator<Item = usize>) {
        let end = |token: &str| {
            let reply = revoke(self.server, ("worker", &self.worker), &[("token", token)]);
            if reply.status != 200 {
                assert_unavailable(&reply, "the end of a token");
            }
            reply.status == 200
        };
        let mut lost = 0;
        for bytes in lost_after {
            let mut token = String::new();
            eventually("a service is answered", || {
                let reply =
                    ask(self.server, ("worker", &self.worker), &[("grant_type", "client_credentials")]);
                token = reply.json()["access_token"].as_str().unwrap_or_default().to_owned();
                reply.status == 200
            });
            proxy.reset_replies_after(bytes);
            let ended = end(&token);
            proxy.pass();
            if ended {
                self.server.refuses(&token);
            }
            lost += usize::from(!ended);
            eventually("it is ended", || end(&token));
            self.server.refuses(&token);
        }
        assert!(lost > 1, "{lost} answers were lost");
    }

    /// Clients whose tokens cannot be revoked any more are not changed, neither wholly nor partly.
    pub fn keeps_its_clients(&self, hurt: impl FnOnce()) {
        let token = self.own();
        hurt();
        for change in [&["disable", "worker"][..], &["set", "worker", "--introspects"], &["delete", "worker"]]
        {
            let output = self.server.try_cli(&[&["client"], change].concat());
            assert_eq!(output.status.code(), Some(1), "{change:?}: {output:?}");
        }
        assert_eq!(self.server.me(&token).status, 403, "it is good, and a service's");
    }

    fn refresh(&self, client: &str, token: &str) -> Reply {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
        self.server.send(crate::http::Request::post("/token").form(&form))
    }

    /// All of it at once, so that nobody waits for more than the slowest.
    fn answers(&self, stake: &Stake, state: State) {
        use Answer::*;
        let server = self.server;
        let [worker, backend, api] =
            [("worker", &*self.worker), ("backend", &*self.backend), ("api", &*self.api)];
        let own = [("grant_type", "client_credentials")];
        let login = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
        let end = |client, token: &str| revoke(server, client, &[("token", token)]);
        // What is answered while all can be read and nothing written, without sessions, without clients.
        type Row<'a> = (&'a str, [Answer; 4], Box<dyn Fn() -> Reply + Sync + Send + 'a>);
        let rows: Vec<Row<'_>> = vec![
            (
                "a service",
                [Granted, Unavailable, Unavailable, Unavailable],
                Box::new(|| ask(server, worker, &own)),
            ),
            (
                "a service's wrong secret",
                [InvalidClient, InvalidClient, InvalidClient, Unavailable],
                Box::new(|| ask(server, ("worker", &self.api), &own)),
            ),
            (
                "a login",
                [Granted, Unavailable, Unavailable, Unavailable],
                Box::new(|| ask(server, backend, &login)),
            ),
            (
                "a refresh",
                [Granted, Unavailable, Unavailable, Unavailable],
                Box::new(|| self.refresh("web", &stake.live.refresh)),
            ),
            (
                "the end of an access token",
                [Ended, Unavailable, Unavailable, Ended],
                Box::new(|| end(FIRST_PARTY, &stake.access)),
            ),
            (
                "the end of a session",
                [Ended, Unavailable, Unavailable, Ended],
                Box::new(|| end(FIRST_PARTY, &stake.first_party.refresh)),
            ),
            (
                "the end of a client's session",
                [Ended, Unavailable, Unavailable, Unavailable],
                Box::new(|| end(WEB, &stake.web.refresh)),
            ),
            (
                "the end of a service's token",
                [Ended, Unavailable, Unavailable, Unavailable],
                Box::new(|| end(worker, &stake.service)),
            ),
            ("the end of nothing", [Ended; 4], Box::new(|| end(FIRST_PARTY, "x"))),
            (
                "a question about a good token",
                [Active, Active, Unavailable, Unavailable],
                Box::new(|| introspect(server, api, &stake.live.access)),
            ),
            (
                "a question about a good refresh token",
                [Active, Active, Unavailable, Unavailable],
                Box::new(|| introspect(server, backend, &stake.backends)),
            ),
            (
                "a question about a revoked token",
                [Inactive, Inactive, Unavailable, Unavailable],
                Box::new(|| introspect(server, api, &self.revoked)),
            ),
            (
                "a question about nothing",
                [Inactive, Inactive, Inactive, Unavailable],
                Box::new(|| introspect(server, api, "x")),
            ),
            (
                "a question by nobody",
                [InvalidClient, InvalidClient, InvalidClient, Unavailable],
                Box::new(|| introspect(server, ("nobody", "x"), &stake.live.access)),
            ),
        ];
        thread::scope(|scope| {
            for (what, answers, request) in &rows {
                scope.spawn(move || {
                    let [well, read_only, no_sessions, no_clients] = *answers;
                    let answer = match state {
                        State::Well | State::WellAgain => well,
                        State::CountsOnly if *what == "a service" => Granted,
                        State::ReadOnly | State::CountsOnly => read_only,
                        State::NoSessions => no_sessions,
                        State::NoClients => no_clients,
                        State::Nothing if *what == "the end of nothing" => Ended,
                        State::Nothing => Unavailable,
                    };
                    let mut reply = request();
                    if state == State::WellAgain {
                        eventually(what, || {
                            let is_there = reply.status != 503;
                            if !is_there {
                                reply = request();
                            }
                            is_there
                        });
                    }
                    answer.is_that_of(&reply, &format!("{what} while {state:?}"));
                });
            }
        });
    }
}

//! A replica that takes the master's place, with everything or without the last of it; and a
//! Redis that comes back with an older memory of its own.

use super::{Scene, Tokens, refresh};
use crate::{
    http::Request,
    server::{PASSWORD, Server, assert_token_error},
    servers::{Proxy, Redis, Sentinel, eventually},
};

// F01, F03
#[test]
fn the_replica_that_a_sentinel_promotes_is_found_without_a_restart() {
    let master = Redis::start();
    let replica = Redis::replica_of(&master);
    let sentinel = Sentinel::watching(&master);
    let url = format!("redis+sentinel://{}/{}", sentinel.address(), Sentinel::MASTER);
    let mut scene = Scene::set(&[("COUNTERSIGN_REDIS_URL", &url)]);
    eventually("the replica is in step", || offset(&replica) == offset(&master));
    // What the master answered at the very last may not have reached the replica.
    let answers = scene.lines_go_on_while(true, || {
        master.kill();
        sentinel.fails_over_from(&master);
    });
    assert!(answers.unavailable > 0, "{answers:?}");
    scene.recovers();
}

/// How much of the stream of changes a server has written or taken.
fn offset(redis: &Redis) -> String {
    let info = redis.command(&["INFO", "replication"]);
    let line = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
    line.expect("its offset").to_owned()
}

fn tokens(server: &Server, name: &str) -> Tokens {
    let form = [("username", name), ("password", PASSWORD), ("scope", "offline_access")];
    Tokens::of(&server.send(Request::post("/token").form(&form)))
}

/// Sessions of which the store remembers less than the server.
struct Loss {
    server: Server,
    /// Nothing happened to it.
    quiet: Tokens,
    /// Rotated once; here are the tokens from before and after.
    rotated: [Tokens; 2],
    /// The same, but its client never got the answer.
    unanswered: [Tokens; 2],
    /// Logged out.
    ended: Tokens,
    /// Of a user who was disabled and enabled again.
    disabled: Tokens,
    /// Of a user who has lost a role.
    demoted: Tokens,
}

impl Loss {
    /// Has `keep` called before what will be lost.
    fn set(url: &str, revocations: bool, keep: impl FnOnce()) -> Self {
        let server = Server::start_with(&[
            ("COUNTERSIGN_REDIS_URL", url),
            ("COUNTERSIGN_REFRESH__GRACE", "300"),
            ("COUNTERSIGN_STORE__DEADLINE_MS", "2000"),
        ]);
        for (name, roles) in [("ada", &[][..]), ("bob", &[]), ("eve", &["admin"])] {
            server.user(name, roles);
        }
        // So that the list has a place to go back to.
        let first = tokens(&server, "ada");
        assert_eq!(server.send(Request::post("/logout").bearer(&first.access)).status, 204);
        let [quiet, before, unheard, ended] = [(); 4].map(|()| tokens(&server, "ada"));
        let (disabled, demoted) = (tokens(&server, "bob"), tokens(&server, "eve"));
        keep();

        let rotate = |tokens: Tokens| {
            let next = Tokens::of(&server.send(refresh(&tokens.refresh)));
            [tokens, next]
        };
        let (rotated, unanswered) = (rotate(before), rotate(unheard));
        if revocations {
            assert_eq!(server.send(Request::post("/logout").bearer(&ended.access)).status, 204);
            for command in [&["user", "disable", "bob"][..], &["user", "enable", "bob"]] {
                server.cli(command, "");
            }
            server.cli(&["user", "set-roles", "eve"], "");
            for tokens in [&ended, &disabled, &demoted] {
                eventually("the server has heard of it", || server.me(&tokens.access).status == 401);
            }
        }
        Self { server, quiet, rotated, unanswered, ended, disabled, demoted }
    }

    /// What was revoked before the loss opens nothing, at no moment after it.
    fn revoked_stay_so(&self) {
        for (who, tokens) in
            [("ended", &self.ended), ("disabled", &self.disabled), ("demoted", &self.demoted)]
        {
            let reply = self.server.me(&tokens.access);
            assert!([401, 503].contains(&reply.status), "{who}: {}", reply.text());
            let reply = self.server.send(refresh(&tokens.refresh));
            assert!([400, 503].contains(&reply.status), "{who}: {}", reply.text());
        }
    }

    /// What the store answers to this refresh token once it answers.
    fn refreshed(&self, token: &str, checks: impl Fn()) -> Option<Tokens> {
        let mut tokens = None;
        eventually("a refresh is answered", || {
            checks();
            let reply = self.server.send(refresh(token));
            match reply.status {
                200 => tokens = Some(Tokens::of(&reply)),
                503 => return false,
                _ => assert_token_error(&reply, "invalid_grant"),
            }
            true
        });
        tokens
    }

    /// Every token has one successor at most, though the store has forgotten some.
    fn no_rotation_is_doubled(&self, checks: impl Fn()) {
        let [before, after] = &self.rotated;
        assert!(self.refreshed(&after.refresh, &checks).is_none(), "a token of the future ends its session");
        for tokens in [before, after] {
            assert!(self.refreshed(&tokens.refresh, &checks).is_none(), "and no other token revives it");
            self.server.refuses(&tokens.access);
        }
        let [before, after] = &self.unanswered;
        let again = self.refreshed(&before.refresh, &checks).expect("it is the current one again");
        assert_eq!(again.refresh, after.refresh, "the same successor");
        let next = self.refreshed(&after.refresh, &checks).expect("it is one line");
        self.server.accepts(&next.access);
    }

    fn all_is_well(&self) {
        let quiet = self.refreshed(&self.quiet.refresh, || ()).expect("other sessions go on");
        self.server.accepts(&quiet.access);
        for name in ["ada", "bob", "eve"] {
            self.server.accepts(&tokens(&self.server, name).access);
        }
        eventually("the server is ready", || self.server.send(Request::get("/health/ready")).status == 200);
    }

    /// The store has lost revocations, and the server tells it again.
    fn is_made_good(&self) {
        eventually("the loss is noticed", || {
            self.revoked_stay_so();
            self.server.me(&self.quiet.access).status == 401
        });
        self.no_rotation_is_doubled(|| self.revoked_stay_so());
        for tokens in [&self.ended, &self.disabled, &self.demoted] {
            assert!(self.refreshed(&tokens.refresh, || ()).is_none());
            self.server.refuses(&tokens.access);
        }
        self.all_is_well();
        assert!(self.server.says("the store has lost what was revoked"));
    }

    /// The store has lost nothing but rotations.
    fn is_harmless(&self) {
        self.no_rotation_is_doubled(|| ());
        self.server.accepts(&self.quiet.access);
        self.all_is_well();
    }
}

/// A master dies with its last writes, which its replica never got. Both are reached by way of the
/// same address.
fn failover(revocations: bool, check: impl FnOnce(&Loss)) {
    let master = Redis::start();
    let link = Proxy::to(master.address());
    let replica = Redis::start_with(&[("replicaof", &format!("127.0.0.1 {}", link.port()))]);
    let front = Proxy::to(master.address());
    let loss = Loss::set(&master.url_at(front.port()), revocations, || {
        eventually("the replica is in step", || {
            let info = replica.command(&["INFO", "replication"]);
            info.contains("master_link_status:up") && offset(&replica) == offset(&master)
        });
        link.cut();
    });
    assert_ne!(offset(&replica), offset(&master), "something is lost");
    master.kill();
    replica.promote();
    front.retarget(replica.address());
    front.cut();
    front.pass();
    check(&loss);
}

/// Redis is killed and comes back with a snapshot from before its last writes.
fn snapshot(revocations: bool, check: impl FnOnce(&Loss)) {
    let redis = Redis::start();
    let keep = || assert_eq!(redis.command(&["SAVE"]), "OK");
    let loss = Loss::set(&redis.url(), revocations, keep);
    redis.kill();
    redis.start_again();
    check(&loss);
}

// F03
#[test]
fn a_replica_without_the_last_revocations_is_told_of_them_again() {
    failover(true, Loss::is_made_good);
}

// F03
#[test]
fn a_replica_without_the_last_rotations_doubles_none() {
    failover(false, Loss::is_harmless);
}

// F06
#[test]
fn a_snapshot_without_the_last_revocations_is_told_of_them_again() {
    snapshot(true, Loss::is_made_good);
}

// F06
#[test]
fn a_snapshot_without_the_last_rotations_doubles_none() {
    snapshot(false, Loss::is_harmless);
}

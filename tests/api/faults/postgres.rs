//! What can happen to PostgreSQL, with everything in it: users, sessions and the revocation list.

use super::{
    Scene,
    admin::{self, Left},
    clients::{DEADLINE, Desk, State},
};
use crate::servers::{Postgres, Proxy, Redis, eventually};
use std::{thread, time::Duration};

/// A scene in a new database of a server of its own, by way of a proxy.
struct Stage {
    scene: Scene,
    postgres: Postgres,
    proxy: Proxy,
    database: String,
}

impl Stage {
    fn set(postgres: Postgres, settings: &[(&str, &str)]) -> Self {
        let proxy = Proxy::to(postgres.address());
        let url = postgres.database();
        let database = url.rsplit('/').next().unwrap().to_owned();
        let url = postgres.url_at(proxy.port(), &database);
        let mut all = vec![("COUNTERSIGN_DATABASE_URL", url.as_str())];
        all.extend(settings);
        Self { scene: Scene::set(&all), postgres, proxy, database }
    }

    fn sql(&self, statement: &str) -> String {
        self.postgres.sql(&self.database, statement)
    }

    /// What is newly set holds for new connections only.
    fn end_connections(&self) {
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
    }

    /// Has every change to a session, and every revocation, fail by this error, the first so many times.
    fn changes_fail(&self, times: u32, code: &str) {
        self.sql(&format!(
            "DROP SEQUENCE IF EXISTS attempts; CREATE SEQUENCE attempts;
             CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('attempts') <= {times} THEN RAISE SQLSTATE '{code}'; END IF; RETURN NEW; END $$;
             CREATE OR REPLACE TRIGGER fail BEFORE INSERT OR UPDATE ON sessions
                 FOR EACH ROW EXECUTE FUNCTION fail();
             CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON revocations
                 FOR EACH ROW EXECUTE FUNCTION fail()"
        ));
    }

    fn changes_work(&self) {
        self.sql("DROP TRIGGER fail ON sessions; DROP TRIGGER fail ON revocations");
    }

    fn is_read_only(&self, is: bool) {
        let to = if is { "on" } else { "off" };
        let database = &self.database;
        // By way of another database, which may be written.
        let statement = format!("ALTER DATABASE {database} SET default_transaction_read_only = {to}");
        self.postgres.sql("postgres", &statement);
        self.end_connections();
    }
}

/// PostgreSQL fails in this way and is well again afterwards.
fn fails(hurt: impl FnOnce(&Stage), heal: impl FnOnce(&Stage)) {
    let mut stage = Stage::set(Postgres::start(), &[]);
    hurt(&stage);
    stage.scene.knows_nobody();
    stage.scene.is_closed();
    stage.scene.goes_stale();
    stage.scene.is_closed();
    heal(&stage);
    stage.scene.recovers();
}

/// PostgreSQL still tells everything and lets nothing be changed, and then lets it again.
fn refuses_changes(hurt: impl FnOnce(&Stage), heal: impl FnOnce(&Stage)) {
    let mut stage = Stage::set(Postgres::start(), &[]);
    hurt(&stage);
    stage.scene.changes_nothing();
    stage.scene.stays_in();
    heal(&stage);
    stage.scene.recovers();
}

// F05, F08
#[test]
fn killed_and_started_again() {
    fails(|stage| stage.postgres.kill(), |stage| stage.postgres.start_again());
}

// F05, F08
#[test]
fn ended_in_good_order_and_started_again() {
    fails(|stage| stage.postgres.terminate(), |stage| stage.postgres.start_again());
}

// F05
#[test]
fn frozen() {
    fails(|stage| stage.postgres.stop(), |stage| stage.postgres.resume());
}

// F05
#[test]
fn five_seconds_late() {
    fails(|stage| stage.proxy.delay(Duration::from_secs(5)), |stage| stage.proxy.pass());
}

// F05
#[test]
fn cut_off() {
    fails(|stage| stage.proxy.cut(), |stage| stage.proxy.pass());
}

// F05
#[test]
fn gone_without_a_word() {
    fails(|stage| stage.proxy.blackhole(), |stage| stage.proxy.pass());
}

#[test]
fn its_password_is_changed_and_changed_back() {
    let mut stage = Stage::set(Postgres::with_password("right-word"), &[]);
    stage.sql("ALTER ROLE postgres PASSWORD 'another-word'");
    stage.end_connections();
    // A connection that was just being used may take one try to be found lost.
    eventually("the server is shut out", || stage.scene.refreshes() == 503);
    stage.scene.knows_nobody();
    stage.scene.is_closed();
    assert!(!stage.scene.server.log().contains("-word"), "{}", stage.scene.server.log());
    stage.sql("ALTER ROLE postgres PASSWORD 'right-word'");
    stage.scene.recovers();
}

#[test]
fn reset_in_the_middle_of_a_reply() {
    // One session is refreshed more often in this minute than its rate limit allows.
    let mut stage = Stage::set(Postgres::start(), &[("COUNTERSIGN_RATE__LIMITS", "off")]);
    let (mut lost, mut lost_and_done) = (0, 0);
    // A refresh asks several questions: after few bytes the first is not answered, after many the last.
    for bytes in (1..2_000).step_by(23) {
        let rotations = "SELECT sum(generation) FROM sessions";
        let before = stage.sql(rotations);
        stage.proxy.reset_replies_after(bytes);
        let status = stage.scene.refreshes();
        stage.proxy.pass();
        stage.scene.ended_stays_ended();
        if status == 503 {
            lost += 1;
            lost_and_done += u32::from(stage.sql(rotations) != before);
            eventually("the same token works", || stage.scene.refreshes() == 200);
        }
        assert_eq!(stage.scene.refreshes(), 200, "there is one line of tokens, after {bytes} bytes");
    }
    assert!(
        lost > lost_and_done && lost_and_done > 0,
        "{lost} answers lost, {lost_and_done} of them of what was done"
    );
    stage.scene.recovers();
}

#[test]
fn read_only() {
    let mut stage = Stage::set(Postgres::start(), &[]);
    stage.is_read_only(true);
    eventually("it can be read", || stage.scene.can_be_read());
    stage.scene.changes_nothing();
    // Who is in stays in, and whoever is not should ask another server, if that has another database.
    stage.scene.server.accepts(stage.scene.access());
    stage.scene.ended_stays_ended();
    stage.scene.is_soon_not_ready();
    stage.is_read_only(false);
    stage.scene.recovers();
}

// F05
#[test]
fn what_an_admin_does_is_done_or_not_at_all() {
    let stage = Stage::set(Postgres::start(), &[("COUNTERSIGN_REVOCATION__MAX_STALENESS", "300")]);
    let desk = admin::Desk::on(&stage.scene.server);
    for hurt in [Proxy::cut, Proxy::blackhole] {
        hurt(&stage.proxy);
        desk.is_answered(Left::Nothing);
        stage.proxy.pass();
        eventually("the server is ready again", || stage.scene.is_ready());
        desk.nothing_was_done();
    }
    stage.is_read_only(true);
    eventually("it can be read", || desk.can_read());
    desk.is_answered(Left::Reading);
    stage.is_read_only(false);
    eventually("the server is ready again", || stage.scene.is_ready());
    desk.nothing_was_done();
}

// F05
#[test]
fn clients_are_answered_what_is_true_or_nothing() {
    let stage = Stage::set(Postgres::start(), &[DEADLINE]);
    let (postgres, proxy) = (&stage.postgres, &stage.proxy);
    let desk = Desk::on(&stage.scene.server);
    desk.fails(State::Nothing, || postgres.kill(), || postgres.start_again());
    desk.fails(State::Nothing, || postgres.stop(), || postgres.resume());
    desk.fails(State::Nothing, || proxy.delay(Duration::from_secs(5)), || proxy.pass());
    desk.may_end_tokens_twice(proxy, (1..1_000).step_by(83));
    let read_only = || {
        stage.is_read_only(true);
        eventually("it can be read", || stage.scene.can_be_read());
    };
    desk.fails(State::ReadOnly, read_only, || stage.is_read_only(false));
    desk.fails(State::CountsOnly, || stage.changes_fail(u32::MAX, "40001"), || stage.changes_work());
    // A few times is not too often.
    desk.fails(State::Well, || stage.changes_fail(2, "40001"), || stage.changes_work());
}

// F05
#[test]
fn clients_are_answered_what_is_true_or_nothing_without_them() {
    let redis = Redis::start();
    let stage = Stage::set(Postgres::start(), &[("COUNTERSIGN_REDIS_URL", &redis.url()), DEADLINE]);
    let (postgres, proxy) = (&stage.postgres, &stage.proxy);
    let desk = Desk::on(&stage.scene.server);
    desk.fails(State::NoClients, || postgres.kill(), || postgres.start_again());
    desk.fails(State::NoClients, || proxy.blackhole(), || proxy.pass());
    desk.fails(State::NoSessions, || redis.stop(), || redis.resume());
}

// F05: as the disk's being full is told; a server whose disk is full for its log too dies of it.
#[test]
fn its_disk_is_full() {
    refuses_changes(|stage| stage.changes_fail(u32::MAX, "53100"), |stage| stage.changes_work());
}

// F05
#[test]
fn it_rolls_back_every_change() {
    refuses_changes(|stage| stage.changes_fail(u32::MAX, "40001"), |stage| stage.changes_work());
}

// F05
#[test]
fn it_rolls_back_the_first_attempts() {
    let mut stage = Stage::set(Postgres::start(), &[]);
    for code in ["40001", "40P01"] {
        stage.changes_fail(2, code);
        assert_eq!(stage.scene.refreshes(), 200, "{code}");
        assert_eq!(stage.sql("SELECT last_value FROM attempts"), "3", "{code}");
    }
    stage.changes_work();
    stage.scene.recovers();
}

#[test]
fn emptied_of_its_sessions() {
    let mut stage = Stage::set(Postgres::start(), &[]);
    stage.sql("TRUNCATE sessions, revisions, revocations, memory");
    stage.scene.begins_anew();
}

// F05
#[test]
fn its_only_connection_waits_for_somebody_who_holds_what_is_wanted() {
    let mut stage = Stage::set(Postgres::start(), &[("COUNTERSIGN_STORE__CONNECTIONS", "1")]);
    let holder = "pid FROM pg_stat_activity WHERE query LIKE '%name = ''held''%' AND pid <> pg_backend_pid()";
    thread::scope(|scope| {
        let hold = "BEGIN; UPDATE sessions SET name = 'held'; SELECT pg_sleep(600)";
        let held = scope.spawn(|| stage.postgres.try_sql(&stage.database, hold));
        let is_held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        eventually("the sessions are held", || stage.sql(is_held) == "1");
        let asking: Vec<_> = (0..6).map(|_| scope.spawn(|| stage.scene.refresh_is_unavailable())).collect();
        let answered: Vec<_> = asking.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Before the holder is gone: nobody waited for it.
        assert!(!held.is_finished());
        stage.sql(&format!("SELECT pg_terminate_backend(pid) FROM (SELECT {holder}) AS holder"));
        assert!(held.join().unwrap().is_err(), "it was ended");
        assert!(answered.iter().all(Result::is_ok), "some refresh was not answered 503");
    });
    stage.scene.recovers();
}

//! What can happen to an SQLite file.

use super::{
    Scene,
    admin::{self, Left},
    clients::{Desk, State},
};
use crate::{
    http::Request,
    server::{PASSWORD, Server},
    sql,
};
use std::{process::Command, thread};

// F05
#[test]
fn another_process_writes_for_longer_than_anybody_waits() {
    let mut scene = Scene::set(&[]);
    let file = scene.server.folder.path().join("test.db");
    sql::while_locked(&file, || {
        scene.changes_nothing();
        scene.stays_in();
    });
    scene.recovers();
}

// F05
#[test]
fn readers_are_served_while_more_writers_wait_than_there_are_connections() {
    let server = Server::start();
    let token = server.login("ada");
    let file = server.folder.path().join("test.db");
    let login = |number: usize| {
        let form = [("username", &*format!("user-{number}")), ("password", PASSWORD)];
        server.send(Request::post("/token").form(&form))
    };
    let login = &login;
    sql::while_locked(&file, || {
        thread::scope(|scope| {
            let writers: Vec<_> = (0..20).map(|number| scope.spawn(move || login(number))).collect();
            while writers.iter().any(|writer| !writer.is_finished()) {
                assert_eq!(server.me(&token).status, 200);
            }
            for writer in writers {
                let reply = writer.join().unwrap();
                assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{}", reply.text());
            }
        });
    });
    server.is_well();
    server.login("ada");
}

// F05
#[test]
fn clients_are_answered_what_is_true_or_nothing() {
    let scene = Scene::set_by(&["env", "--ignore-signal=XFSZ"], &[]);
    let server = &scene.server;
    let desk = Desk::on(server);
    let file = server.folder.path().join("test.db");
    desk.fails(State::ReadOnly, || limit_files(server.pid(), "0"), || limit_files(server.pid(), "unlimited"));
    desk.during(State::ReadOnly, |is_answered| sql::while_locked(&file, is_answered));
}

// F05
#[test]
fn what_an_admin_does_is_done_or_not_at_all() {
    let patient = [("COUNTERSIGN_REVOCATION__MAX_STALENESS", "300")];
    let scene = Scene::set_by(&["env", "--ignore-signal=XFSZ"], &patient);
    let server = &scene.server;
    let desk = admin::Desk::on(server);
    let file = server.folder.path().join("test.db");
    sql::while_locked(&file, || desk.is_answered(Left::Reading));
    desk.nothing_was_done();
    limit_files(server.pid(), "0");
    desk.is_answered(Left::Reading);
    limit_files(server.pid(), "unlimited");
    desk.nothing_was_done();
}

/// How long a file may become that a process writes to; writing beyond fails, also in an old file.
fn limit_files(pid: u32, bytes: &str) {
    let limit = [format!("--pid={pid}"), format!("--fsize={bytes}:unlimited")];
    assert!(Command::new("prlimit").args(limit).status().expect("prlimit (util-linux)").success());
}

// F05
#[test]
fn no_byte_of_the_file_can_be_written() {
    // Not by the file's mode, which would not keep root from writing; nor does it matter once it is open.
    let mut scene = Scene::set_by(&["env", "--ignore-signal=XFSZ"], &[]);
    limit_files(scene.server.pid(), "0");
    scene.changes_nothing();
    scene.stays_in();
    limit_files(scene.server.pid(), "unlimited");
    scene.recovers();
}

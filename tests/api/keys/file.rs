//! A ring in a file.

use super::{RING, edit, kid, ring, run, stderr};
use crate::{
    http::Request,
    server::{KEY, Server},
    tokens::{offline, refresh, text},
    well_known::{list, published, signing, within_a_second},
};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    process::Command,
};
use tempfile::TempDir;

const RELEASE: (&str, &str) = ("ROCKET_PROFILE", "release");

#[test]
fn in_production_the_first_key_is_made_by_a_command() {
    let folder = TempDir::new().expect("a folder");
    let settings = ring(&[RELEASE]);
    let refused = run(folder.path(), &settings, &["serve"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(
        stderr(&refused).contains("there are no keys in keys.json; make the first with"),
        "{}",
        stderr(&refused)
    );
    for command in [&["keys", "list"][..], &["keys", "rotate"], &["keys", "revoke", "x"]] {
        let refused = run(folder.path(), &settings, command);
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        assert!(stderr(&refused).contains("there are no keys in keys.json"), "{command:?}");
    }
    assert!(!folder.path().join("keys.json").exists());
    let doctor = run(folder.path(), &settings, &["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("refused  keys in keys.json: there are no keys"), "{said}");

    let made = run(folder.path(), &settings, &["keys", "generate"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let file = fs::read(folder.path().join("keys.json")).expect("a file");
    let again = run(folder.path(), &settings, &["keys", "generate", "--algorithm", "RS256"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("there are keys in keys.json already"), "{}", stderr(&again));
    assert_eq!(fs::read(folder.path().join("keys.json")).expect("a file"), file, "nothing was lost");

    let server = Server::start_in(folder, &settings);
    server.user("ada", &[]);
    let token = server.login("ada");
    server.accepts(&token);
    assert_eq!(kid(&token), signing(&server));
    assert_eq!(published(&server)[0]["kid"], *kid(&token));
    assert_eq!(list(&server)[0]["alg"], "EdDSA");
    let mode = fs::metadata(server.folder.path().join("keys.json")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mode =
        |file: &str| fs::metadata(server.folder.path().join(file)).map(|data| data.permissions().mode());
    assert_eq!(mode("keys.json.lock").map(|mode| mode & 0o777).ok(), Some(0o600));
    assert!(mode("keys.json.new").is_err(), "nothing is left behind");
}

// K06
#[test]
fn a_file_that_others_can_read_is_warned_of() {
    let server = Server::start_with(&RING);
    let folder = server.kill();
    let path = folder.path().join("keys.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
    let server = Server::start_in(folder, &RING);
    assert!(server.says("keys.json can be read by others; chmod it to 600"), "{}", server.log());
    let said = server.cli(&["doctor"], "");
    assert!(said.contains("warning  keys in keys.json: keys.json can be read by others"), "{said}");
}

#[test]
fn a_key_can_be_printed_and_given_by_the_environment() {
    let folder = TempDir::new().expect("a folder");
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256"] {
        let made = run(folder.path(), &[RELEASE], &["keys", "generate", "--print", "--algorithm", algorithm]);
        assert!(made.status.success(), "{}", stderr(&made));
        let key = String::from_utf8(made.stdout).expect("text");
        let server = Server::start_with(&[("COUNTERSIGN_SIGNING_KEY", key.trim_end())]);
        server.user("ada", &[]);
        let token = server.login("ada");
        server.accepts(&token);
        let header = crate::forge::Token::parse(&token).header;
        assert_eq!(header["alg"], algorithm);
        assert_eq!(signing(&server), kid(&token));
        for command in [&["keys", "rotate"][..], &["keys", "generate"], &["keys", "revoke", &kid(&token)]] {
            let refused = server.try_cli(command);
            assert_eq!(refused.status.code(), Some(2), "{command:?}");
            assert!(stderr(&refused).contains("COUNTERSIGN_KEYS__STORE"), "{}", stderr(&refused));
        }
        assert!(!server.log().contains(key.lines().last().expect("a line")));
    }
}

#[test]
fn a_bad_ring_keeps_the_server_from_starting_and_says_why() {
    let server = Server::start_with(&RING);
    let good = fs::read_to_string(server.folder.path().join("keys.json")).expect("a file");
    let folder = server.kill();
    let key = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut ring: serde_json::Value = serde_json::from_str(&good).expect("JSON");
        change(&mut ring["keys"][0]);
        ring.to_string()
    };
    for (ring, why) in [
        (String::new(), "not a JWK Set"),
        ("{}".into(), "not a JWK Set"),
        (good.replace('}', ""), "not a JWK Set"),
        (r#"{"keys":[]}"#.into(), "no usable key"),
        (key(&|key| key["alg"] = json!("ES256")), "\"alg\""),
        (key(&|key| key["use"] = json!("enc")), "\"use\""),
        (key(&|key| key["key_ops"] = json!(["verify"])), "\"key_ops\""),
        (key(&|key| key["crv"] = json!("X25519")), "\"crv\""),
        (key(&|key| key["d"] = json!("AA")), "wrong length"),
        (key(&|key| key["d"] = json!("A".repeat(43))), "do not belong together"),
        (key(&|key| drop(key.as_object_mut().expect("a key").remove("d"))), "public key"),
        (key(&|key| key["x"] = json!("A".repeat(43))), "small order"),
        (key(&|key| key["life"]["verify_until"] = json!(9_999_999_999_u64)), "not a JWK Set"),
        (key(&|key| key["life"]["signs_from"] = json!("now")), "not a JWK Set"),
        (key(&|key| key["life"]["retires_at"] = json!(9_999_999_999_u64)), "must not retire"),
        (key(&|key| key["life"]["published_at"] = json!(9_999_999_999_u64)), "before it is published"),
        (
            good.replace("\"keys\": [", "\"keys\": [{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"},"),
            "shorter than 32 bytes",
        ),
    ] {
        fs::write(folder.path().join("keys.json"), &ring).expect("written");
        for command in [&["serve"][..], &["keys", "list"], &["doctor"]] {
            let refused = run(folder.path(), &RING, command);
            let said = stderr(&refused) + &*String::from_utf8_lossy(&refused.stdout);
            assert_eq!(refused.status.code(), Some(1), "{why}: {said}");
            assert!(said.contains("keys.json") && said.contains(why), "{why}: {said}");
            let secret =
                serde_json::from_str::<serde_json::Value>(&good).expect("JSON")["keys"][0]["d"].clone();
            assert!(!said.contains(secret.as_str().expect("a text")), "{said}");
        }
    }
}

#[test]
fn a_ring_that_has_become_bad_changes_nothing_and_a_good_one_is_taken_again() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let token = server.login("ada");
    let path = server.folder.path().join("keys.json");
    let good = fs::read(&path).expect("a file");
    for bad in [&b"{"[..], br#"{"keys":[]}"#, b"\xff"] {
        fs::write(&path, bad).expect("written");
        within_a_second(|| server.log().matches("going on with the keys as they were").count() > 0);
        server.accepts(&token);
        server.accepts(&server.login("ada"));
    }
    fs::remove_file(&path).expect("removed");
    super::pause(1000);
    server.accepts(&server.login("ada"));
    assert!(!server.log().contains("the keys can be read again"), "{}", server.log());
    fs::write(&path, &good).expect("written");
    within_a_second(|| server.log().contains("the keys can be read again"));
    server.cli(&["keys", "rotate"], "");
    within_a_second(|| published(&server).len() == 2);
    assert_eq!(server.log().matches("going on with the keys as they were").count(), 1, "said once");
}

#[test]
fn sighup_reads_the_keys_again_and_ends_nothing() {
    let server = Server::start_with(&RING);
    server.user("ada", &[]);
    let hang_up = || {
        let killed = Command::new("kill").args(["-HUP", &server.pid().to_string()]).status();
        assert!(killed.expect("kill runs").success());
    };
    hang_up();
    within_a_second(|| server.log().contains("SIGHUP: the keys are as they were"));
    let token = server.login("ada");
    edit(&server, |ring| ring["keys"][0]["life"]["signs_from"] = json!(1));
    edit(&server, |ring| ring["keys"][0]["life"]["published_at"] = json!(1));
    hang_up();
    within_a_second(|| server.log().contains("the keys have changed"));
    server.accepts(&token);
}

#[test]
fn a_team_may_move_from_a_secret_to_a_ring_without_logging_anybody_out() {
    let server = Server::start();
    let (access, token) = offline(&server);
    let settings = ring(&[("COUNTERSIGN_PREVIOUS_SIGNING_KEY", KEY)]);
    let server = Server::start_in(server.kill(), &settings);
    server.accepts(&access);
    let next = refresh(&server, &token);
    assert_eq!(next.status, 200, "{}", next.text());
    let (newer, token) = (text(&next, "access_token"), text(&next, "refresh_token"));
    assert_eq!(kid(&newer), signing(&server));
    let server = Server::start_in(server.kill(), &RING);
    server.refuses(&access);
    server.accepts(&newer);
    assert_eq!(refresh(&server, &token).status, 200, "sealed by the new key");
    assert_eq!(server.send(Request::get("/health/ready")).status, 200);
}

#[test]
fn keys_that_cannot_be_replaced_go_on_and_the_log_says_so_once() {
    let before = Server::start_with(&ring(&[]));
    before.user("ada", &[]);
    let folder = before.kill();
    // Where the new file would be written there is a folder with something in it.
    fs::create_dir_all(folder.path().join("keys.json.new/in/the/way")).expect("made");
    let server = Server::start_in(folder, &ring(&[("COUNTERSIGN_KEYS__PERIOD", "3")]));
    super::pause(4000);
    server.accepts(&server.login("ada"));
    assert_eq!(list(&server).len(), 1);
    assert_eq!(server.log().matches("so the keys do not rotate").count(), 1, "{}", server.log());
}

#[test]
fn a_command_of_root_gives_no_file_of_roots_away() {
    const OTHER: u32 = 65_534;
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let settings = ring(&[RELEASE, ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")]);
    let made = run(folder.path(), &settings, &["keys", "generate"]);
    assert!(made.status.success(), "{}", stderr(&made));
    for name in ["", "keys.json", "test.db"] {
        chown(path(name), Some(OTHER), Some(OTHER)).expect("run these tests as root: they give files away");
    }
    let owner = |name: &str| fs::symlink_metadata(path(name)).expect("it is there").uid();
    fs::write(path("victim"), "root's").expect("written");

    // The service's user puts links where the command writes.
    let rotate = &["keys", "rotate"];
    for (link, is_hard, command) in [
        ("keys.json.lock", false, rotate),
        ("keys.json.lock", true, rotate),
        ("test.db-wal", true, &["user", "list"]),
    ] {
        let _ = fs::remove_file(path(link));
        if is_hard { fs::hard_link(path("victim"), path(link)) } else { symlink(path("victim"), path(link)) }
            .expect("linked");
        let refused = run(folder.path(), &settings, command);
        let why = if is_hard { "has another hard link" } else { "is a symbolic link" };
        assert_eq!(refused.status.code(), Some(1), "{link}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(link), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
        let doctor = run(folder.path(), &settings, &["doctor"]);
        let said = String::from_utf8_lossy(&doctor.stdout);
        assert!(said.contains(link) && said.contains(why), "{said}");
        assert_eq!(
            (owner("victim"), fs::read(path("victim")).expect("it is there")),
            (0, b"root's".to_vec())
        );
        fs::remove_file(path(link)).expect("removed");
    }
    let rotated = run(folder.path(), &settings, &["keys", "rotate"]);
    assert!(rotated.status.success(), "{}", stderr(&rotated));
    assert_eq!(
        (owner("keys.json"), owner("keys.json.lock")),
        (OTHER, OTHER),
        "the service can still use them"
    );
}

//! `countersign client …`: the real program, most of it without a server.

use super::SCOPES;
use crate::{
    server::{KEY, program, run},
    servers::Postgres,
};
use serde_json::{Value, json};
use std::{fs, process::Output, time::SystemTime};
use tempfile::TempDir;

/// Where the program keeps its clients, and what it is told.
struct Shop {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]}"#;

impl Shop {
    fn open() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&'static str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("jwks.json"), JWKS).expect("written");
        let usual =
            [("COUNTERSIGN_SIGNING_KEY", KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"), SCOPES];
        let usual = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let settings = usual.chain(more.iter().copied()).map(|(name, value)| (name, value.to_owned()));
        Self { folder, settings: settings.collect() }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Runs `countersign client ARGUMENTS`.
    fn run(&self, arguments: &[&str]) -> Output {
        run(self.folder.path(), &self.settings(), &[&["client"], arguments].concat(), "")
    }

    /// What it prints when it succeeds; then there is nothing to complain of.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
        text(&output.stdout).to_owned()
    }

    /// What it complains of when it ends with this code; then it prints nothing.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let (printed, complaint) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), printed), (Some(code), ""), "{arguments:?}: {complaint}");
        assert!(!complaint.contains("panicked") && !complaint.contains("csc_"), "{complaint}");
        complaint.to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.done(&[arguments, &["--json"]].concat());
        assert!(!text.contains("csc_"), "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    fn show(&self, id: &str) -> Value {
        self.json(&["show", id])
    }

    #[track_caller]
    fn secret(&self, arguments: &[&str]) -> String {
        let printed = self.done(arguments);
        let secret = printed.lines().next().and_then(|line| line.strip_prefix("secret: "));
        let secret = secret.unwrap_or_else(|| panic!("{printed:?}")).to_owned();
        assert!(secret.starts_with("csc_") && secret.len() == 47, "{secret}");
        secret
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// Takes the times out, which have to be of the last minute or, where it is over, of the next day.
fn without_times(mut shown: Value) -> Value {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a time after 1970").as_secs();
    let check = |time: &mut Value, of: std::ops::RangeInclusive<u64>| {
        assert!(time.as_u64().is_some_and(|time| of.contains(&time)), "{time} is not in {of:?}");
        *time = json!("then");
    };
    check(&mut shown["created_at"], now - 60..=now);
    for secret in shown.get_mut("secrets").and_then(Value::as_array_mut).into_iter().flatten() {
        check(&mut secret["created_at"], now - 60..=now);
        if !secret["ends_at"].is_null() {
            check(&mut secret["ends_at"], now + 86_400 - 60..=now + 86_400);
        }
    }
    shown
}

#[test]
fn every_kind_of_client_is_told_exactly_and_without_a_secret() {
    let shop = Shop::open();
    assert_eq!(shop.json(&["list"]), json!([]));
    assert_eq!(shop.done(&["list"]), "");
    shop.done(&["add", "web", "--public", "--scope", "reports:read items", "--idle", "3600"]);
    shop.done(&["add", "signer", "--jwks", "jwks.json", "--name", "Signs \u{2713}"]);
    shop.secret(&["add", "api", "--introspects"]);
    let both = ["--grant", "password", "--grant", "client_credentials", "--grant", "refresh_token"];
    let lives = ["--access-ttl", "60", "--idle", "600", "--absolute", "6000"];
    shop.secret(&[&["add", "Backend"][..], &both, &lives].concat());
    shop.secret(&["rotate-secret", "Backend"]);
    shop.done(&["disable", "Backend"]);

    let secret = json!({ "created_at": "then", "ends_at": null });
    let replaced = json!({ "created_at": "then", "ends_at": "then" });
    let backend = json!({
        "id": "Backend", "name": null, "authentication": "client_secret", "secrets": [replaced, secret],
        "grants": ["password", "refresh_token", "client_credentials"], "scope": "",
        "access_ttl": 60, "idle": 600, "absolute": 6000, "introspects": false, "disabled": true,
        "created_at": "then",
    });
    let api = json!({
        "id": "api", "name": null, "authentication": "client_secret", "secrets": [secret],
        "grants": ["client_credentials"], "scope": "", "access_ttl": null, "idle": null, "absolute": null,
        "introspects": true, "disabled": false, "created_at": "then",
    });
    let jwks: Value = serde_json::from_str(JWKS).expect("JSON");
    let signer = json!({
        "id": "signer", "name": "Signs \u{2713}", "authentication": "private_key_jwt", "jwks": jwks,
        "grants": ["client_credentials"], "scope": "", "access_ttl": null, "idle": null, "absolute": null,
        "introspects": false, "disabled": false, "created_at": "then",
    });
    let web = json!({
        "id": "web", "name": null, "authentication": "none", "grants": ["password", "refresh_token"],
        "scope": "items reports:read", "access_ttl": null, "idle": 3600, "absolute": null,
        "introspects": false, "disabled": false, "created_at": "then",
    });
    let all = [backend, api, signer, web];
    let listed = shop.json(&["list"]).as_array().expect("an array").clone();
    let listed: Vec<_> = listed.into_iter().map(without_times).collect();
    assert_eq!(listed, all, "in the order of the bytes of their ids");
    for client in &all {
        assert_eq!(without_times(shop.show(client["id"].as_str().expect("an id"))), *client);
    }
    let lines = "Backend  disabled  2 secrets  password,refresh_token,client_credentials  \n\
                 api  enabled  secret  client_credentials    introspects\n\
                 signer  enabled  keys  client_credentials  \n\
                 web  enabled  public  password,refresh_token  items reports:read\n";
    assert_eq!(shop.done(&["list"]), lines);
    assert_eq!(lines.lines().map(|line| line.to_owned() + "\n").nth(3), Some(shop.done(&["show", "web"])));
}

#[test]
fn a_secret_is_one_line_and_what_has_none_is_silent() {
    let shop = Shop::open();
    let printed = shop.done(&["add", "worker"]);
    assert_eq!((printed.lines().count(), printed.ends_with('\n')), (1, true), "{printed:?}");
    assert!(printed.starts_with("secret: csc_") && printed.len() == "secret: ".len() + 48, "{printed:?}");
    assert_eq!(shop.done(&["add", "web", "--public"]), "");
    assert_eq!(shop.done(&["add", "signer", "--jwks", "jwks.json"]), "");
    for silent in [
        &["set", "worker", "--name", "Worker"][..],
        &["disable", "worker"],
        &["enable", "worker"],
        &["delete", "web"],
    ] {
        assert_eq!(shop.done(silent), "", "{silent:?}");
    }
    let printed = shop.done(&["rotate-secret", "worker"]);
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("the one before is good until 2"), "{printed:?}");
    let printed = shop.done(&["rotate-secret", "worker", "--overlap", "0"]);
    assert_eq!(printed.lines().count(), 1, "{printed:?}");
    shop.secret(&["rotate-secret", "worker", "--overlap", "7776000"]);
}

/// What is wrong, and how the complaint names it.
#[test]
fn bad_input_names_what_is_wrong_and_changes_nothing() {
    let shop = Shop::open();
    shop.secret(&["add", "worker", "--scope", "items", "--name", "Worker"]);
    shop.done(&["add", "web", "--public"]);
    let before = shop.json(&["list"]);
    let long = "x".repeat(101);
    fs::write(shop.folder.path().join("latin1"), [b'{', 0xE9]).expect("written");
    let terms: &[(&[&str], &str)] = &[
        (&["--grant", "implicit"], "--grant"),
        (&["--grant", "Password"], "--grant"),
        (&["--grant", ""], "--grant"),
        (&["--grant", "refresh_token"], "grants: "),
        (&["--scope", "items  reports:read"], "--scope"),
        (&["--scope", " items"], "--scope"),
        (&["--scope", "ite\"ms"], "--scope"),
        (&["--scope", "it\u{e9}ms"], "--scope"),
        (&["--scope", "items,reports:read"], "scope: "),
        (&["--scope", "items admin"], "scope: "),
        (&["--scope", "offline_access"], "scope: "),
        (&["--name", &long], "name: "),
        (&["--name", "two\nlines"], "name: "),
        (&["--name", "\u{1b}[31mred"], "name: "),
        (&["--name", "\u{85}"], "name: "),
        (&["--access-ttl", "29"], "access_ttl: "),
        (&["--access-ttl", "901"], "access_ttl: "),
        (&["--access-ttl", "-1"], "--access-ttl"),
        (&["--access-ttl", "60.5"], "--access-ttl"),
        (&["--access-ttl", ""], "--access-ttl"),
        (&["--access-ttl", "18446744073709551616"], "--access-ttl"),
        (&["--access-ttl", "18446744073709551615"], "access_ttl: "),
        (&["--idle", "59"], "idle: "),
        (&["--idle", "1209601"], "idle: "),
        (&["--idle", "-60"], "--idle"),
        (&["--absolute", "59"], "absolute: "),
        (&["--absolute", "7776001"], "absolute: "),
        (&["--absolute", "1e3"], "--absolute"),
        (&["--introspects", "maybe"], "--introspects"),
    ];
    for (arguments, named) in terms {
        for command in [&["add", "new"][..], &["set", "worker"]] {
            let complaint = shop.refused(&[command, arguments].concat(), 2);
            assert!(complaint.contains(named), "{command:?} {arguments:?}: {complaint}");
        }
    }
    let long = "w".repeat(65);
    let others: &[(&[&str], &str)] = &[
        (&["add", ""], "<ID>"),
        (&["add", "two words"], "<ID>"),
        (&["add", "_worker"], "<ID>"),
        (&["add", "w\u{f6}rker"], "<ID>"),
        (&["add", &long], "<ID>"),
        (&["add", "e58ed763-928c-4155-bee9-fdbaaadc15f3"], "<ID>"),
        (&["show", "two words"], "<ID>"),
        (&["add"], "<ID>"),
        (&["add", "first-party"], "id: first-party"),
        (&["add", "new", "--public", "--jwks", "jwks.json"], "--jwks"),
        (&["add", "new", "--public", "--grant", "client_credentials"], "grants: "),
        (&["add", "new", "--public", "--introspects"], "introspects: "),
        (&["set", "web", "--grant", "client_credentials"], "grants: "),
        (&["set", "web", "--introspects", "true"], "introspects: "),
        (&["set", "worker", "--public"], "--public"),
        (&["set", "worker", "--jwks", "jwks.json"], "jwks: the client does not sign"),
        (&["set", "worker", "--jwks", "jwks.json", "--name", "x"], "cannot be used with"),
        (&["add", "new", "--jwks", "no-such-file"], "no-such-file"),
        (&["add", "new", "--jwks", "."], ". cannot be read"),
        (&["add", "new", "--jwks", "latin1"], "latin1"),
        (&["rotate-secret", "worker", "--overlap", "7776001"], "--overlap"),
        (&["rotate-secret", "worker", "--overlap", "-1"], "--overlap"),
        (&["rotate-secret", "worker", "--overlap", "0.5"], "--overlap"),
        (&["rotate-secret", "worker", "--overlap", "a day"], "--overlap"),
        (&["rotate-secret", "web"], "the client has no secret"),
        (&["frobnicate"], "frobnicate"),
    ];
    for (arguments, named) in others {
        let complaint = shop.refused(arguments, 2);
        assert!(complaint.contains(named), "{arguments:?}: {complaint}");
    }
    assert_eq!(shop.json(&["list"]), before, "nothing was changed");
}

#[test]
fn no_client_has_a_longer_life_than_the_server_gives() {
    let shop = Shop::with(&[
        ("COUNTERSIGN_ACCESS_TTL", "60"),
        ("COUNTERSIGN_REFRESH__IDLE", "3600"),
        ("COUNTERSIGN_REFRESH__ABSOLUTE", "7200"),
    ]);
    for (option, field, most) in
        [("--access-ttl", "access_ttl", 60_u64), ("--idle", "idle", 3600), ("--absolute", "absolute", 7200)]
    {
        let complaint = shop.refused(&["add", field, option, &(most + 1).to_string()], 2);
        assert!(complaint.contains(&format!("{field}: must be from ")), "{complaint}");
        shop.secret(&["add", field, option, &most.to_string()]);
        assert_eq!(shop.show(field)[field], most);
    }
}

#[test]
fn what_is_not_named_stays_as_it_is() {
    let shop = Shop::open();
    let lives = ["--access-ttl", "60", "--idle", "600", "--absolute", "6000"];
    let more = ["--name", "Worker", "--scope", "items reports:read", "--introspects"];
    shop.secret(&[&["add", "worker"][..], &lives, &more].concat());
    let mut expected = shop.show("worker");
    shop.done(&["set", "worker"]);
    assert_eq!(shop.show("worker"), expected, "nothing is named, and nothing is changed");
    let both = json!(["password", "client_credentials"]);
    for (arguments, field, value) in [
        (&["--name", "Carrier"][..], "name", json!("Carrier")),
        (&["--name", ""], "name", json!(null)),
        (&["--scope", "reports:write"], "scope", json!("reports:write")),
        (&["--scope", ""], "scope", json!("")),
        (&["--access-ttl", "30"], "access_ttl", json!(30)),
        (&["--access-ttl", "0"], "access_ttl", json!(null)),
        (&["--idle", "5999"], "idle", json!(5_999)),
        (&["--idle", "0"], "idle", json!(null)),
        (&["--absolute", "60"], "absolute", json!(60)),
        (&["--absolute", "0"], "absolute", json!(null)),
        (&["--introspects", "false"], "introspects", json!(false)),
        (&["--introspects"], "introspects", json!(true)),
        (&["--grant", "client_credentials", "--grant", "password"], "grants", both),
    ] {
        assert_eq!(shop.done(&[&["set", "worker"], arguments].concat()), "");
        expected[field] = value;
        assert_eq!(shop.show("worker"), expected, "{arguments:?}");
    }
    shop.done(&["set", "worker", "--name", "Last", "--access-ttl", "45"]);
    expected["name"] = json!("Last");
    expected["access_ttl"] = json!(45);
    assert_eq!(shop.show("worker"), expected, "several at once");
}

#[test]
fn what_is_not_there_is_not_changed_and_what_is_there_is_not_replaced() {
    let shop = Shop::open();
    shop.secret(&["add", "worker"]);
    let before = shop.json(&["list"]);
    for unknown in [
        &["show", "Worker"][..],
        &["show", "nobody", "--json"],
        &["show", "first-party"],
        &["set", "nobody", "--name", "x"],
        &["rotate-secret", "nobody"],
        &["rotate-secret", "nobody", "--overlap", "0"],
        &["disable", "nobody"],
        &["enable", "nobody"],
        &["disable", "first-party"],
        &["delete", "nobody"],
    ] {
        let complaint = shop.refused(unknown, 1);
        assert_eq!(complaint, "countersign: there is no client of that id\n", "{unknown:?}");
    }
    for taken in [&["add", "worker"][..], &["add", "worker", "--public"], &["add", "worker", "--name", "x"]] {
        let complaint = shop.refused(taken, 1);
        assert_eq!(
            complaint,
            "countersign: there is a client of that id already, or of one that differs only by upper and lower case\n",
            "{taken:?}"
        );
    }
    assert_eq!(shop.json(&["list"]), before);
    shop.done(&["delete", "worker"]);
    shop.refused(&["delete", "worker"], 1);
    assert_eq!(shop.json(&["list"]), json!([]));
}

#[test]
fn where_nothing_is_kept_there_is_nothing_to_manage() {
    let shop = Shop::with(&[("COUNTERSIGN_DATABASE_URL", "memory:")]);
    for arguments in [&["list"][..], &["add", "worker"], &["delete", "worker"]] {
        let sentence = "countersign: COUNTERSIGN_DATABASE_URL: memory: is gone with the process; \
                        there is nothing to manage\n";
        assert_eq!(shop.refused(arguments, 2), sentence);
    }
}

#[test]
fn a_store_that_is_gone_is_a_sentence_and_exit_code_1() {
    let postgres = Postgres::start();
    let shop = Shop::with(&[("COUNTERSIGN_DATABASE_URL", &postgres.database())]);
    shop.secret(&["add", "worker"]);
    postgres.terminate();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["show", "worker"],
        &["add", "other"],
        &["set", "worker", "--name", "x"],
        &["rotate-secret", "worker"],
        &["disable", "worker"],
        &["delete", "worker"],
    ] {
        let complaint = shop.refused(arguments, 1);
        assert!(
            complaint.starts_with("countersign: ") && complaint.contains("cannot be used: "),
            "{complaint}"
        );
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
    postgres.start_again();
    assert_eq!(shop.show("worker")["disabled"], false);
    assert_eq!(shop.done(&["list"]).lines().count(), 1, "nothing was added");
}

/// The client is there, with a secret that nobody was told, and it can be given another.
#[test]
fn a_secret_that_could_not_be_written_is_no_success() {
    let shop = Shop::open();
    let again = ["client", "rotate-secret", "worker", "--replace-newest"];
    for arguments in [&["client", "add", "worker"][..], &again, &again] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        let mut command = program(shop.folder.path(), &shop.settings(), arguments);
        let output =
            command.stdout(full).spawn().and_then(|child| child.wait_with_output()).expect("it ends");
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert!(
            complaint.contains("countersign client rotate-secret worker --replace-newest"),
            "{complaint}"
        );
    }
    shop.secret(&["rotate-secret", "worker"]);
}

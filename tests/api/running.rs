//! Starting, stopping, settings and keys of the real program.

use crate::{
    http::Request,
    server::{FIRST_ADMIN, KEY, PASSWORD, Server, program, run},
    servers::{Postgres, Redis},
};
use std::{
    fs::Permissions,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Child, ChildStdout, Command},
    time::Duration,
};
use tempfile::TempDir;

fn first_admin_password(log: &str) -> Option<&str> {
    log.lines().find_map(|line| line.strip_prefix(FIRST_ADMIN))
}

#[test]
fn a_first_start_makes_all_it_needs_and_a_second_finds_it_again() {
    let development = [("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_DATABASE_URL", "")];
    let server = Server::start_with(&development);
    // The line is written before stdout's, but read by another thread.
    let printed = || first_admin_password(&server.log()).map(str::to_owned);
    let password = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        printed()
    });
    let password = password.expect("the first admin's password");
    let login = |server: &Server| {
        let reply =
            server.send(Request::post("/token").form(&[("username", "admin"), ("password", &password)]));
        reply.json()["access_token"].as_str().expect("a token").to_owned()
    };
    let token = login(&server);
    assert_eq!(server.send(Request::get("/admin/users").bearer(&token)).status, 200);
    for file in ["countersign.keys.json", "countersign.db"] {
        let mode = server.folder.path().join(file).metadata().expect(file).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let server = Server::start_in(server.kill(), &development);
    assert_eq!(first_admin_password(&server.log()), None, "printed once");
    assert_eq!(server.send(Request::get("/admin/users").bearer(&token)).status, 200, "the key is the same");
    login(&server);
}

/// A server, its output and the first line of it.
fn serving(folder: &TempDir) -> (Child, BufReader<ChildStdout>, String) {
    let mut child =
        program(folder.path(), &[("COUNTERSIGN_SIGNING_KEY", KEY)], &[]).spawn().expect("started");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    let address = first.trim_end().rsplit('/').next().expect("an address").parse();
    // Whoever is answered is served by a program that hears signals.
    let reply = Request::get("/health/live").send(address.expect("an address"));
    assert_eq!(reply.status, 200);
    (child, output, first)
}

#[test]
fn stdout_is_one_line_and_sigterm_ends_it_with_0() {
    for signal in ["-TERM", "-INT"] {
        let folder = TempDir::new().expect("a folder");
        let (child, mut output, mut stdout) = serving(&folder);
        let killed =
            Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(killed.success());
        output.read_to_string(&mut stdout).expect("text");
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(0), "{signal}: {}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(stdout.lines().count(), 1, "{stdout:?}");
        assert!(stdout.starts_with("countersign: listening on http://127.0.0.1:"), "{stdout:?}");
    }
}

#[test]
fn it_ends_when_it_is_told_to_though_nobody_reads_what_it_says() {
    let folder = TempDir::new().expect("a folder");
    let (mut child, stdout, first) = serving(&folder);
    drop(stdout);
    drop(child.stderr.take());
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    let ended = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        child.try_wait().expect("a child")
    });
    if ended.is_none() {
        child.kill().expect("killed");
    }
    assert_eq!(ended.and_then(|status| status.code()), Some(0), "after {first:?}");
}

// K05
#[test]
fn a_weak_or_missing_key_keeps_production_from_starting() {
    let refused = |settings: &[(&str, &str)]| {
        let folder = TempDir::new().expect("a folder");
        let output = run(folder.path(), settings, &["serve"], "");
        assert_eq!(output.status.code(), Some(2), "{settings:?}");
        assert!(output.stdout.is_empty());
        let files = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(files, 0, "nothing was made");
        String::from_utf8(output.stderr).expect("text")
    };
    let missing = refused(&[("ROCKET_PROFILE", "release")]);
    assert!(
        missing.contains("COUNTERSIGN_SIGNING_KEY: is not set, and keys are made by themselves only in"),
        "{missing}"
    );
    let outside = refused(&[("ROCKET_ADDRESS", "0.0.0.0")]);
    assert!(outside.contains("COUNTERSIGN_SIGNING_KEY: is not set"), "{outside}");
    for weak in [
        "",
        "secret",
        "changeme",
        "replace-with-env-var",
        "replace-with-env-var-replace-with-env-var",
        "0123456789abcdef0123456789abcde",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "jnNQzYKIQQwdlWFeLHgWXYYEcUhULuop9l68IQgjB2LpeUbXvQm8QLdQXdRPdYhw",
    ] {
        let text = refused(&[("COUNTERSIGN_SIGNING_KEY", weak)]);
        assert!(text.contains("COUNTERSIGN_SIGNING_KEY: "), "{text}");
        assert!(weak.len() < 9 || !text.contains(weak), "{text}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let folder = TempDir::new().expect("a folder");
    let settings = [
        ("COUNTERSIGN_SIGNING_KEY", KEY),
        ("COUNTERSIGN_LEEWAY", "an hour"),
        ("COUNTERSIGN_ACCESS_TTL", "0"),
        ("COUNTERSIGN_ACCES_TTL", "900"),
        ("COUNTERSIGN_DATABASE_URL", "mysql://root:hunter2@localhost/db"),
    ];
    let output = run(folder.path(), &settings, &[], "");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2));
    for name in ["LEEWAY", "ACCESS_TTL", "ACCES_TTL", "DATABASE_URL"] {
        assert!(text.contains(&format!("\nCOUNTERSIGN_{name}: ")), "{name} in {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("an hour"), "{text}");
}

#[test]
fn settings_come_from_rocket_toml_but_secrets_do_not() {
    let folder = TempDir::new().expect("a folder");
    let toml = folder.path().join("Rocket.toml");
    std::fs::write(&toml, format!("[default.auth]\nsigning_key = '{KEY}'\n")).expect("written");
    let output = run(folder.path(), &[], &[], "");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("auth.signing_key in Rocket.toml: is a secret") && !text.contains(KEY), "{text}");

    std::fs::write(&toml, "[default.auth]\nissuer = 'https://login.example'\n").expect("written");
    let key = folder.path().join("key");
    std::fs::write(&key, format!("{KEY}\n")).expect("written");
    let key = key.to_str().expect("a path").to_owned();
    let server =
        Server::start_in(folder, &[("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_SIGNING_KEY_FILE", &key)]);
    server.user("ada", &[]);
    let token = crate::forge::Token::of(&server);
    assert_eq!(token.claims["iss"], "https://login.example");
    assert_eq!(server.me(&token.sign()).status, 200, "the key is that of the file");
}

#[test]
fn what_cannot_be_used_is_a_sentence_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let folder = TempDir::new().expect("a folder");
    let output = run(folder.path(), &[("COUNTERSIGN_SIGNING_KEY", KEY), ("ROCKET_PORT", &port)], &[], "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot be used: ") && !text.contains("panicked"), "{text}");

    let settings =
        [("COUNTERSIGN_SIGNING_KEY", KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:no/such/folder.db")];
    let output = run(folder.path(), &settings, &[], "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_server_that_is_told_nothing_of_users_waits_for_them() {
    let server = Server::start_with(&[("ROCKET_PROFILE", "release")]);
    assert_eq!(first_admin_password(&server.log()), None, "no accounts nobody asked for, in production");
    server.user("root", &["admin"]);
    let form = [("username", "root"), ("password", PASSWORD)];
    assert_eq!(server.send(Request::post("/token").form(&form)).status, 200);
    assert_eq!(server.send(Request::get("/health/ready")).status, 200);
}

fn refused(folder: &TempDir, settings: &[(&str, &str)], arguments: &[&str], code: i32) -> String {
    let output = run(folder.path(), settings, arguments, "");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked") && !text.contains("hunter2"), "{text}");
    text
}

/// A terminal is where a newcomer starts it, and where pipes do not show what is wrong.
#[test]
fn every_command_runs_on_a_terminal() {
    let folder = TempDir::new().expect("a folder");
    let program = env!("CARGO_BIN_EXE_countersign");
    let mut command = Command::new("script");
    command.args(["-qefc", &format!("{program} user list && {program} doctor"), "/dev/null"]);
    command.current_dir(folder.path()).env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    let output = command.output().expect("script is there: install it (Debian: apt-get install bsdutils)");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("ok"), "{text}");
}

// G02
#[test]
fn settings_that_rocket_would_panic_over_are_a_sentence_without_their_values() {
    let folder = TempDir::new().expect("a folder");
    for (toml, name) in [
        ("[default.auth]\nsigning_key = \"hunter2", "line 2"),
        ("[default]\nauth = \"hunter2\"", "auth"),
        ("[default]\nworkers = \"hunter2\"", "workers"),
        ("[default]\nlog_level = \"hunter2\"", "log_level"),
    ] {
        std::fs::write(folder.path().join("Rocket.toml"), toml).expect("written");
        for command in ["serve", "doctor"] {
            let text = refused(&folder, &[], &[command], 2);
            assert!(text.contains(name), "{toml:?}: {text}");
        }
    }
    std::fs::write(folder.path().join("Rocket.toml"), "").expect("written");
    let text = refused(&folder, &[("ROCKET_PORT", "hunter2")], &["serve"], 2);
    assert!(text.contains("port"), "{text}");
    let text = refused(&folder, &[("ROCKET_TLS", "{certs=\"hunter2\"}")], &["serve"], 2);
    assert!(text.contains("tls: this server speaks none"), "{text}");
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("broken.db"), "this is no database, but a text").expect("written");
    let settings = [("COUNTERSIGN_SIGNING_KEY", KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:broken.db")];
    for command in [&["serve"][..], &["user", "list"]] {
        let text = refused(&folder, &settings, command, 1);
        assert!(text.contains("broken.db cannot be used") && text.contains("not a database"), "{text}");
    }
}

#[test]
fn no_account_has_a_password_that_nobody_was_told() {
    let folder = TempDir::new().expect("a folder");
    let settings = [("COUNTERSIGN_SIGNING_KEY", KEY)];
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let mut add = program(folder.path(), &settings, &["user", "add", "ada"]);
    assert_eq!(add.stdout(full()).status().expect("it ends").code(), Some(1));
    let list = run(folder.path(), &settings, &["user", "list"], "");
    assert!(list.stdout.is_empty(), "{list:?}");
    // And a complaint that cannot be written is no reason to panic.
    let mut show = program(folder.path(), &settings, &["user", "show", "nobody"]);
    assert_eq!(show.stderr(full()).status().expect("it ends").code(), Some(1));
}

#[test]
fn a_doctor_sees_that_a_folder_is_missing_and_makes_nothing() {
    let folder = TempDir::new().expect("a folder");
    let doctor = |database: &str| {
        let settings = [("COUNTERSIGN_SIGNING_KEY", KEY), ("COUNTERSIGN_DATABASE_URL", database)];
        let output = run(folder.path(), &settings, &["doctor", "--json"], "");
        let findings: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), findings[0]["findings"][0]["text"].as_str().map(str::to_owned))
    };
    assert_eq!(doctor("sqlite:new.db"), (Some(0), None));
    assert_eq!(doctor("sqlite:no/such.db"), (Some(1), Some("there is no folder no".into())));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn doctor_and_start_warn_of_a_database_that_every_user_can_read() {
    let server = Server::start();
    let path = server.folder.path().join("test.db");
    let doctor = |server: &Server| server.cli(&["doctor"], "");
    assert!(doctor(&server).contains("ok       SQLite in test.db"), "{}", doctor(&server));
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("changed");
    std::fs::set_permissions(server.folder.path(), Permissions::from_mode(0o777)).expect("changed");
    let said = doctor(&server);
    let warnings = [
        "test.db can be read or changed by every user of this machine; chmod it to 600",
        "every user of this machine can remove and replace test.db, since they may write to its folder; \
         chmod the folder to 700",
    ];
    for warning in warnings {
        assert!(said.contains(&format!("warning  SQLite in test.db: {warning}")), "{said}");
    }
    let server = Server::start_in(server.kill(), &[]);
    for warning in warnings {
        assert!(server.says(warning), "{}", server.log());
    }
    std::fs::set_permissions(server.folder.path(), Permissions::from_mode(0o700)).expect("changed");
}

#[test]
fn doctor_and_a_start_in_production_warn_of_a_default_issuer() {
    let names =
        [("COUNTERSIGN_ISSUER", "https://login.example"), ("COUNTERSIGN_AUDIENCE", "https://api.example")];
    let release = ("ROCKET_PROFILE", "release");
    let missing = names.map(|(name, _)| format!("{name}: is not set"));
    let server = Server::start_with(&[release]);
    for missing in &missing {
        assert!(server.says(missing), "{}", server.log());
    }
    let said = server.cli(&["doctor"], "");
    assert!(missing.iter().all(|text| said.contains(&format!("warning  settings: {text}"))), "{said}");

    let server = Server::start_with(&[release, names[0], names[1]]);
    let said = server.cli(&["doctor"], "");
    assert!(!said.contains("settings"), "{said}");
    let development = Server::start_with(&[]);
    for server in [&server, &development] {
        server.user("ada", &[]);
        server.accepts(&server.login("ada"));
        assert!(missing.iter().all(|text| !server.log().contains(text)), "{}", server.log());
    }
}

#[test]
fn doctor_and_start_warn_of_a_store_on_another_machine_without_tls() {
    let (postgres, redis) = (Postgres::shared(), Redis::shared());
    let near = [("COUNTERSIGN_DATABASE_URL", postgres.database()), ("COUNTERSIGN_REDIS_URL", redis.url())];
    // An address that leads to this machine and does not look like it.
    let far = near.each_ref().map(|(name, url)| (*name, url.replace("127.0.0.1", "127.1")));
    let warning = |name: &str| format!("{name}: the connection to 127.1 may be without TLS");
    for (urls, is_warned_of) in [(&near, false), (&far, true)] {
        let settings = urls.each_ref().map(|(name, url)| (*name, &**url));
        let server = Server::start_with(&settings);
        let said = server.cli(&["doctor"], "");
        for (name, _) in settings {
            assert_eq!(said.contains(&warning(name)), is_warned_of, "{said}");
            let is_logged = if is_warned_of {
                server.says(&warning(name))
            } else {
                server.log().contains(&warning(name))
            };
            assert_eq!(is_logged, is_warned_of, "{}", server.log());
        }
    }
}

#[test]
fn doctor_refuses_files_that_cannot_be_created() {
    let folder = TempDir::new().expect("a folder");
    let settings =
        [("COUNTERSIGN_DATABASE_URL", "sqlite:new.db"), ("COUNTERSIGN_KEYS__STORE", "file:keys.json")];
    // Another user may enter it, and make nothing there.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("changed");
    let doctor = |user: u32| {
        let mut doctor = program(folder.path(), &settings, &["doctor"]);
        let output =
            doctor.uid(user).gid(user).output().expect("run these tests as root: they become others");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, said) = doctor(65_534);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("refused  SQLite in new.db: the file cannot be made: "), "{said}");
    assert!(
        said.contains("refused  keys in keys.json: the folder of keys.json cannot be written to"),
        "{said}"
    );
    let (code, said) = doctor(0);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("ok       SQLite in new.db") && said.contains("ok       keys in keys.json"),
        "{said}"
    );
}

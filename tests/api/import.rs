//! `countersign user import`: users of other software keep their passwords.

use crate::{
    backing::{Backing, on_every_store},
    http::Request,
    server::{Server, program, run},
    servers::Postgres,
    sql,
};
use serde_json::Value;
use std::{io::Write, process::Stdio, time::Duration};

/// Of `correct horse`, by Django and by Werkzeug.
const DJANGO: &str = "pbkdf2_sha256$2000$wrFcm0MBGJYZ5vbUqSFEt3$yeWYGnE9IeQy9JQQVTFONJdPhhp7gt5N6mzLmn/18tg=";
const WERKZEUG: &str = "pbkdf2:sha1:2000$rHM0RcxaLlOolHkV$390e910c001cfd1c30eac14491f086e41f82f7c1";

struct Imported {
    code: Option<i32>,
    summary: Value,
    log: String,
}

/// Imports what is on standard input.
fn import(server: &Server, arguments: &[&str], input: &str) -> Imported {
    let output = server.try_cli_with(&[&["user", "import", "-", "--json"], arguments].concat(), input);
    Imported {
        code: output.status.code(),
        summary: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn counts(imported: &Imported) -> [u64; 3] {
    ["added", "there_already", "refused"].map(|name| imported.summary[name].as_u64().expect(name))
}

fn login(server: &Server, name: &str) -> u16 {
    server.send(Request::post("/token").form(&[("username", name), ("password", "correct horse")])).status
}

on_every_store![whoever_is_imported_logs_in_as_before];

fn whoever_is_imported_logs_in_as_before(on: &Backing) {
    let server = on.start();
    let csv = format!(
        "username,password_hash,roles,disabled,created_at\r\n\
         bob,{DJANGO},editor auditor,false,1700000000\r\n\
         \r\n\
         Carol,\"{WERKZEUG}\",\"\",,\n\
         dave,{WERKZEUG},,true,"
    );
    let imported = import(&server, &[], &csv);
    assert_eq!((imported.code, counts(&imported)), (Some(0), [3, 0, 0]), "{}", imported.log);
    let json = format!("{{\"username\":\"erin\",\"password_hash\":\"{DJANGO}\",\"roles\":[\"editor\"]}}\n");
    assert_eq!(counts(&import(&server, &[], &json)), [1, 0, 0]);
    assert_eq!(["bob", "carol", "dave", "erin"].map(|name| login(&server, name)), [200, 200, 400, 200]);
    let bob: Value = serde_json::from_str(&server.cli(&["user", "show", "bob", "--json"], "")).expect("JSON");
    assert_eq!(
        (&bob["roles"], &bob["created_at"]),
        (&serde_json::json!(["auditor", "editor"]), &1_700_000_000.into())
    );
    let wrong = Request::post("/token").form(&[("username", "bob"), ("password", "correct horsf")]);
    assert_eq!(server.send(wrong).status, 400);
}

#[test]
fn an_import_that_is_run_again_goes_on_where_it_stopped() {
    let server = Server::start();
    let line = |name: usize| format!("user{name},{DJANGO}\n");
    let header = "username,password_hash\n";
    let some: String = (0..700).map(line).collect();
    let all: String = (0..1_200).map(line).collect();
    assert_eq!(counts(&import(&server, &["--dry-run"], &format!("{header}{some}"))), [700, 0, 0]);
    assert_eq!(server.cli(&["user", "list"], "").lines().count(), 2, "nobody but ada and the first admin");
    assert_eq!(counts(&import(&server, &[], &format!("{header}{some}"))), [700, 0, 0]);
    assert_eq!(counts(&import(&server, &["--dry-run"], &format!("{header}{all}"))), [500, 700, 0]);
    assert_eq!(counts(&import(&server, &[], &format!("{header}{all}"))), [500, 700, 0]);
    let again = import(&server, &[], &format!("{header}{all}"));
    assert_eq!((again.code, counts(&again)), (Some(0), [0, 1_200, 0]));
    assert_eq!(server.cli(&["user", "list"], "").lines().count(), 1_202);
}

#[test]
fn an_import_that_is_killed_is_finished_by_another() {
    let server = Server::start();
    let settings =
        [("COUNTERSIGN_SIGNING_KEY", crate::server::KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")];
    let mut command = program(server.folder.path(), &settings, &["user", "import", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let lines: Vec<_> = (0..800).map(|name| format!("user{name},{DJANGO}\n")).collect();
    let (first, rest) = lines.split_at(600);
    let mut input = child.stdin.take().expect("its input");
    write!(input, "username,password_hash\n{}", first.concat()).expect("written");
    // 500 are added at a time; the others wait for more.
    let is_there = || server.cli(&["user", "list"], "").contains("\nuser499 ");
    assert!((0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        is_there()
    }));
    child.kill().expect("killed");
    child.wait().expect("ended");
    let told = server.cli(&["audit", "export"], "");
    assert!(told.contains(r#""event":"user_import""#) && told.contains(r#""detail":"500""#), "{told}");
    let again = import(&server, &[], &format!("username,password_hash\n{}{}", first.concat(), rest.concat()));
    assert_eq!((again.code, counts(&again)), (Some(0), [300, 500, 0]), "{}", again.log);
}

/// What a request must not wait for, an import does: the store's usual deadline is 500 ms.
#[test]
fn an_import_waits_for_a_store_that_is_busy() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let (_, database) = url.rsplit_once('/').expect("a url");
    let server = Server::start_with(&[("COUNTERSIGN_DATABASE_URL", &url)]);
    let imported = std::thread::scope(|scope| {
        let lock = "BEGIN; LOCK TABLE users IN EXCLUSIVE MODE; SELECT pg_sleep(2.5); COMMIT";
        scope.spawn(move || postgres.sql(database, lock));
        let is_locked = "SELECT count(*) FROM pg_locks
            WHERE mode = 'ExclusiveLock' AND granted AND relation = 'users'::regclass";
        let mut waits = (0..200).map(|_| std::thread::sleep(Duration::from_millis(5)));
        assert!(waits.any(|()| postgres.sql(database, is_locked) == "1"), "it is locked");
        import(&server, &[], &format!("username,password_hash\nbob,{DJANGO}\n"))
    });
    assert_eq!((imported.code, counts(&imported)), (Some(0), [1, 0, 0]), "{}", imported.log);
}

#[test]
fn a_user_who_is_there_with_another_password_is_never_replaced() {
    let server = Server::start();
    let before = sql::stored_hash(&server.folder.path().join("test.db"), "ada");
    for dry in [&["--dry-run"][..], &[]] {
        let imported = import(&server, dry, &format!("username,password_hash\nbob,{DJANGO}\nADA,{DJANGO}\n"));
        assert_eq!(imported.code, Some(1));
        assert_eq!(imported.summary["refused"], 1);
        assert!(
            imported.log.contains("line 3: username: there is a user of that name already"),
            "{}",
            imported.log
        );
    }
    // Twice in one file is no different.
    let imported = import(&server, &[], &format!("username,password_hash\nerin,{DJANGO}\nerin,{WERKZEUG}\n"));
    assert_eq!((imported.code, counts(&imported)), (Some(1), [1, 0, 1]), "{}", imported.log);
    assert_eq!(sql::stored_hash(&server.folder.path().join("test.db"), "ada"), before);
    assert_eq!(sql::stored_hash(&server.folder.path().join("test.db"), "erin"), DJANGO);
}

/// Each line is refused by its number and the field, without what stands in it; all others are added.
// P10
#[test]
fn what_is_wrong_with_a_line_is_told_and_the_rest_is_imported() {
    let server = Server::start();
    let long = "x".repeat(17_000);
    let rows: [(&str, &str); 16] = [
        (r#"b ob,HASH,,,"#, "username: a user name is made of letters"),
        (r#",HASH,,,"#, "username: is missing"),
        (r#"bob,,,,"#, "password_hash: is missing"),
        (r#"bob,plaintext,,,"#, "password_hash: is no hash that is known here"),
        (r#"bob,$1$salt$qJH7.N4xYta3aEG/dfqo/0,,,"#, "password_hash: is no hash that is known here"),
        (
            r#"bob,pbkdf2_sha256$900000000$salt$yeWYGnE9IeQy9JQQVTFONJdPhhp7gt5N6mzLmn/18tg=,,,"#,
            "password_hash: is no hash that is known here",
        ),
        (r#"bob,HASH,Editor,,"#, "roles: a role's name is"),
        (r#"bob,HASH,,yes,"#, "disabled: must be true or false"),
        (r#"bob,HASH,,,yesterday"#, "created_at: must be whole seconds since 1970"),
        (r#"bob,HASH,,,-1"#, "created_at: must be whole seconds since 1970"),
        (r#"bob,HASH,,,9223372036854775808"#, "created_at: must be whole seconds since 1970"),
        (r#"bob,HASH"#, "has another number of fields than the first line"),
        (r#"bob,HASH,,,,"#, "has another number of fields than the first line"),
        ("b\rob,HASH,,,", "has a carriage return that ends no line"),
        (r#"bob,LONG,,,"#, "is longer than 16384 bytes"),
        ("b\0b,HASH,,,", "username: a user name is made of letters"),
    ];
    let row = |(at, (row, _)): (usize, &(&str, &str))| {
        format!("{}\ngood{at},{DJANGO},,,\n", row.replace("HASH", DJANGO).replace("LONG", &long))
    };
    let csv: String = rows.iter().enumerate().map(row).collect();
    let imported =
        import(&server, &[], &format!("\u{feff}username,password_hash,roles,disabled,created_at\n{csv}"));
    assert_eq!((imported.code, counts(&imported)), (Some(1), [16, 0, 16]), "{}", imported.log);
    let said: Vec<_> = imported.log.lines().collect();
    for (at, (_, text)) in rows.iter().enumerate() {
        assert!(said[at].starts_with(&format!("line {}: {text}", 2 * at + 2)), "{} is not {text}", said[at]);
    }
    assert!(!imported.log.contains(DJANGO) && !imported.log.contains("plaintext"), "no hash is shown");
}

/// Whoever could choose their name elsewhere could otherwise write whole lines with it.
#[test]
fn what_stands_in_a_field_is_never_taken_for_a_line() {
    let server = Server::start();
    let csv =
        format!("username,password_hash\nbob,{DJANGO}\n\"a\nmallory,{DJANGO}\nz\",{DJANGO}\neve,{DJANGO}\n");
    let imported = import(&server, &[], &csv);
    assert_eq!((imported.code, counts(&imported)), (Some(1), [1, 0, 0]), "{}", imported.log);
    assert!(
        imported.log.contains("stopped at line 3: has a quotation mark that is not closed"),
        "{}",
        imported.log
    );
    let users = server.cli(&["user", "list"], "");
    assert!(users.contains("bob") && !users.contains("mallory") && !users.contains("eve"), "{users}");
    let old_mac = import(&server, &[], &format!("username,password_hash\reve,{DJANGO}\r"));
    assert_eq!((old_mac.code, counts(&old_mac)), (Some(1), [0, 0, 1]), "{}", old_mac.log);
}

#[test]
fn what_is_wrong_with_a_json_object_is_told_too() {
    let server = Server::start();
    let many: Vec<_> = (0..65).map(|number| format!("\"r{number}\"")).collect();
    let many_roles = format!(r#"{{"username":"bob","password_hash":"HASH","roles":[{}]}}"#, many.join(","));
    let rows = [
        (r#"{"username":"bob"}"#, "password_hash: is missing"),
        (r#"{"username":1,"password_hash":"HASH"}"#, "username: must be a text"),
        (r#"{"username":"bob","password_hash":["HASH"]}"#, "password_hash: must be a text"),
        (r#"{"username":"bob","password_hash":"HASH","roles":"editor"}"#, "roles: must be a list of texts"),
        (r#"{"username":"bob","password_hash":"HASH","roles":[1]}"#, "roles: must be a list of texts"),
        (&many_roles, "roles: must be at most 64"),
        (
            r#"{"username":"bob","password_hash":"HASH","disabled":"false"}"#,
            "disabled: must be true or false",
        ),
        (
            r#"{"username":"bob","password_hash":"HASH","created_at":1.5}"#,
            "created_at: must be whole seconds",
        ),
        (r#"{"username":"bob","password_hash":"HASH","pasword":"x"}"#, "has a field that is not known"),
        (r#"{"username":"bob","password_hash":"HASH""#, "is not a JSON object"),
        (r#"["bob","HASH"]"#, "is not a JSON object"),
    ];
    let lines: String = rows.iter().map(|(row, _)| format!("{}\n", row.replace("HASH", DJANGO))).collect();
    let good = format!("{{\"username\":\"good\",\"password_hash\":\"{DJANGO}\",\"created_at\":null}}");
    let imported = import(&server, &[], &format!("{lines}{good}"));
    assert_eq!((imported.code, counts(&imported)), (Some(1), [1, 0, 11]), "{}", imported.log);
    for (line, (at, (_, text))) in imported.log.lines().zip(rows.iter().enumerate()) {
        assert!(line.starts_with(&format!("line {}: {text}", at + 1)), "{line} is not {text}");
    }
}

/// The vector that Firebase publishes with its scrypt.
#[test]
fn whoever_comes_from_firebase_logs_in_as_before_once_its_key_is_set() {
    const ROW: &str = "{\"username\":\"bob\",\"password_hash\":\"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==\"}";
    const KEY: &str =
        "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let without = import(&Server::start(), &[], ROW);
    assert_eq!((without.code, counts(&without)), (Some(1), [0, 0, 1]));
    assert!(
        without.log.contains("line 1: password_hash: is Firebase's, and COUNTERSIGN_PASSWORD__FIREBASE_KEY")
    );
    let server = Server::start_with(&[("COUNTERSIGN_PASSWORD__FIREBASE_KEY", KEY)]);
    assert_eq!(counts(&import(&server, &[], ROW)), [1, 0, 0]);
    let login = |password: &str| {
        server.send(Request::post("/token").form(&[("username", "bob"), ("password", password)])).status
    };
    assert_eq!((login("user1passworc"), login("user1password")), (400, 200));
    let replaced = sql::stored_hash(&server.folder.path().join("test.db"), "bob");
    assert!(replaced.starts_with("$argon2id$"), "{replaced}");
    assert_eq!(login("user1password"), 200);
}

/// Nothing is added before it is known which column is which.
#[test]
fn a_file_without_a_header_or_that_cannot_be_read_is_refused() {
    let server = Server::start();
    for header in
        ["bob", "username,hash", "username,password_hash,username", "username", "password_hash,\"username"]
    {
        let imported = import(&server, &[], &format!("{header}\nbob,{DJANGO}\n"));
        assert_eq!(imported.code, Some(2), "{header}: {}", imported.log);
        assert!(imported.log.contains("line 1: "), "{}", imported.log);
    }
    let output = server.try_cli(&["user", "import", "nowhere.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.csv: "));
    assert_eq!(counts(&import(&server, &[], "")), [0, 0, 0], "an empty file is nobody");
    assert_eq!(server.cli(&["user", "list"], "").lines().count(), 2);
    let settings =
        [("COUNTERSIGN_SIGNING_KEY", crate::server::KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")];
    let output = run(server.folder.path(), &settings, &["user", "import", "-"], "username,password_hash\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0 added, 0 there already, 0 refused\n");
}

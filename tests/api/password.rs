//! Passwords and names at login.

use crate::{
    http::{Reply, Request},
    server::{PASSWORD, Server, run},
    sql,
};

fn login(server: &Server, username: &str, password: &str) -> Reply {
    server.send(Request::post("/token").form(&[("username", username), ("password", password)]))
}

/// Headers that say something of one answer alone.
const OF_ONE: [&str; 3] = ["date", "x-request-id", "server-timing"];

/// Everything of an answer but these.
fn without_its_own(reply: Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = reply.headers.into_iter().filter(|(name, _)| !OF_ONE.contains(&&**name)).collect();
    (reply.status, headers, reply.body)
}

// P01
#[test]
fn every_failed_login_looks_the_same() {
    let server = Server::start();
    server.user("gone", &[]);
    server.user("shut", &[]);
    server.user("damaged", &[]);
    server.cli(&["user", "delete", "gone"], "");
    server.cli(&["user", "disable", "shut"], "");
    sql::plant_hash(&server.folder.path().join("test.db"), "damaged", "rubbish");
    let expected = without_its_own(login(&server, "ada", "wrong password"));
    assert_eq!(expected.0, 400);
    for (name, password) in [
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("shut", PASSWORD),
        ("shut", "wrong password"),
        ("damaged", PASSWORD),
        ("not a name", PASSWORD),
        ("ada", "x"),
        ("ada", "control\u{7}"),
    ] {
        assert_eq!(without_its_own(login(&server, name, password)), expected, "{name} {password:?}");
    }
    assert_eq!(login(&server, "ada", PASSWORD).status, 200);
    assert!(server.says("the stored password hash is unusable"), "somebody has to look");
}

// P03
#[test]
fn a_password_has_8_to_256_bytes() {
    let server = Server::start();
    let set = |password: &str| {
        let settings =
            [("COUNTERSIGN_SIGNING_KEY", crate::server::KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")];
        let arguments = ["user", "set-password", "ada", "--password-stdin"];
        run(server.folder.path(), &settings, &arguments, password).status.code()
    };
    for length in [0, 1, 7, 257, 1 << 10, 1 << 20] {
        assert_eq!(set(&"x".repeat(length)), Some(2), "{length} bytes");
        assert_eq!(login(&server, "ada", PASSWORD).status, 200, "nothing was changed");
    }
    for length in [8, 64, 72, 73, 128, 256] {
        let password = "=y".repeat(length / 2) + if length % 2 == 1 { "=" } else { "" };
        assert_eq!(set(&password), Some(0), "{length} bytes");
        assert_eq!(login(&server, "ada", &password).status, 200);
        assert_eq!(login(&server, "ada", &password[..length - 1]).status, 400, "every byte counts");
        assert_eq!(login(&server, "ada", &format!("{password}y")).status, 400, "every byte counts");
    }
    let reply = login(&server, "ada", &"y".repeat(1 << 10));
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(login(&server, "ada", &"y".repeat(1 << 20)).status, 413);
}

/// Three passwords that many would try first, and why each is refused.
const GUESSED: [(&str, &str, &str); 3] = [
    ("Secret123", "one of the 100,000 most common passwords", "is one of the 100,000 most common passwords"),
    ("i am Lovelace", "may not have the user name in it", "has the user name in it"),
    ("my bank: Example", "may not have the name of the site in it", "has the name of the site in it"),
];

// P03: refused before anything is hashed
#[test]
fn a_password_that_is_guessed_first_cannot_be_chosen() {
    let issuer = ("COUNTERSIGN_ISSUER", "https://login.example.org");
    let server = Server::start_with(&[issuer]);
    server.user("lovelace", &[]);
    let access = server.login("lovelace");
    let settings = [
        ("COUNTERSIGN_SIGNING_KEY", crate::server::KEY),
        ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"),
        issuer,
    ];
    for (password, on_terminal, over_http) in GUESSED {
        for (command, name) in [("set-password", "lovelace"), ("add", "lovelace2")] {
            let arguments = ["user", command, name, "--password-stdin"];
            // Of who is added, the name is another.
            let password = password.replace("Lovelace", "LOVELACE2");
            let output = run(server.folder.path(), &settings, &arguments, &password);
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{password}: {log}");
            assert!(log.contains(on_terminal), "{log}");
        }
        let body = serde_json::json!({ "current_password": PASSWORD, "new_password": password }).to_string();
        let reply = server.send(Request::post("/me/password").bearer(&access).body("application/json", body));
        assert_eq!((reply.status, &reply.json()["error"]), (400, &"invalid_request".into()));
        assert_eq!(reply.json()["error_description"], format!("new_password {over_http}"));
    }
    assert_eq!(login(&server, "lovelace", PASSWORD).status, 200, "nothing was changed");
    assert_eq!(server.cli(&["user", "list"], "").lines().count(), 2, "nobody was added");
}

/// The rules are for whoever chooses; whoever has one of these logs in with it.
#[test]
fn a_login_asks_nothing_of_a_password_but_that_it_is_right() {
    let server = Server::start();
    let file = server.folder.path().join("test.db");
    // By Python's bcrypt, cost 4, of `secret123`.
    sql::plant_hash(&file, "ada", "$2b$04$7sBi4K.QboX.kk6UnHRalewIfcATWOKyrXZQyWq29fsMJ.811jQPe");
    assert_eq!(login(&server, "ada", "secret123").status, 200);
    assert_eq!(login(&server, "ada", "secret123").status, 200, "and its new hash serves");
}

// P04
#[test]
fn a_nul_does_not_end_a_password() {
    let server = Server::start();
    for password in ["analytical-engine\0", "analytical-engine\0x", "\0analytical-engine"] {
        assert_eq!(login(&server, "ada", password).status, 400, "{password:?}");
    }
    assert_eq!(login(&server, "ada", PASSWORD).status, 200);
}

// P06
#[test]
fn a_password_is_the_same_however_its_characters_are_composed() {
    let server = Server::start();
    for (stored, same, other) in [
        ("cr\u{e8}me br\u{fb}l\u{e9}e", "cre\u{300}me bru\u{302}le\u{301}e", "creme brulee"),
        ("\u{fb01}nancial1", "\u{fb01}nancial1", "financial1"),
        ("\u{ff41}bcdefgh", "\u{ff41}bcdefgh", "abcdefgh"),
        ("\u{1f511}\u{1f511}\u{1f511}", "\u{1f511}\u{1f511}\u{1f511}", "\u{1f511}\u{1f511}"),
        ("trailing space ", "trailing\u{a0}space\u{3000}", "trailing space"),
        ("<script>alert('x')</script>", "<script>alert('x')</script>", "<script>alert(x)</script>"),
        ("'; DROP TABLE users;--", "'; DROP TABLE users;--", "'; DROP TABLE users"),
        ("\u{4f60}\u{597d}\u{4e16}\u{754c}", "\u{4f60}\u{597d}\u{4e16}\u{754c}", "\u{4f60}\u{597d}"),
    ] {
        server.cli(&["user", "set-password", "ada", "--password-stdin"], stored);
        assert_eq!(login(&server, "ada", stored).status, 200, "{stored}");
        assert_eq!(login(&server, "ada", same).status, 200, "{same}");
        assert_eq!(login(&server, "ada", other).status, 400, "{other}");
    }
}

// P07
#[test]
fn no_second_account_has_the_same_name() {
    let server = Server::start();
    server.user("ren\u{e9}e", &[]);
    for (spelling, name) in [("ADA", "ada"), ("\u{ff41}da", "ada"), ("RENE\u{301}E", "ren\u{e9}e")] {
        let reply = login(&server, spelling, PASSWORD);
        assert_eq!(reply.status, 200, "{spelling}");
        let token = reply.json()["access_token"].as_str().expect("a token").to_owned();
        assert_eq!(server.me(&token).json()["username"], name);
        let settings =
            [("COUNTERSIGN_SIGNING_KEY", crate::server::KEY), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")];
        let arguments = ["user", "add", spelling, "--password-stdin"];
        let output = run(server.folder.path(), &settings, &arguments, PASSWORD);
        assert_eq!(output.status.code(), Some(1), "{spelling} is taken");
    }
    for name in ["a\u{200b}da", "ada\u{ad}", "x\u{202e}y", &"x".repeat(129), &"x".repeat(10 << 10)] {
        let reply = login(&server, name, PASSWORD);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")), "{name:?}");
    }
}

// P10
#[test]
fn a_damaged_or_planted_hash_logs_nobody_in() {
    let server = Server::start_with(&[("COUNTERSIGN_LOGIN__LIMITS", "off")]);
    server.user("ada", &[]);
    let file = server.folder.path().join("test.db");
    let good = sql::stored_hash(&file, "ada");
    for planted in [
        String::new(),
        PASSWORD.to_owned(),
        good[..good.len() - 24].to_owned(),
        good.replace("argon2id", "argon2i"),
        good.replace("m=19456", "m=2147483648"),
        "$unknown$v=1$abc".to_owned(),
    ] {
        sql::plant_hash(&file, "ada", &planted);
        assert_eq!(login(&server, "ada", PASSWORD).json()["error"], "invalid_grant", "{planted}");
        assert_eq!(sql::stored_hash(&file, "ada"), planted, "and is left alone");
    }
    sql::plant_hash(&file, "ada", &good);
    assert_eq!(login(&server, "ada", PASSWORD).status, 200);
}

#[test]
fn a_bcrypt_hash_works_and_is_replaced_at_login() {
    // By Python's bcrypt, cost 4, of `analytical-engine`.
    const BCRYPT: &str = "$04$cl/Z4Wq9gf1UThVnNfY/5.ibMCeJHZ9bR/bKLV6aTx6Ob0rTokwHC";
    let server = Server::start();
    let file = server.folder.path().join("test.db");
    for version in ["$2a", "$2b", "$2y"] {
        let planted = format!("{version}{BCRYPT}");
        sql::plant_hash(&file, "ada", &planted);
        assert_eq!(login(&server, "ada", "analytical-enginf").status, 400);
        assert_eq!(sql::stored_hash(&file, "ada"), planted, "a wrong password changes nothing");
        assert_eq!(login(&server, "ada", PASSWORD).status, 200);
        let replaced = sql::stored_hash(&file, "ada");
        assert!(replaced.starts_with("$argon2id$"), "{replaced}");
        assert_eq!(login(&server, "ada", PASSWORD).status, 200);
        assert_eq!(sql::stored_hash(&file, "ada"), replaced, "a good hash stays");
    }
}

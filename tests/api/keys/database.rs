//! A ring in the database, sealed.

use super::{run, stderr};
use crate::{
    backing::{Backing, on_every_store},
    server::Server,
    well_known::signing,
};

pub const KEK: &str = "Vb8Nk3Xw6Qr1Ty5Zp9Lm2Gs7Hd4Jf0Ca-kek";
const OTHER: &str = "Qr1Ty5Zp9Lm2Gs7Hd4Jf0CaVb8Nk3Xw6-kek";

pub fn settings(key: &str) -> [(&str, &str); 3] {
    [
        ("COUNTERSIGN_SIGNING_KEY", ""),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", key),
    ]
}

on_every_store!(
    keys_are_kept_sealed_and_survive_a_restart,
    another_encryption_key_opens_nothing_and_the_previous_one_does,
);

fn keys_are_kept_sealed_and_survive_a_restart(on: &Backing) {
    let server = on.start_with(&settings(KEK));
    server.user("ada", &[]);
    let token = server.login("ada");
    let kid = signing(&server);
    let dump = on.dump(server.folder.path());
    for secret in ["\"kid\"", "\"kty\"", "Ed25519", KEK] {
        assert!(!dump.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is there");
    }
    assert!(!server.folder.path().join("countersign.keys.json").exists());
    let server = on.start_in(server.kill(), &settings(KEK));
    server.accepts(&token);
    assert_eq!(signing(&server), kid);
}

fn another_encryption_key_opens_nothing_and_the_previous_one_does(on: &Backing) {
    let server = on.start_with(&settings(KEK));
    server.user("ada", &[]);
    let token = server.login("ada");
    let kid = signing(&server);
    let mut both = settings(OTHER).to_vec();
    both.push(("COUNTERSIGN_KEYS__PREVIOUS_ENCRYPTION_KEY", KEK));

    let server = on.start_in(server.kill(), &both);
    server.accepts(&token);
    assert_eq!(signing(&server), kid);
    // The next change seals by the new one.
    server.cli(&["keys", "rotate"], "");
    let server = on.start_in(server.kill(), &settings(OTHER));
    server.accepts(&token);
}

#[test]
fn a_wrong_encryption_key_keeps_the_server_from_starting() {
    let server = Backing::sqlite().start_with(&settings(KEK));
    let folder = server.kill();
    let mut wrong = settings(OTHER).to_vec();
    wrong.push(("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"));
    for command in
        [&["serve"][..], &["keys", "list"], &["keys", "rotate"], &["keys", "generate"], &["doctor"]]
    {
        let refused = run(folder.path(), &wrong, command);
        assert_eq!(refused.status.code(), Some(1), "{command:?}: {}", stderr(&refused));
        let said = stderr(&refused) + &*String::from_utf8_lossy(&refused.stdout);
        assert!(said.contains("KEYS__ENCRYPTION_KEY") || said.contains("already"), "{command:?}: {said}");
        assert!(!said.contains(OTHER), "{said}");
    }
    let server = Server::start_in(folder, &settings(KEK));
    assert_eq!(server.log().matches("ERROR").count(), 0, "{}", server.log());
}

#[test]
fn in_production_the_first_key_is_made_by_a_command() {
    let release = |more: &[(&'static str, &'static str)]| {
        let mut all = settings(KEK).to_vec();
        all.push(("ROCKET_PROFILE", "release"));
        all.push(("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"));
        all.extend(more);
        all
    };
    let folder = tempfile::TempDir::new().expect("a folder");
    let refused = run(folder.path(), &release(&[]), &["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("countersign keys generate"), "{}", stderr(&refused));
    let doctor = run(tempfile::TempDir::new().expect("a folder").path(), &release(&[]), &["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.code() == Some(1) && said.contains("refused  keys in the database"), "{said}");
    let made = run(folder.path(), &release(&[]), &["keys", "generate", "--algorithm", "ES256"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let server = Server::start_in(folder, &release(&[]));
    server.user("ada", &[]);
    assert_eq!(crate::forge::Token::of(&server).header["alg"], "ES256");
}

#[test]
fn a_server_that_cannot_open_the_keys_any_more_takes_no_tokens_in_the_end() {
    let server = Backing::sqlite()
        .start_with(&[&settings(KEK)[..], &[("COUNTERSIGN_REVOCATION__MAX_STALENESS", "2")]].concat());
    server.user("ada", &[]);
    let token = server.login("ada");
    let mut other = settings(OTHER).to_vec();
    other.extend([
        ("COUNTERSIGN_KEYS__PREVIOUS_ENCRYPTION_KEY", KEK),
        ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"),
    ]);
    let rotated = run(server.folder.path(), &other, &["keys", "rotate"]);
    assert!(rotated.status.success(), "{}", stderr(&rotated));
    let status = |expected| {
        (0..100).any(|_| {
            super::pause(100);
            server.me(&token).status == expected
        })
    };
    assert!(status(503), "a revoked key could be among what it cannot read");
    assert_eq!(server.send(crate::http::Request::get("/health/ready")).status, 503);
    assert_eq!(server.log().matches("going on with the keys as they were").count(), 1, "{}", server.log());
}

//! Keys that keep the program from starting, and files that it warns of.

use crate::{
    forge::{b64, unb64},
    key::Key,
    server::{KEY, Server, run},
    servers::program,
};
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};
use tempfile::TempDir;

/// What `openssl ARGUMENTS` prints; both in and out are in `folder`.
fn openssl(folder: &Path, arguments: &str) -> String {
    let mut command = program::command(&program::find("openssl", "openssl"), folder);
    let output = command.args(arguments.split_whitespace()).output().expect("openssl runs");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The program does not start, blames `setting` in one line and shows nothing of the key.
#[track_caller]
fn refused(setting: &str, key: &str, why: &str) {
    let folder = TempDir::new().expect("a folder");
    let mut settings = vec![(setting, key), ("ROCKET_PROFILE", "release")];
    if setting != "COUNTERSIGN_SIGNING_KEY" {
        settings.push(("COUNTERSIGN_SIGNING_KEY", KEY));
    }
    let output = run(folder.path(), &settings, &["serve"], "");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{why}: {text}");
    assert!(output.stdout.is_empty());
    let line = format!("{setting}: {why}");
    assert_eq!(text.lines().filter(|other| other.starts_with(&line)).count(), 1, "{line:?} in {text}");
    for shown in key.split(['\n', '"']).filter(|line| line.len() > 20 && !line.starts_with("-----")) {
        assert!(!text.contains(shown), "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing was made");
}

// K06
#[test]
fn a_key_of_the_wrong_kind_or_size_keeps_the_program_from_starting() {
    let folder = TempDir::new().expect("a folder");
    let openssl = |arguments: &str| openssl(folder.path(), arguments);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    let generated = |kind: &str| openssl(&format!("genpkey -algorithm {kind}"));

    let good = generated("ed25519");
    write("good.pem", &good);
    let rsa = generated("RSA -pkeyopt rsa_keygen_bits:2048");
    write("rsa.pem", &rsa);
    write("conf", "[req]\ndistinguished_name=n\n[n]\n");
    let public = openssl("pkey -in good.pem -pubout");
    let certificate = openssl("req -x509 -config conf -key good.pem -subj /CN=a -days 1");
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64([7; 32]), "d": b64([8; 32]) });
    let keys = [
        (generated("RSA -pkeyopt rsa_keygen_bits:1024"), "is an RSA key of 1024 bits"),
        (generated("RSA -pkeyopt rsa_keygen_bits:2040"), "is an RSA key of 2040 bits"),
        (generated("EC -pkeyopt ec_paramgen_curve:P-384"), "is a key on a curve other than"),
        (generated("EC -pkeyopt ec_paramgen_curve:secp256k1"), "is a key on a curve other than"),
        (generated("X25519"), "is of a type that is not known here"),
        (generated("ED448"), "is of a type that is not known here"),
        (generated("RSA-PSS -pkeyopt rsa_keygen_bits:2048"), "is of a type that is not known here"),
        (public.clone(), "is a public key"),
        (public.replace('\n', "\r\n"), "is a public key"),
        (openssl("rsa -in rsa.pem -RSAPublicKey_out"), "is a public key"),
        (certificate, "is a public key"),
        (openssl("pkcs8 -topk8 -in good.pem -v2 aes256 -passout pass:x"), "is an encrypted key"),
        (openssl("rsa -in rsa.pem -traditional -aes128 -passout pass:x"), "is an encrypted key"),
        (good[..good.len() - 40].to_owned(), "is PEM text without a private key"),
        (good.replace('\n', "\\n"), "is PEM text without a private key"),
        (rsa[200..].to_owned(), "is a key of another kind"),
        (format!("{good}{rsa}"), "is PEM text with more than one key"),
        (format!("{public}{good}"), "is PEM text with more than one key"),
        (jwk.to_string(), "is JSON"),
        (json!({ "keys": [jwk] }).to_string(), "is JSON"),
    ];
    for (key, why) in keys {
        refused("COUNTERSIGN_SIGNING_KEY", &key, why);
    }
    refused("COUNTERSIGN_PREVIOUS_SIGNING_KEY", &public, "is a public key");
    let two = format!("{rsa}{good}");
    refused("COUNTERSIGN_PREVIOUS_SIGNING_KEY", &two, "is PEM text with more than one key");
    refused("COUNTERSIGN_PREVIOUS_SIGNING_KEY", &generated("X25519"), "is of a type that is not known here");
}

/// The program does not start with this private JWK in a file, and shows nothing of it.
#[track_caller]
fn refused_in_a_file(jwk: &Value, why: &str) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("keys.json"), json!({ "keys": [jwk] }).to_string()).expect("written");
    let settings = [("COUNTERSIGN_KEYS__STORE", "file:keys.json"), ("ROCKET_PROFILE", "release")];
    let output = run(folder.path(), &settings, &["serve"], "");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(matches!(output.status.code(), Some(1 | 2)), "{text}");
    assert!(output.stdout.is_empty());
    assert!(text.contains("keys.json") && text.contains(why), "{text}");
    let private = jwk["d"].as_str().expect("a private half");
    assert!(!text.contains(private), "{text}");
}

// A10, K06
#[test]
fn a_key_file_with_a_weak_or_inconsistent_key_keeps_the_program_from_starting() {
    // RFC 8037 appendix A.1.
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let okp = |x: &str, d: &str| json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": d });
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for point in [[0; 32], neutral] {
        refused_in_a_file(&okp(&b64(point), d), "small order");
    }
    refused_in_a_file(&okp(x, &b64([9; 32])), "do not belong together");
    refused_in_a_file(&okp(x, &b64(&unb64(d)[1..])), "\"d\" of the wrong length");
    let rsa = json!({ "kty": "RSA", "n": b64([0xff; 256]), "e": "AQ", "d": b64([3; 256]) });
    refused_in_a_file(&rsa, "an RSA exponent");
}

// K06
#[test]
fn a_key_file_that_everybody_can_read_is_warned_of() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("key"), &Key::es256().setting).expect("written");
    symlink(path("key"), path("link")).expect("linked");
    let warns = |setting: &str, file: &str, mode: u32| {
        fs::set_permissions(path("key"), Permissions::from_mode(mode)).expect("changed");
        let file = path(file);
        let mut settings =
            vec![(setting, file.to_str().expect("a path")), ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db")];
        if setting != "COUNTERSIGN_SIGNING_KEY_FILE" {
            settings.push(("COUNTERSIGN_SIGNING_KEY", KEY));
        }
        let other = TempDir::new().expect("a folder");
        let output = run(other.path(), &settings, &["user", "list"], "");
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(0), "{text}");
        text.lines().filter(|line| line.contains("WARN") && line.contains(setting)).count() == 1
    };
    let (current, previous) = ("COUNTERSIGN_SIGNING_KEY_FILE", "COUNTERSIGN_PREVIOUS_SIGNING_KEY_FILE");
    for setting in [current, previous] {
        assert!(warns(setting, "key", 0o644) && warns(setting, "key", 0o604) && warns(setting, "key", 0o602));
        assert!(
            !warns(setting, "key", 0o600) && !warns(setting, "key", 0o640) && !warns(setting, "key", 0o400)
        );
    }
    assert!(!warns(current, "link", 0o644), "as Kubernetes mounts secrets");

    fs::set_permissions(path("key"), Permissions::from_mode(0o644)).expect("changed");
    let key = path("key");
    let settings = [("COUNTERSIGN_SIGNING_KEY", ""), (current, key.to_str().expect("a path"))];
    let server = Server::start_with(&settings);
    server.user("ada", &[]);
    server.accepts(&Key::es256().token(&server).sign());
    assert!(server.says("every user of this machine can read"), "{}", server.log());
}

/// Each command names the fault in these words and shows none of the secrets.
#[track_caller]
fn blames(folder: &Path, settings: &[(&str, &str)], words: &[&str], secrets: &[&str]) {
    for command in [&["serve"][..], &["doctor"], &["keys", "list"]] {
        let output = run(folder, settings, command, "");
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{command:?}: {text}");
        assert!(words.iter().all(|word| text.contains(word)), "{command:?}: {words:?} in {text}");
        assert!(!text.contains("listening"), "{command:?}: {text}");
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{command:?}: {text}");
    }
}

// A04
#[test]
fn a_secret_in_a_key_file_that_another_key_shows_or_hides_keeps_the_program_from_starting() {
    // RFC 8037 appendix A.1.
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let hex = |text: &str| unb64(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let pair = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x, "d": d });
    for secret in [unb64(x), x.into(), hex(x).into(), unb64(d), d.into(), hex(d).into()] {
        let life = json!({ "published_at": 1, "signs_from": 1 });
        let oct = json!({ "kty": "oct", "alg": "HS256", "k": b64(&secret), "life": life });
        let folder = TempDir::new().expect("a folder");
        let ring = json!({ "keys": [pair, oct] }).to_string();
        fs::write(folder.path().join("keys.json"), ring).expect("written");
        let settings = [("COUNTERSIGN_KEYS__STORE", "file:keys.json"), ("ROCKET_PROFILE", "release")];
        let words = ["keys.json", "the key at 1 shares material with another key"];
        blames(folder.path(), &settings, &words, &[d, &b64(&secret)]);
    }
}

#[test]
fn a_key_file_with_a_key_without_an_algorithm_keeps_the_program_from_starting() {
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let folder = TempDir::new().expect("a folder");
    let pair = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": d });
    fs::write(folder.path().join("keys.json"), json!({ "keys": [pair] }).to_string()).expect("written");
    let settings = [("COUNTERSIGN_KEYS__STORE", "file:keys.json"), ("ROCKET_PROFILE", "release")];
    blames(folder.path(), &settings, &["keys.json", "add \"alg\": \"EdDSA\""], &[d]);
}

// A04
#[test]
fn no_secret_of_the_settings_is_a_number_that_a_kept_key_publishes() {
    let encryption = ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A");
    for store in ["file:keys.json", "database"] {
        let mut settings =
            vec![("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_KEYS__STORE", store), encryption];
        let server = Server::start_with(&settings);
        let x = crate::well_known::published(&server)[0]["x"].as_str().expect("a member").to_owned();
        let folder = server.kill();
        settings.retain(|(_, value)| !value.is_empty());
        settings.push(("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"));
        for setting in [
            "COUNTERSIGN_REVOCATION__FEED_SECRET",
            "COUNTERSIGN_PREVIOUS_SIGNING_KEY",
            "COUNTERSIGN_KEYS__PREVIOUS_ENCRYPTION_KEY",
        ] {
            let settings = [&settings[..], &[(setting, &x)]].concat();
            let place = if store == "database" { "test.db" } else { "keys.json" };
            let shares = format!("shares material with {setting}");
            blames(folder.path(), &settings, &[place, &shares], &[]);
        }
    }
}

#[test]
fn a_warning_names_every_secret_file_that_other_users_can_read() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("secret");
    fs::write(&path, "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A").expect("written");
    for (mode, is_warned_of) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("changed");
        for setting in ["COUNTERSIGN_REVOCATION__FEED_SECRET_FILE", "COUNTERSIGN_KEYS__ENCRYPTION_KEY_FILE"] {
            let other = TempDir::new().expect("a folder");
            let settings = [
                ("COUNTERSIGN_SIGNING_KEY", KEY),
                ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"),
                (setting, path.to_str().expect("a path")),
            ];
            let output = run(other.path(), &settings, &["doctor"], "");
            let said = String::from_utf8(output.stdout).expect("text");
            let line = format!("warning  settings: {setting}: names a file that every user");
            assert_eq!(said.contains(&line), is_warned_of, "{setting} {mode:o}: {said}");
        }
    }
}

//! Settings: what is refused, that all of it is reported, and that no value shows.

mod numbers;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use countersign::config::{Database, Environment, KeyPlace, Settings};
use figment::{
    Figment,
    providers::{Format, Toml},
};
use rocket::figment;
use std::time::Duration;

pub const KEY: (&str, &str) = ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
const FEED: (&str, &str) = ("COUNTERSIGN_REVOCATION__FEED_SECRET", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A");

pub fn load(toml: &str, profile: &str, pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let figment = Figment::from(rocket::Config::default()).merge(Toml::string(toml).nested()).select(profile);
    Settings::load(&figment, Environment::from_pairs(pairs.iter().copied()))
        .map_err(|error| error.problems().iter().map(ToString::to_string).collect())
}

pub fn refused(pairs: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![KEY];
    all.retain(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    all.extend(pairs);
    load("", "release", &all).expect_err("refused")
}

#[test]
fn a_key_is_all_that_production_needs() {
    let settings = load("", "release", &[KEY]).expect("good settings");
    assert_eq!(settings.database, Database::Sqlite("countersign.db".into()));
    assert_eq!((&*settings.access.issuer, &*settings.access.audience), ("countersign", "countersign"));
    assert_eq!(settings.access.leeway, Duration::from_secs(5));
    assert_eq!(settings.access.max_lifetime, Duration::from_secs(900));
    assert!(settings.scopes.all.is_empty() && settings.password.permits >= 1);
}

#[test]
fn the_environment_wins_over_rocket_toml_and_the_profile_over_the_default() {
    let toml = "[default.auth]\nissuer='d'\naudience='d'\nleeway=1\n[release.auth]\naudience='r'\nleeway=2\nscopes=['a','b']";
    let settings = load(toml, "release", &[KEY, ("COUNTERSIGN_LEEWAY", "3")]).expect("good settings");
    assert_eq!((&*settings.access.issuer, &*settings.access.audience), ("d", "r"));
    assert_eq!(settings.access.leeway, Duration::from_secs(3));
    assert_eq!(settings.scopes.all.to_string(), "a b");
}

#[test]
fn everything_wrong_is_reported_at_once_by_name_and_never_by_value() {
    let found = refused(&[
        ("COUNTERSIGN_SIGNING_KEY", "hunter2"),
        ("COUNTERSIGN_PREVIOUS_SIGNING_KEY", "replace-with-env-var-replace-with-env-var!"),
        ("COUNTERSIGN_DATABASE_URL", "mysql://root:hunter2@localhost/x"),
        ("COUNTERSIGN_ISSUER", "hun ter2"),
        ("COUNTERSIGN_AUDIENCE", ""),
        ("COUNTERSIGN_ACCESS_TTL", "hunter2"),
        ("COUNTERSIGN_LEEWAY", "61"),
        ("COUNTERSIGN_SCOPES", "hunter2\""),
        ("COUNTERSIGN_PASSWORD__MEMORY_KIB", "1024"),
        ("COUNTERSIGN_PASSWORD__PERMITS", "0"),
        ("COUNTERSIGN_ACESS_TTL", "hunter2"),
        ("COUNTERSIGN_PASSWORD__PEPPER", "hunter2"),
        ("COUNTERSIGN_ISSUER_FILE", "/hunter2"),
    ]);
    for name in [
        "SIGNING_KEY",
        "PREVIOUS_SIGNING_KEY",
        "DATABASE_URL",
        "ISSUER",
        "AUDIENCE",
        "ACCESS_TTL",
        "LEEWAY",
        "SCOPES",
        "PASSWORD__MEMORY_KIB",
        "PASSWORD__PERMITS",
        "ACESS_TTL",
        "PASSWORD__PEPPER",
        "ISSUER_FILE",
    ] {
        let prefix = format!("COUNTERSIGN_{name}: ");
        assert_eq!(found.iter().filter(|line| line.starts_with(&prefix)).count(), 1, "{name} in {found:#?}");
    }
    assert_eq!(found.len(), 13, "{found:#?}");
    assert!(!found.concat().contains("hunter2"), "{found:#?}");
}

#[test]
fn numbers_have_bounds_and_no_fractions() {
    for (name, values) in [
        ("COUNTERSIGN_ACCESS_TTL", ["29", "86401", "900.5", "-900"]),
        ("COUNTERSIGN_LEEWAY", ["61", "-1", "5s", ""]),
        ("COUNTERSIGN_PASSWORD__ITERATIONS", ["0", "4294967296", "two", "65"]),
    ] {
        for value in values {
            assert_eq!(refused(&[(name, value)]).len(), 1, "{name}={value}");
        }
    }
}

// K05
#[test]
fn without_a_key_production_says_how_to_make_one() {
    let found = load("", "release", &[]).expect_err("refused");
    assert_eq!(
        found,
        [
            "COUNTERSIGN_SIGNING_KEY: is not set, and keys are made by themselves only in the debug profile on a loopback address. Make one with `countersign keys generate --print` and keep it secret, or say with COUNTERSIGN_KEYS__STORE where keys are kept that rotate"
        ]
    );
}

#[test]
fn a_development_key_is_made_only_where_nobody_else_can_reach_the_server() {
    assert!(load("", "debug", &[]).is_ok());
    assert!(load("[default]\naddress='::1'", "debug", &[]).is_ok());
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let found = load(&format!("[default]\naddress='{address}'"), "debug", &[]).expect_err("refused");
        assert!(found[0].starts_with("COUNTERSIGN_SIGNING_KEY: is not set"), "{found:?}");
    }
}

#[test]
fn a_key_of_digits_stays_the_text_that_it_is() {
    let digits = "83920174650291837465019283746501928374";
    let settings = load("", "release", &[("COUNTERSIGN_SIGNING_KEY", digits)]);
    assert!(settings.is_ok(), "{settings:?}");
}

#[test]
fn a_secret_in_rocket_toml_is_refused() {
    for (setting, value) in [
        ("signing_key", KEY.1),
        ("previous_signing_key", KEY.1),
        ("database_url", "sqlite:x.db"),
        ("revocation.feed_secret", FEED.1),
    ] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("[default.auth]\n{setting} = '{value}'")).expect("written");
        let figment = Figment::from(rocket::Config::default())
            .merge(Toml::file(file.path()).nested())
            .select("release");
        let error = Settings::load(&figment, Environment::default()).expect_err("refused").to_string();
        assert!(error.contains(&format!("auth.{setting} in ")) && error.contains("is a secret"), "{error}");
        assert!(!error.contains(value), "{error}");
    }
}

#[test]
fn a_secret_may_come_from_a_file_but_not_from_two_places() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{}\r\n", KEY.1)).expect("written");
    let path = file.path().to_str().expect("a text");
    let from_file = ("COUNTERSIGN_SIGNING_KEY_FILE", path);
    let settings = load("", "release", &[from_file]).expect("good settings");
    let direct = load("", "release", &[KEY]).expect("good settings");
    let kid = |settings: &Settings| match &settings.keys.place {
        KeyPlace::Given(key) => key.kid().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kid(&settings), kid(&direct), "the newline at the end does not count");
    assert!(refused(&[from_file])[0].contains("set together with its _FILE"));
    let found =
        load("", "release", &[("COUNTERSIGN_SIGNING_KEY_FILE", "/does/not/exist")]).expect_err("refused");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("COUNTERSIGN_SIGNING_KEY_FILE: names a file that cannot be read"),
        "{found:?}"
    );
}

#[test]
fn the_secret_of_the_feed_is_none_unless_set_and_may_come_from_a_file() {
    let secret = |pairs: &[(&str, &str)]| load("", "release", pairs).expect("good").revocation.feed_secret;
    assert!(secret(&[KEY]).is_none());
    assert!(secret(&[KEY, FEED]).expect("a secret").matches(FEED.1.as_bytes()));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{}\n", FEED.1)).expect("written");
    let from_file = ("COUNTERSIGN_REVOCATION__FEED_SECRET_FILE", file.path().to_str().expect("a text"));
    assert!(secret(&[KEY, from_file]).expect("a secret").matches(FEED.1.as_bytes()));
    assert!(refused(&[FEED, from_file])[0].contains("set together with its _FILE"));
    // Whoever follows could open the keys in the database.
    let store = ("COUNTERSIGN_KEYS__STORE", "database");
    for (one, other) in [(KEY.1, FEED.1), (FEED.1, KEY.1)] {
        let encryption = ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", one);
        let previous = ("COUNTERSIGN_KEYS__PREVIOUS_ENCRYPTION_KEY", other);
        let found = load("", "debug", &[store, encryption, previous, FEED]);
        let found = found.expect_err("refused").join("\n");
        assert!(
            found.contains("COUNTERSIGN_REVOCATION__FEED_SECRET: shares material with COUNTERSIGN_KEYS__"),
            "{found}"
        );
    }
}

#[test]
fn numbers_in_rocket_toml_are_numbers() {
    let toml = "[default.auth]\naccess_ttl = 600\nleeway = 0\nkeys = { max_age = 60, announce = 4000 }\n\
                [default.auth.refresh]\ngrace = 5\n";
    let settings = load(toml, "release", &[KEY]).expect("good settings");
    assert_eq!(settings.access.max_lifetime, Duration::from_secs(600));
    assert_eq!((settings.access.leeway, settings.refresh.grace), (Duration::ZERO, Duration::from_secs(5)));
    assert_eq!((settings.keys.max_age.as_secs(), settings.keys.announce.as_secs()), (60, 4000));
    for wrong in ["29", "-600", "600.5", "true"] {
        let found = load(&format!("[default.auth]\naccess_ttl = {wrong}"), "release", &[KEY]);
        assert!(found.expect_err("refused")[0].contains("must be a whole number"), "{wrong}");
    }
}

#[test]
fn where_keys_are_is_said_once_and_completely() {
    let secret = ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", FEED.1);
    for (pairs, expected) in [
        (
            &[KEY, ("COUNTERSIGN_KEYS__STORE", "database"), secret][..],
            "KEYS__STORE: is set together with SIGNING_KEY",
        ),
        (&[("COUNTERSIGN_KEYS__STORE", "database")], "KEYS__ENCRYPTION_KEY: is not set"),
        (&[("COUNTERSIGN_KEYS__STORE", "database"), (secret.0, "short")], "KEYS__ENCRYPTION_KEY: is shorter"),
        (&[("COUNTERSIGN_KEYS__STORE", "keys.json")], "KEYS__STORE: must be file:PATH or database"),
        (&[("COUNTERSIGN_KEYS__STORE", "file:")], "KEYS__STORE: must be file:PATH or database"),
        (
            &[KEY, ("COUNTERSIGN_KEYS__ANNOUNCE", "299")],
            "KEYS__ANNOUNCE: must not be shorter than KEYS__MAX_AGE",
        ),
        (&[KEY, ("COUNTERSIGN_KEYS__PERIOD", "3600")], "KEYS__PERIOD: must be longer than KEYS__ANNOUNCE"),
        (&[KEY, ("COUNTERSIGN_KEYS__MAX_AGE", "0")], "KEYS__MAX_AGE: must be a whole number"),
        (&[KEY, ("COUNTERSIGN_KEYS", "file:keys.json")], "KEYS: is a table of settings"),
    ] {
        let found = load("", "release", pairs).expect_err("refused");
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_database_url_is_one_of_those_that_are_offered() {
    for (url, database) in [
        ("memory:", Database::Memory),
        ("sqlite:a/b.db", Database::Sqlite("a/b.db".into())),
        ("sqlite://a/b.db", Database::Sqlite("a/b.db".into())),
        ("sqlite:///a/b.db", Database::Sqlite("/a/b.db".into())),
    ] {
        let settings = load("", "release", &[KEY, ("COUNTERSIGN_DATABASE_URL", url)]).expect("good settings");
        assert_eq!(settings.database, database);
    }
    for url in ["", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro", "a.db", "SQLITE:a.db"] {
        assert_eq!(refused(&[("COUNTERSIGN_DATABASE_URL", url)]).len(), 1, "{url}");
    }
}

// G02
#[test]
fn settings_do_not_show_their_secrets() {
    let settings = load("", "release", &[KEY, FEED]).expect("good settings");
    let shown = format!("{settings:?}");
    assert!(!shown.contains(KEY.1) && !shown.contains(FEED.1), "{shown}");
}

#[test]
fn each_problem_is_blamed_on_the_setting_that_has_it() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").expect("written");
    let empty = empty.to_str().expect("a path");
    for (pairs, expected) in [
        (&[("COUNTERSIGN_PASSWORD", "x")][..], "COUNTERSIGN_PASSWORD: is a table of settings, not one"),
        (
            &[("COUNTERSIGN_PASSWORD__LANES", "17")],
            "COUNTERSIGN_PASSWORD__LANES: must be a whole number from 1 to 16",
        ),
        (
            &[("COUNTERSIGN_PASSWORD__ITERATIONS", "65")],
            "COUNTERSIGN_PASSWORD__ITERATIONS: must be a whole number from 1 to 64",
        ),
        (
            &[("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_SIGNING_KEY_FILE", "/dev/zero")],
            "COUNTERSIGN_SIGNING_KEY_FILE: names a file of more than 16384 bytes",
        ),
        (&[("COUNTERSIGN_REDIS_URL_FILE", empty)], "COUNTERSIGN_REDIS_URL_FILE: names an empty file"),
        (
            &[("COUNTERSIGN_PREVIOUS_SIGNING_KEY", KEY.1)],
            "COUNTERSIGN_PREVIOUS_SIGNING_KEY: shares material with COUNTERSIGN_SIGNING_KEY; each key and each",
        ),
        (
            &[("COUNTERSIGN_REVOCATION__FEED_SECRET", "short")],
            "COUNTERSIGN_REVOCATION__FEED_SECRET: is shorter than 32 bytes",
        ),
        (
            &[("COUNTERSIGN_REVOCATION__FEED_SECRET", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A\n")],
            "COUNTERSIGN_REVOCATION__FEED_SECRET: must be visible ASCII characters",
        ),
        (
            &[("COUNTERSIGN_REVOCATION__FEED_SECRET", "Wm4tYq7RzX1nLd8K pV5cHs2GbJf6Ue9A")],
            "COUNTERSIGN_REVOCATION__FEED_SECRET: must be visible ASCII characters",
        ),
        (
            &[("COUNTERSIGN_REVOCATION__FEED_SECRET", KEY.1)],
            "COUNTERSIGN_REVOCATION__FEED_SECRET: shares material with COUNTERSIGN_SIGNING_KEY; each key",
        ),
        (
            &[FEED, ("COUNTERSIGN_PREVIOUS_SIGNING_KEY", FEED.1)],
            "COUNTERSIGN_REVOCATION__FEED_SECRET: shares material with COUNTERSIGN_PREVIOUS_SIGNING_KEY",
        ),
        (&[("COUNTERSIGN_ORIGINS", "https://a.example:443")], "COUNTERSIGN_ORIGINS: must be origins"),
        (&[("COUNTERSIGN_REDIS_URL", "http://a")], "COUNTERSIGN_REDIS_URL: must be redis://"),
        (
            &[("COUNTERSIGN_DATABASE_URL", "postgres://a:hunter2#b@c/d")],
            "COUNTERSIGN_DATABASE_URL: has a '/', '?', '#' or '@' that has to be percent-encoded",
        ),
        (
            &[("COUNTERSIGN_DATABASE_URL", "postgres://a/b?pasword=hunter2")],
            "COUNTERSIGN_DATABASE_URL: has a parameter that is none of PostgreSQL's",
        ),
        (&[("COUNTERSIGN_STORE__NAMESPACE", "a b")], "COUNTERSIGN_STORE__NAMESPACE: must be"),
        (&[("COUNTERSIGN_STORE__DEADLINE_MS", "5")], "COUNTERSIGN_STORE__DEADLINE_MS: must be"),
        (&[("COUNTERSIGN_REVOCATION__WHEN_STALE", "x")], "COUNTERSIGN_REVOCATION__WHEN_STALE: must be"),
        (&[("COUNTERSIGN_REVOCATION__MAX_STALENESS", "0")], "COUNTERSIGN_REVOCATION__MAX_STALENESS: must"),
    ] {
        let found = refused(pairs);
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected}: {found:?}");
    }
}

// G02
#[test]
fn urls_show_where_a_store_is_and_not_how_to_get_in() {
    let pairs = [
        KEY,
        ("COUNTERSIGN_DATABASE_URL", "postgres://root:hunter2@db.example/app?sslmode=require"),
        ("COUNTERSIGN_REDIS_URL", "redis://root:hunter2@cache.example:7000/2"),
    ];
    let settings = load("", "release", &pairs).expect("good settings");
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("db.example/app") && shown.contains("cache.example:7000"), "{shown}");
}

#[test]
fn a_signing_key_is_a_secret_or_pem_and_known_by_what_it_is() {
    use countersign::jwt::{Algorithm, SigningKey};
    let key = SigningKey::generate(Algorithm::Es256).expect("a key");
    let pem = key.to_text().expect("no secret");
    let settings = load("", "release", &[("COUNTERSIGN_SIGNING_KEY", &pem)]).expect("good settings");
    let KeyPlace::Given(given) = &settings.keys.place else { panic!("{settings:?}") };
    assert_eq!((given.kid(), given.algorithm()), (key.kid(), Algorithm::Es256));
    let shown = format!("{settings:?}");
    assert!(pem.lines().skip(1).all(|line| !shown.contains(line)), "{shown}");

    // The same key in another form, and another key.
    let other = pem.replace('\n', "\r\n");
    let found =
        refused(&[("COUNTERSIGN_SIGNING_KEY", &pem), ("COUNTERSIGN_PREVIOUS_SIGNING_KEY", other.trim_end())]);
    assert_eq!(
        found,
        ["COUNTERSIGN_PREVIOUS_SIGNING_KEY: shares material with COUNTERSIGN_SIGNING_KEY; \
          each key and each secret needs random bytes of its own"]
    );
    assert!(load("", "release", &[KEY, ("COUNTERSIGN_PREVIOUS_SIGNING_KEY", &pem)]).is_ok());
}

#[test]
fn the_servers_own_scopes_stand_in_no_setting_and_are_known_without() {
    let roles = |names: &[&str]| names.iter().map(|name| name.parse().expect("a role")).collect();
    for own in ["countersign:admin", "a countersign:other", "countersign:"] {
        let found = refused(&[("COUNTERSIGN_SCOPES", own)]);
        let text = "must not have a scope that begins with countersign:; clients are registered for these without it";
        assert_eq!(found, [format!("COUNTERSIGN_SCOPES: {text}")], "{own}");
    }
    let by_role = ("COUNTERSIGN_ROLE_SCOPES", r#"{"*":"a countersign:admin"}"#);
    let found = refused(&[("COUNTERSIGN_SCOPES", "a"), by_role]);
    assert_eq!(found, ["COUNTERSIGN_ROLE_SCOPES: has a scope that is not in SCOPES"]);
    let near = "countersign Countersign:admin xcountersign:admin";
    let scopes = load("", "release", &[KEY, ("COUNTERSIGN_SCOPES", near)]).expect("good settings").scopes;
    assert_eq!(scopes.all.iter().count(), 3, "these are an app's");
    let scopes = load("", "release", &[KEY]).expect("good settings").scopes;
    let user = "countersign:account countersign:roles";
    let all = "countersign:account countersign:admin countersign:roles";
    assert_eq!(scopes.of_users(&roles(&["editor"])).to_string(), user);
    assert_eq!(scopes.of_users(&roles(&["admin"])).to_string(), all);
    assert_eq!(scopes.of_services().to_string(), "countersign:admin");
    assert_eq!(scopes.of_clients().to_string(), all);
}

#[test]
fn roles_are_given_scopes_that_there_are_and_nobody_gets_more_than_is_said() {
    let roles = |names: &[&str]| names.iter().map(|name| name.parse().expect("a role")).collect();
    let scopes = ("COUNTERSIGN_SCOPES", "a b c");
    let settings = load("", "release", &[KEY, scopes]).expect("good settings");
    assert_eq!(settings.scopes.of_roles(&roles(&[])).to_string(), "a b c", "all, if nothing is said");
    let toml = "[default.auth.role_scopes]\n'*'='a'\neditor='b'\nadmin=['b','c']\nnobody=''";
    let settings = load(toml, "release", &[KEY, scopes]).expect("good settings");
    let of = |names: &[&str]| settings.scopes.of_roles(&roles(names)).to_string();
    assert_eq!((of(&[]), of(&["other"]), of(&["nobody"])), ("a".into(), "a".into(), "a".into()));
    assert_eq!((of(&["editor"]), of(&["admin", "editor"])), ("a b".into(), "a b c".into()));
    let json = ("COUNTERSIGN_ROLE_SCOPES", r#"{"editor":"c"}"#);
    let settings = load("", "release", &[KEY, scopes, json]).expect("good settings");
    assert_eq!(settings.scopes.of_roles(&roles(&["editor"])).to_string(), "c");
    assert!(settings.scopes.of_roles(&roles(&[])).is_empty(), "what is not said for a role is for nobody");
    let nested = ("COUNTERSIGN_ROLE_SCOPES__EDITOR", "b c");
    let settings = load(toml, "release", &[KEY, scopes, nested]).expect("good settings");
    assert_eq!(settings.scopes.of_roles(&roles(&["editor"])).to_string(), "a b c");

    let found = refused(&[scopes, json, nested]);
    assert_eq!(found, ["COUNTERSIGN_ROLE_SCOPES: is set as a whole and by role too; set one of them"]);
    for (value, text) in [
        ("a b", "must be a table of texts"),
        ("[\"a\"]", "must be a table of texts"),
        ("{\"editor\":1}", "must be a table of texts"),
        ("{\"editor\":\"hunter2\"}", "has a scope that is not in SCOPES"),
        ("{\"editor\":\"a  b\"}", "must give each role scope tokens (RFC 6749 §3.3) with spaces between"),
        ("{\"Hunter2\":\"a\"}", "has a name that is neither a role's nor *"),
    ] {
        let found = refused(&[scopes, ("COUNTERSIGN_ROLE_SCOPES", value)]);
        assert_eq!(found, [format!("COUNTERSIGN_ROLE_SCOPES: {text}")], "{value}");
    }
}

// A04
#[test]
fn no_two_secrets_of_the_settings_share_material() {
    use countersign::jwt::{Algorithm, SigningKey};
    const SETTINGS: [&str; 5] = [
        "COUNTERSIGN_SIGNING_KEY",
        "COUNTERSIGN_PREVIOUS_SIGNING_KEY",
        "COUNTERSIGN_KEYS__ENCRYPTION_KEY",
        "COUNTERSIGN_KEYS__PREVIOUS_ENCRYPTION_KEY",
        "COUNTERSIGN_REVOCATION__FEED_SECRET",
    ];
    let secret = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A";
    let encoded = BASE64.encode(secret);
    for (at, first) in SETTINGS.iter().enumerate() {
        for second in &SETTINGS[at + 1..] {
            for (one, other) in [(secret, secret), (secret, &*encoded), (&*encoded, secret)] {
                let mut pairs = vec![(*first, one), (*second, other)];
                // The rest of what has to be set.
                let mut rest = [KEY.1, "sHd2Ky6BnT0wL3rZ1AeU5cMjG9fPsH2dKy6B"].into_iter();
                for needed in ["COUNTERSIGN_SIGNING_KEY", "COUNTERSIGN_KEYS__ENCRYPTION_KEY"] {
                    if ![first, second].contains(&&needed) {
                        pairs.push((needed, rest.next().expect("another")));
                    }
                }
                let found = refused(&pairs);
                let expected = format!("{second}: shares material with {first};");
                assert!(found.len() == 1 && found[0].starts_with(&expected), "{expected} {found:?}");
                assert!(!found[0].contains(secret) && !found[0].contains(&encoded), "{found:?}");
            }
        }
    }
    // A number that a key publishes, and what its PEM has.
    let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
    let pem = key.to_text().expect("PEM");
    let public = published_x(&key);
    for setting in ["COUNTERSIGN_PREVIOUS_SIGNING_KEY", "COUNTERSIGN_KEYS__ENCRYPTION_KEY", SETTINGS[4]] {
        let found = refused(&[("COUNTERSIGN_SIGNING_KEY", &pem), (setting, &public)]);
        let expected = format!("{setting}: shares material with COUNTERSIGN_SIGNING_KEY;");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    }
    let firebase = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let found =
        refused(&[("COUNTERSIGN_SIGNING_KEY", firebase), ("COUNTERSIGN_PASSWORD__FIREBASE_KEY", firebase)]);
    let expected = "COUNTERSIGN_PASSWORD__FIREBASE_KEY: shares material with COUNTERSIGN_SIGNING_KEY;";
    assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
}

/// The `x` of a key, as its JWK Set has it.
fn published_x(key: &countersign::jwt::SigningKey) -> String {
    use countersign::{clock::UnixTime, jwt::KeyRing};
    let jwks = KeyRing::new(key.clone(), UnixTime(0)).jwks(UnixTime(0));
    let jwks: serde_json::Value = serde_json::from_str(&jwks).expect("JSON");
    jwks["keys"][0]["x"].as_str().expect("a member").to_owned()
}

#[test]
fn the_previous_encryption_key_is_not_enough() {
    let pairs =
        [("COUNTERSIGN_KEYS__STORE", "database"), ("COUNTERSIGN_KEYS__PREVIOUS_ENCRYPTION_KEY", KEY.1)];
    let found = load("", "release", &pairs).expect_err("refused");
    assert!(
        found.len() == 1 && found[0].starts_with("COUNTERSIGN_KEYS__ENCRYPTION_KEY: is not set"),
        "{found:?}"
    );
}

#[test]
fn a_default_issuer_or_audience_is_worth_a_warning() {
    let warnings = |pairs: &[(&str, &str)]| -> Vec<String> {
        let settings = load("", "release", &[&[KEY], pairs].concat()).expect("good settings");
        settings.warnings().iter().map(|warning| warning.to_string()).collect()
    };
    let (issuer, audience) =
        (("COUNTERSIGN_ISSUER", "https://login.example"), ("COUNTERSIGN_AUDIENCE", "https://api.example"));
    let found = warnings(&[]);
    assert!(found.len() == 2, "{found:?}");
    assert!(
        found[0].starts_with("COUNTERSIGN_ISSUER: is not set") && found[0].contains("set it to"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("COUNTERSIGN_AUDIENCE: is not set") && found[1].contains("set it to"),
        "{found:?}"
    );
    assert_eq!(warnings(&[issuer]), found[1..]);
    assert_eq!(warnings(&[audience]), found[..1]);
    assert_eq!(warnings(&[issuer, audience]), [""; 0]);
    let settings =
        load("[default.auth]\nissuer = 'countersign'\naudience = 'countersign'", "release", &[KEY]);
    assert!(settings.expect("good settings").warnings().is_empty(), "it was meant so");
}

#[test]
fn a_database_file_is_a_path_and_no_uri() {
    for url in ["sqlite:file:users.db", "sqlite:file:///etc/users.db"] {
        let found = refused(&[KEY, ("COUNTERSIGN_DATABASE_URL", url)]);
        assert!(
            found.len() == 1 && found[0].starts_with("COUNTERSIGN_DATABASE_URL: must name a file"),
            "{found:?}"
        );
    }
}

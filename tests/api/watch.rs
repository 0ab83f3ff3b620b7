//! G01: nothing secret is printed. Every program of these tests tells all that it can
//! (`RUST_LOG=trace`); what it was given and what was sent to it and by it is noted, and searched
//! for in its output when it ends.

use aho_corasick::AhoCorasick;
use base64::{Engine, prelude::*};
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    net::SocketAddr,
    path::Path,
    sync::{LazyLock, Mutex},
};

/// By whose address they were sent to or from.
static SENT: LazyLock<Mutex<HashMap<SocketAddr, Secrets>>> = LazyLock::new(Mutex::default);

/// What carries a secret, in forms, queries and JSON, and in the files of keys.
const SECRET: [&str; 16] = [
    "password",
    "current_password",
    "new_password",
    "access_token",
    "refresh_token",
    "token",
    "secret",
    "client_secret",
    "client_assertion",
    "k",
    "d",
    "p",
    "q",
    "dp",
    "dq",
    "qi",
];
/// What stands at the beginning of any token, secret, key or hash of ours.
pub const MARKS: [&str; 9] = ["eyJ", "csr_", "csc_", "csd_", "$argon2", "$2a$", "$2b$", "$2y$", "-----BEGIN"];
/// What is shorter is also a word that may be printed.
const SHORTEST: usize = 6;
/// The end of a long one tells as much as all of it, and the beginning of a token tells nothing.
const TAIL: usize = 24;

/// Notes what is secret in a request or answer, as it goes over the wire.
pub fn note(address: SocketAddr, message: &[u8]) {
    SENT.lock().unwrap().entry(address).or_default().read_message(message);
}

/// What was noted of this address so far.
pub fn noted(address: SocketAddr) -> Secrets {
    SENT.lock().unwrap().get(&address).cloned().unwrap_or_default()
}

/// Another server may get the address of one that is gone.
pub fn forget(address: SocketAddr) {
    SENT.lock().unwrap().remove(&address);
}

#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<Vec<u8>>);

impl Secrets {
    pub fn add(&mut self, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref().trim_ascii();
        if secret.len() >= SHORTEST {
            self.0.insert(secret[secret.len().saturating_sub(TAIL)..].to_vec());
        }
    }

    /// The secrets in a server's settings and in the files of its folder.
    pub fn read_settings(&mut self, settings: &[(&str, &str)], folder: &Path) {
        for (name, value) in settings {
            if name.ends_with("_FILE") {
                let text = fs::read_to_string(folder.join(value)).unwrap_or_default();
                self.read_setting(name.trim_end_matches("_FILE"), &text);
            } else {
                self.read_setting(name, value);
            }
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                self.read_json(&fs::read(entry.path()).unwrap_or_default());
            }
        }
    }

    fn read_setting(&mut self, name: &str, value: &str) {
        if name.ends_with("_URL") {
            // Only what stands before the host; whose name it is, is no secret.
            let credentials = value.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
            if let Some((_, password)) = credentials.and_then(|(credentials, _)| credentials.split_once(':'))
            {
                self.add(password);
            }
            for (_, value) in value.split_once('?').into_iter().flat_map(|(_, query)| pairs(query.as_bytes()))
            {
                self.add(&*value);
            }
        } else if name.ends_with("_KEY") || name.ends_with("_SECRET") {
            // A PEM text shows itself by any of its lines; its first and last are in every one.
            value.lines().filter(|line| !line.starts_with("-----")).for_each(|line| self.add(line));
            self.read_json(value.as_bytes());
        }
    }

    fn read_message(&mut self, message: &[u8]) {
        let end = message.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(message.len());
        let (head, body) = message.split_at(end);
        for (number, line) in head.split(|byte| *byte == b'\n').enumerate() {
            match (number, line.iter().position(|byte| *byte == b':')) {
                (0, _) => {
                    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
                    let query = target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
                    self.read_form(query);
                }
                (_, Some(colon)) => self.read_header(&line[..colon], &line[colon + 1..]),
                (_, None) => {}
            }
        }
        let body = body.trim_ascii_start();
        self.read_json(body);
        self.read_form(body);
        // Wherever else one may be.
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.$".contains(byte);
        for word in message.split(|byte| !is_word(byte)) {
            if MARKS.iter().any(|mark| word.starts_with(mark.as_bytes())) {
                self.add(word);
            }
        }
    }

    fn read_header(&mut self, name: &[u8], value: &[u8]) {
        let value = value.trim_ascii();
        match &*name.to_ascii_lowercase() {
            b"authorization" => {
                let credentials = value.splitn(2, |byte| *byte == b' ').last().unwrap_or_default();
                self.add(credentials);
                if let Ok(basic) = BASE64_STANDARD.decode(credentials) {
                    let password = basic.splitn(2, |byte| *byte == b':').last().unwrap_or_default();
                    self.add(password);
                    pairs(password).for_each(|(password, _)| self.add(&*password));
                }
            }
            b"cookie" | b"set-cookie" => {
                for cookie in value.split(|byte| *byte == b';') {
                    let is_attribute =
                        |name: &[u8]| cookie.trim_ascii().to_ascii_lowercase().starts_with(name);
                    if ![&b"path="[..], b"max-age=", b"samesite=", b"expires="].into_iter().any(is_attribute)
                    {
                        cookie.splitn(2, |byte| *byte == b'=').skip(1).for_each(|value| self.add(value));
                    }
                }
            }
            _ => {}
        }
    }

    fn read_form(&mut self, form: &[u8]) {
        for (_, value) in pairs(form).filter(|(name, _)| SECRET.contains(&&**name)) {
            self.add(&*value);
        }
    }

    fn read_json(&mut self, json: &[u8]) {
        if let Ok(value) = serde_json::from_slice(json) {
            self.read_value(&value);
        }
    }

    fn read_value(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.read_value(value)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if SECRET.contains(&&**name) => self.add(text),
                        value => self.read_value(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// The first line of the output that shows one of these, in whatever spelling, or one of the marks.
    pub fn shown_in<'a>(&self, output: &'a str, marks: &[&str]) -> Option<&'a str> {
        let all = self.0.iter().flat_map(|secret| spellings(secret));
        let mut all: Vec<_> = all.collect();
        let secrets = all.len();
        all.extend(marks.iter().map(|mark| mark.as_bytes().to_vec()));
        // A mark begins a word: any name made at random may have one inside.
        let is_inside = |start: usize| {
            output[..start].ends_with(|before: char| before.is_ascii_alphanumeric() || "-_".contains(before))
        };
        let search = AhoCorasick::new(&all).unwrap();
        let found = search
            .find_overlapping_iter(output)
            .find(|found| found.pattern().as_usize() < secrets || !is_inside(found.start()))?;
        let start = output[..found.start()].rfind('\n').map_or(0, |at| at + 1);
        output[start..].lines().next()
    }
}

fn pairs(form: &[u8]) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    form_urlencoded::parse(form)
}

/// The ways in which a log may show it.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(secret);
    let encoded: String = form_urlencoded::byte_serialize(secret).collect();
    let debug = |text: String| text.trim_matches(['"', '[', ']']).to_owned();
    let mut all: BTreeSet<String> = [
        encoded.replace('+', "%20"),
        encoded,
        debug(format!("{text:?}")),
        debug(format!("{secret:?}")),
        debug(serde_json::to_string(&text).unwrap()),
        secret.iter().map(|byte| format!("{byte:02x}")).collect(),
        secret.escape_ascii().to_string(),
    ]
    .into();
    // What stands before it in the same base64 moves it by 0, 1 or 2 bytes; of each, what is its own.
    for moved in 0..3 {
        let before = BASE64_STANDARD_NO_PAD.encode([&b"..."[..moved], secret].concat());
        let (from, to) = ([0, 2, 3][moved], before.len() - 1);
        all.insert(before[from..to].to_owned());
        all.insert(before[from..to].replace('+', "-").replace('/', "_"));
    }
    all.into_iter()
        .map(String::into_bytes)
        .chain([secret.to_vec()])
        .filter(|it| it.len() >= SHORTEST)
        .collect()
}

mod tests {
    use super::{SHORTEST, Secrets, note, spellings};
    use crate::{
        http::Request,
        server::{KEY, PASSWORD, Server, program},
    };
    use base64::{Engine, prelude::*};
    use std::{fs, os::unix::fs::PermissionsExt};
    use tempfile::TempDir;

    /// What the server wrongly prints is found: here the name of a file, which somebody also took for
    /// a password.
    // G01
    #[test]
    fn a_secret_in_the_log_is_found() {
        let ring = [("COUNTERSIGN_SIGNING_KEY", ""), ("COUNTERSIGN_KEYS__STORE", "file:marked-hunter2.json")];
        let folder = Server::start_with(&ring).kill();
        let file = folder.path().join("marked-hunter2.json");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
        let server = Server::start_in(folder, &ring);
        assert!(server.says("marked-hunter2.json can be read by others"));
        assert_eq!(server.shown(), None);
        let login = |password| Request::post("/token").form(&[("username", "ada"), ("password", password)]);
        server.refuses_form(login("marked-hunter3"), "invalid_grant");
        assert_eq!(server.shown(), None);
        server.refuses_form(login("marked-hunter2"), "invalid_grant");
        let line = server.shown().expect("a line");
        assert!(line.contains("marked-hunter2.json can be read by others"), "{line}");
        super::forget(server.address);
    }

    /// Otherwise there would be nothing to look through, or for.
    // G01
    #[test]
    fn servers_are_talkative_and_all_that_they_are_sent_is_watched() {
        let server = Server::start_with(&[(
            "COUNTERSIGN_REVOCATION__FEED_SECRET",
            "Rt6Yu8Io0Pq2Ws4Ed6Rf8Tg0YhUj2Ik4Ol",
        )]);
        server.user("ada", &[]);
        let form = [("username", "ada"), ("password", PASSWORD), ("scope", "offline_access")];
        let reply = server.send(Request::post("/token").form(&form));
        let text = |name: &str| reply.json()[name].as_str().expect("a token").to_owned();
        server.refuses("a.bearer.token");
        server.send(Request::get("/me?access_token=in-the-query").header("Cookie", "refresh=in-a-cookie"));
        let basic = BASE64_STANDARD.encode("worker:in%2BBasic");
        server.send(
            Request::post("/revoke")
                .form(&[("token", "in a form")])
                .header("Authorization", format!("Basic {basic}")),
        );
        server.send(
            Request::post("/me/password").body("application/json", r#"{"new_password":"in\u0020JSON"}"#),
        );
        for told in ["DEBUG sqlx::query", "DEBUG countersign::", "INFO rocket::launch"] {
            assert!(server.says(told), "{told}: {}", server.log());
        }
        let secrets = server.secrets();
        for secret in [
            KEY,
            PASSWORD,
            "Rt6Yu8Io0Pq2Ws4Ed6Rf8Tg0YhUj2Ik4Ol",
            &text("access_token"),
            &text("refresh_token"),
            "a.bearer.token",
            "in-the-query",
            "in-a-cookie",
            "in+Basic",
            &basic,
            "in a form",
            "in JSON",
        ] {
            let line = format!("a line\nand one with {secret} in it\n");
            assert!(secrets.shown_in(&line, &[]).is_some_and(|line| line.starts_with("and one")), "{secret}");
        }
        assert!(secrets.shown_in("nothing of interest", &[]).is_none());
    }

    /// However a log may spell it.
    // G01
    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let address = "192.0.2.1:1".parse().expect("an address");
        let password = "pass \"wörd\"+%";
        note(
            address,
            format!("POST / HTTP/1.1\r\n\r\n{}", serde_json::json!({ "password": password })).as_bytes(),
        );
        let secrets = super::noted(address);
        let encoded: String = form_urlencoded::byte_serialize(password.as_bytes()).collect();
        for before in ["", "u:", "us:"] {
            let basic = BASE64_STANDARD.encode(format!("{before}{password}"));
            assert!(secrets.shown_in(&basic, &[]).is_some(), "{basic}");
        }
        for shown in [
            password.to_owned(),
            format!("{password:?}"),
            format!("{:?}", password.as_bytes()),
            serde_json::json!({ "p": password }).to_string(),
            encoded.replace('+', "%20"),
            encoded,
            password.as_bytes().escape_ascii().to_string(),
        ] {
            assert!(secrets.shown_in(&shown, &[]).is_some(), "{shown}");
        }
        assert!(spellings(b"secret").iter().all(|it| it.len() >= SHORTEST));
        let mut token = Secrets::default();
        token.add("a-long-token-of-which-only-the-end-is-a-signature");
        assert!(token.shown_in("…ly-the-end-is-a-signature", &[]).is_some());
    }

    /// sqlx quotes a line of the file that it cannot read: a password, say.
    // G01
    #[test]
    fn a_file_of_passwords_is_never_quoted() {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("pgpass");
        fs::write(&file, "hunter2-without-a-host\n").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
        let file = file.to_str().expect("a path");
        for level in ["", "warn", "trace", "sqlx_postgres::options::pgpass=trace", "[{line}]=trace"] {
            let mut settings = vec![
                ("COUNTERSIGN_SIGNING_KEY", KEY),
                ("COUNTERSIGN_DATABASE_URL", "postgres://ada@127.0.0.1:1/db"),
                ("PGPASSFILE", file),
                ("RUST_LOG", level),
            ];
            settings.retain(|(_, value)| !value.is_empty());
            let mut command = program(folder.path(), &settings, &["user", "list"]);
            let output = command.output().expect("it ends");
            let log = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{log}");
            assert!(log.contains("cannot be used") && !log.contains("hunter2"), "{level}: {log}");
        }
    }
}

//! A real server process of the test's own: throw-away folder, free port, ended on drop.

use crate::http::{Reply, Request};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};
use tempfile::TempDir;

/// The signing key of every test server unless it says otherwise.
pub const KEY: &str = "kX9vQm2ZrT7yLw4NbD6fHs8JpC3gUe5A-test";
/// The password of every user made by [`Server::user`].
pub const PASSWORD: &str = "secret123";

pub struct Server {
    pub address: SocketAddr,
    pub folder: TempDir,
    settings: Vec<(String, String)>,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// The program with a clean environment, in `folder`, on a free port.
pub fn program(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_countersign")), folder, settings, arguments)
}

fn prepared(mut command: Command, folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    command.args(arguments).current_dir(folder).env_clear();
    command.env("ROCKET_PORT", "0").env("ROCKET_ADDRESS", "127.0.0.1");
    command.envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end with `input` on its standard input. What should refuse to start
/// and starts all the same is ended after a minute, with a code of 137.
pub fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60", env!("CARGO_BIN_EXE_countersign")]);
    let mut command = prepared(command, folder, settings, arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // The program may end without reading what it is given.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

impl Server {
    /// A server on an SQLite file with the key [`KEY`], a leeway of 0 and one user, `ada`.
    pub fn start() -> Self {
        let server = Self::start_with(&[]);
        server.user("ada", &[]);
        server
    }

    /// A server with these settings besides (or instead of) the usual ones, and no users.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_in(TempDir::new().unwrap(), settings)
    }

    /// The same in a folder that may hold an earlier server's files.
    pub fn start_in(folder: TempDir, settings: &[(&str, &str)]) -> Self {
        Self::start_by(&[], folder, settings)
    }

    /// The same by way of another program that becomes it, such as `env --ignore-signal`.
    pub fn start_by(way: &[&str], folder: TempDir, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("COUNTERSIGN_SIGNING_KEY", KEY),
            ("COUNTERSIGN_LEEWAY", "0"),
            ("COUNTERSIGN_DATABASE_URL", "sqlite:test.db"),
        ];
        all.retain(|(name, _)| settings.iter().all(|(other, _)| other != name));
        all.extend(settings);
        all.retain(|(_, value)| !value.is_empty());
        let serve = [env!("CARGO_BIN_EXE_countersign"), "serve"];
        let words: Vec<_> = way.iter().copied().chain(serve).collect();
        let mut child = prepared(Command::new(words[0]), folder.path(), &all, &words[1..]).spawn().unwrap();

        let log = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().unwrap();
        let sink = log.clone();
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut chunk) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..n]));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(line)) = lines.next() else {
            let status = child.wait();
            reader.join().unwrap();
            panic!("the server did not start ({status:?}): {}", log.lock().unwrap())
        };
        let address = line
            .strip_prefix("countersign: listening on http://")
            .unwrap_or_else(|| panic!("unexpected first line {line:?}"))
            .parse()
            .unwrap();
        let settings = all.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { address, folder, settings, child, log, reader: Some(reader) }
    }

    /// Runs `countersign ARGUMENTS` on the same store; panics unless it succeeds.
    pub fn cli(&self, arguments: &[&str], input: &str) -> String {
        let settings: Vec<_> = self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let output = run(self.folder.path(), &settings, arguments, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `countersign ARGUMENTS` on the same store, whatever comes of it.
    pub fn try_cli(&self, arguments: &[&str]) -> Output {
        let settings: Vec<_> = self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        run(self.folder.path(), &settings, arguments, "")
    }

    /// Adds a user whose password is [`PASSWORD`].
    pub fn user(&self, name: &str, roles: &[&str]) {
        let mut arguments = vec!["user", "add", name, "--password-stdin"];
        for role in roles {
            arguments.extend(["--role", role]);
        }
        self.cli(&arguments, PASSWORD);
    }

    pub fn send(&self, request: Request) -> Reply {
        request.send(self.address)
    }

    /// Logs in with [`PASSWORD`] and returns the access token.
    pub fn login(&self, name: &str) -> String {
        let reply = self.send(Request::post("/token").form(&[("username", name), ("password", PASSWORD)]));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub fn me(&self, token: &str) -> Reply {
        self.send(Request::get("/me").bearer(token))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the server has written to stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends the server at once and returns its folder, for a second start on the same files.
    pub fn kill(mut self) -> TempDir {
        self.end();
        std::mem::replace(&mut self.folder, TempDir::new().unwrap())
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// The legend's "every case also asserts": alive, nothing panicked, nothing secret in the log.
    pub fn is_well(&self) {
        assert_eq!(self.send(Request::get("/health/live")).status, 200);
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
        let keys = self.settings.iter().filter(|(name, _)| name.ends_with("SIGNING_KEY"));
        // A PEM text shows itself by any of its lines; its first and last are in every one.
        let lines =
            keys.flat_map(|(_, key)| key.lines()).filter(|line| line.len() > 8 && !line.starts_with("-----"));
        for secret in lines.chain([KEY, PASSWORD, "$argon2id$", "eyJ"]) {
            assert!(!log.contains(secret), "the log shows {secret:?}: {log}");
        }
    }

    /// The positive control: the token opens `/me`.
    #[track_caller]
    pub fn accepts(&self, token: &str) {
        let reply = self.me(token);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// INV for each of these named tokens.
    #[track_caller]
    pub fn refuses_each<T: std::fmt::Debug>(&self, tokens: impl IntoIterator<Item = (T, String)>) {
        for (what, token) in tokens {
            assert_invalid_token(&self.me(&token), &format!("{what:?}"));
        }
    }

    /// INV: 401, one constant answer whatever the cause.
    pub fn refuses(&self, token: &str) {
        let reply = self.me(token);
        assert_invalid_token(&reply, token);
    }

    /// TOK(error): the form is refused with this RFC 6749 §5.2 error.
    pub fn refuses_form(&self, request: Request, error: &str) -> Reply {
        let reply = self.send(request);
        assert_token_error(&reply, error);
        reply
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.is_well_or_ended();
        }
        self.end();
    }
}

impl Server {
    fn is_well_or_ended(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.is_well();
        }
    }
}

#[track_caller]
pub fn assert_invalid_token(reply: &Reply, what: &str) {
    let what: String = what.chars().take(200).collect();
    assert_eq!(reply.status, 401, "{what:?} got {}", reply.text());
    assert_eq!(
        reply.header("www-authenticate"),
        Some(
            "Bearer error=\"invalid_token\", \
             error_description=\"The access token is malformed, expired, revoked or not for this service\""
        ),
        "{what:?}"
    );
    assert_eq!(
        reply.json(),
        serde_json::json!({
            "error": "invalid_token",
            "error_description": "The access token is malformed, expired, revoked or not for this service",
        }),
        "{what:?}"
    );
    assert_eq!(reply.header("set-cookie"), None, "{what:?}");
}

#[track_caller]
pub fn assert_token_error(reply: &Reply, error: &str) {
    let body = reply.json();
    assert_eq!((reply.status, body["error"].as_str()), (400, Some(error)), "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    let description = body["error_description"].as_str().unwrap_or_default();
    // T13: %x20-21 / %x23-5B / %x5D-7E.
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(description.chars().all(allowed), "{description:?}");
}

//! A real server process of the test's own: throw-away folder, free port, ended on drop.

use crate::{
    http::{Reply, Request},
    watch::{self, MARKS, Secrets},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};
use tempfile::TempDir;

/// The signing key of every test server unless it says otherwise.
pub const KEY: &str = "kX9vQm2ZrT7yLw4NbD6fHs8JpC3gUe5A-test";
/// The password of every user made by [`Server::user`].
pub const PASSWORD: &str = "analytical-engine";

/// All that there is to be told, for [`watch`] to look through.
const TALKATIVE: (&str, &str) = ("RUST_LOG", "trace");
/// What stands before the first admin's password.
pub const FIRST_ADMIN: &str = "countersign: first admin: username admin, password ";

pub struct Server {
    pub address: SocketAddr,
    pub folder: TempDir,
    settings: Vec<(String, String)>,
    child: Child,
    log: Printed,
    output: Printed,
    readers: Vec<JoinHandle<()>>,
}

/// What was printed so far, filled by a thread of its own.
type Printed = Arc<Mutex<String>>;

fn read(mut from: impl Read + Send + 'static) -> (Printed, JoinHandle<()>) {
    let printed = Printed::default();
    let sink = printed.clone();
    let reader = std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            sink.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..n]));
        }
    });
    (printed, reader)
}

/// The program with a clean environment, in `folder`, on a free port.
pub fn program(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_countersign")), folder, settings, arguments)
}

fn prepared(mut command: Command, folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    // Where a measurement of what the tests reach is to be written, if there is one.
    let measured = std::env::vars().filter(|(name, _)| name.starts_with("LLVM_PROFILE_"));
    command.args(arguments).current_dir(folder).env_clear().envs(measured);
    command.env("ROCKET_PORT", "0").env("ROCKET_ADDRESS", "127.0.0.1");
    // A crowded machine is no fault of the store's; tests of faults set their own.
    command.env("COUNTERSIGN_STORE__DEADLINE_MS", "10000");
    command.envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end with `input` on its standard input. What should refuse to start
/// and starts all the same is ended after a minute, with a code of 137.
pub fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60", env!("CARGO_BIN_EXE_countersign")]);
    let mut command = prepared(command, folder, &[&[TALKATIVE], settings].concat(), arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // The program may end without reading what it is given.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let mut output = child.wait_with_output().unwrap();
    let mut secrets = Secrets::default();
    secrets.read_settings(settings, folder);
    secrets.add(input);
    // What it makes anew it may print, where that belongs.
    let (printed, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(secrets.shown_in(&printed, &[]), None, "{arguments:?} shows a secret");
    assert_eq!(secrets.shown_in(&log, &MARKS), None, "{arguments:?} shows a secret");
    output.stderr = log
        .lines()
        .filter(|line| !is_asked_for(line))
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .into();
    output
}

/// Whether a line of the log is there only because of [`TALKATIVE`].
fn is_asked_for(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_time = words.next().is_some_and(|time| time.len() == 27 && time.ends_with('Z'));
    is_time
        && match words.next() {
            Some("INFO") => words.next().is_some_and(|of| {
                ["rocket", "sqlx", "countersign::audit"].iter().any(|known| of.starts_with(known))
            }),
            level => matches!(level, Some("TRACE" | "DEBUG")),
        }
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
            TALKATIVE,
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

        let (log, log_reader) = read(child.stderr.take().unwrap());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        if output.read_line(&mut line).unwrap_or(0) == 0 {
            let status = child.wait();
            log_reader.join().unwrap();
            panic!("the server did not start ({status:?}): {}", log.lock().unwrap())
        }
        let address = line
            .strip_prefix("countersign: listening on http://")
            .unwrap_or_else(|| panic!("unexpected first line {line:?}"))
            .trim_end()
            .parse()
            .unwrap();
        let (output, output_reader) = read(output);
        watch::forget(address);
        let settings = all.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { address, folder, settings, child, log, output, readers: vec![log_reader, output_reader] }
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
        self.try_cli_with(arguments, "")
    }

    /// The same with `input` on its standard input.
    pub fn try_cli_with(&self, arguments: &[&str], input: &str) -> Output {
        let settings: Vec<_> = self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        run(self.folder.path(), &settings, arguments, input)
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

    /// Whether it has written this to stderr. What it has just written may not have been read yet.
    pub fn says(&self, text: &str) -> bool {
        (0..250).any(|_| {
            let said = self.log().contains(text);
            if !said {
                std::thread::sleep(Duration::from_millis(20));
            }
            said
        })
    }

    /// Ends the server at once and returns its folder, for a second start on the same files.
    pub fn kill(mut self) -> TempDir {
        self.end();
        std::mem::replace(&mut self.folder, TempDir::new().unwrap())
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let killed = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(killed.expect("kill runs").success());
    }

    /// Whether it is still there.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a server that was told to end; returns its exit code and its folder. A minute at most.
    pub fn ended(mut self) -> (Option<i32>, TempDir) {
        crate::servers::eventually("the server ends", || !self.runs());
        let code = self.child.wait().unwrap().code();
        self.end();
        (code, std::mem::replace(&mut self.folder, TempDir::new().unwrap()))
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let is_first = !self.readers.is_empty();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        if is_first && !std::thread::panicking() {
            self.shows_nothing_secret();
        }
    }

    /// What was given to it or sent, and may not be printed.
    pub fn secrets(&self) -> Secrets {
        let mut secrets = watch::noted(self.address);
        let settings: Vec<_> = self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        secrets.read_settings(&settings, self.folder.path());
        secrets.add(KEY);
        secrets.add(PASSWORD);
        secrets
    }

    #[track_caller]
    fn shows_nothing_secret(&self) {
        assert_eq!(self.shown(), None, "a secret is printed");
    }

    /// The first line printed that shows a secret.
    pub fn shown(&self) -> Option<String> {
        // The first admin's password is printed on purpose, once, and not through the log.
        let (mut secrets, mut all) = (self.secrets(), self.output.lock().unwrap().clone());
        for line in self.log.lock().unwrap().lines() {
            match line.strip_prefix(FIRST_ADMIN) {
                Some(password) => secrets.add(password),
                None => all.extend([line, "\n"]),
            }
        }
        secrets.shown_in(&all, &MARKS).map(str::to_owned)
    }

    /// The legend's "every case also asserts": alive, nothing panicked, nothing secret in the log.
    pub fn is_well(&self) {
        assert_eq!(self.send(Request::get("/health/live")).status, 200);
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
        self.shows_nothing_secret();
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
        if !std::thread::panicking() && matches!(self.child.try_wait(), Ok(None)) {
            self.is_well();
        }
        self.end();
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
    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(description.chars().all(allowed), "{description:?}");
}

//! The server as a process of its own, which keeps everything in memory.

use crate::connection::Connection;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
};
use tempfile::TempDir;

pub struct Process {
    pub address: SocketAddr,
    child: Child,
    password: String,
    _folder: TempDir,
}

impl Process {
    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn start(permits: usize) -> Self {
        Self::start_with(permits, &[])
    }

    /// The same with these settings too.
    pub fn start_with(permits: usize, settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(folder.path())
            .env_clear()
            .envs([("ROCKET_PROFILE", "debug"), ("ROCKET_PORT", "0"), ("RUST_LOG", "error")])
            .envs([("COUNTERSIGN_DATABASE_URL", "memory:"), ("COUNTERSIGN_KEYS__STORE", "file:keys.json")])
            // A session for each login, none of which ends another.
            .env("COUNTERSIGN_REFRESH__SESSIONS_PER_USER", "10000")
            .env("COUNTERSIGN_LOGIN__LIMITS", "off")
            .env("COUNTERSIGN_RATE__LIMITS", "off")
            .env("COUNTERSIGN_PASSWORD__PERMITS", permits.to_string())
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut said = BufReader::new(child.stderr.take().expect("stderr")).lines().map_while(Result::ok);
        let password = said
            .find_map(|line| line.rsplit_once("username admin, password ").map(|(_, text)| text.to_owned()));
        thread::spawn(move || said.for_each(drop));
        let output = BufReader::new(child.stdout.take().expect("stdout"));
        let line = output.lines().next().expect("a line").expect("a line");
        let (_, address) = line.rsplit_once("http://").expect("where it listens");
        let address = address.parse().expect("an address");
        Self { address, child, password: password.expect("the first admin's password"), _folder: folder }
    }

    pub fn credentials(&self) -> String {
        format!("username=admin&password={}", self.password)
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn login(&self) -> Option<String> {
        let (_, body) = Connection::open(self.address).post_for("/token", &self.credentials());
        let answer: serde_json::Value = serde_json::from_str(&body).ok()?;
        Some(answer["access_token"].as_str()?.to_owned())
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn resident_mib(&self) -> u64 {
        self.mib("VmRSS:")
    }

    #[allow(dead_code, reason = "each bench uses its own part")]
    pub fn peak_mib(&self) -> u64 {
        self.mib("VmHWM:")
    }

    fn mib(&self, of: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(of)).expect("the line");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

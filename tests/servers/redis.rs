//! A private Redis server.

use super::{
    certificates::Certificates,
    eventually,
    port::Port,
    process::{Process, Way},
    program,
    resp::Connection,
};
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::net::UnixStream,
    path::Path,
    sync::OnceLock,
    time::Duration,
};
use tempfile::TempDir;

pub struct Redis {
    process: Process,
    port: Port,
    password: Option<String>,
    certificates: Option<Certificates>,
}

impl Redis {
    /// A server that keeps nothing on disk.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these lines in its configuration.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::launch(TempDir::new().unwrap(), None, settings, &[])
    }

    /// One for all the tests of the binary that neither hurt it nor mind each other's keys.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub fn with_password(password: &str) -> Self {
        Self::start_with(&[("requirepass", password), ("masterauth", password)])
    }

    /// A server that speaks nothing but TLS, with a certificate by the authority in [`Self::ca_file`].
    pub fn with_tls() -> Self {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::make(folder.path());
        Self::launch(folder, Some(certificates), &[], &[])
    }

    /// A replica that has caught up with `master`.
    pub fn replica_of(master: &Self) -> Self {
        let address = format!("127.0.0.1 {}", master.port());
        let mut settings = vec![("replicaof", address.as_str())];
        if let Some(password) = &master.password {
            settings.extend([("requirepass", password.as_str()), ("masterauth", password)]);
        }
        let replica = Self::start_with(&settings);
        let up = || replica.command(&["INFO", "replication"]).contains("master_link_status:up");
        eventually("the replica is in step", up);
        replica
    }

    /// Makes a replica a master of its own.
    pub fn promote(&self) {
        assert_eq!(self.command(&["REPLICAOF", "NO", "ONE"]), "OK");
    }

    pub fn port(&self) -> u16 {
        self.port.number
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    pub fn url(&self) -> String {
        self.url_at(self.port())
    }

    /// The url as it is when the server is reached by way of a proxy on this port.
    pub fn url_at(&self, port: u16) -> String {
        let scheme = if self.certificates.is_some() { "rediss" } else { "redis" };
        let password = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("{scheme}://{password}127.0.0.1:{port}/")
    }

    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The authority to trust, of a server with TLS.
    pub fn ca_file(&self) -> &Path {
        &self.certificates.as_ref().expect("a server with TLS").authority
    }

    /// The reply as text: an error begins with `-`, nil is empty, a list has an item a line.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// The same where the server may be down or stopped.
    pub fn try_command(&self, words: &[&str]) -> io::Result<String> {
        self.connection()?.command(words)
    }

    /// The items of a reply, which need not be text.
    pub fn items(&self, words: &[impl AsRef<[u8]>]) -> Vec<Vec<u8>> {
        self.connection().and_then(|mut connection| connection.items(words)).expect("a reply")
    }

    fn connection(&self) -> io::Result<Connection<UnixStream>> {
        // Its own door, as std has no TLS: a socket file.
        let stream = UnixStream::connect(self.process.folder().join("socket"))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut connection = Connection::over(stream);
        if let Some(password) = &self.password {
            connection.command(&["AUTH", password])?;
        }
        Ok(connection)
    }

    /// For its log, its pid, its folder and other signals.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Freezes it: connections stay open, nothing answers.
    pub fn stop(&self) {
        self.process.stop();
    }

    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends it by SIGKILL; see [`Self::start_again`].
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts it on the same port with what it has kept on disk; a `CONFIG SET` is forgotten.
    pub fn start_again(&self) {
        self.process.start_again();
        self.wait();
    }

    /// The same without what it has kept on disk.
    pub fn start_again_empty(&self) {
        let _ = fs::remove_file(self.process.folder().join("dump.rdb"));
        let _ = fs::remove_dir_all(self.process.folder().join("appendonlydir"));
        self.start_again();
    }

    /// `settings` stand below the usual ones in the configuration, so that they win.
    pub(super) fn launch(
        folder: TempDir,
        certificates: Option<Certificates>,
        settings: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let port = Port::free();
        let number = port.number.to_string();
        let socket = folder.path().join("socket");
        let mut all = vec![
            ("bind", "127.0.0.1"),
            ("port", if certificates.is_some() { "0" } else { &number }),
            ("unixsocket", socket.to_str().unwrap()),
            ("save", ""),
            ("appendonly", "no"),
            // Else a replica waits five seconds for others to join it.
            ("repl-diskless-sync-delay", "0"),
        ];
        if let Some(certificates) = &certificates {
            all.extend([
                ("tls-port", number.as_str()),
                ("tls-cert-file", certificates.certificate.to_str().unwrap()),
                ("tls-key-file", certificates.key.to_str().unwrap()),
                ("tls-ca-cert-file", certificates.authority.to_str().unwrap()),
                ("tls-auth-clients", "no"),
            ]);
        }
        all.extend(settings);
        let line = |(name, value): &(&str, &str)| match *value {
            "" => format!("{name} \"\"\n"),
            value => format!("{name} {value}\n"),
        };
        fs::write(folder.path().join("redis.conf"), all.iter().map(line).collect::<String>()).unwrap();

        let password = settings.iter().find(|(name, _)| *name == "requirepass");
        let password = password.map(|(_, value)| value.to_string());
        let arguments: Vec<_> = ["redis.conf"].iter().chain(arguments).collect();
        let program = program::find("redis-server", "redis-server");
        let process = Process::spawn(folder, &Way { user: None, last: "KILL" }, &program, &arguments);
        let redis = Self { process, port, password, certificates };
        redis.wait();
        redis
    }

    /// Until it answers; while it loads its data it answers by an error.
    fn wait(&self) {
        eventually("redis-server is up", || {
            assert!(self.process.is_alive(), "redis-server has ended: {}", self.process.log());
            self.try_command(&["PING"]).is_ok_and(|reply| reply == "PONG")
        });
    }
}

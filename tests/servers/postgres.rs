//! A private Postgres server.

use super::{
    certificates::Certificates,
    eventually,
    port::Port,
    process::{Process, Way},
    program,
};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};
use tempfile::TempDir;

pub struct Postgres {
    process: Process,
    port: Port,
    password: Option<String>,
    certificates: Option<Certificates>,
    databases: AtomicU32,
    psql: PathBuf,
}

/// Makes the data at the first start, then becomes the server.
const START: &str = r#"
    initdb=$1 postgres=$2
    if ! [ -e ready ]; then
        "$initdb" --no-sync -E UTF8 --locale=C -A trust -U postgres -D data || exit
        cp pg_hba.conf data/ && cat postgresql.conf >>data/postgresql.conf && : >ready || exit
    fi
    exec "$postgres" -D data
"#;

impl Postgres {
    /// A server that lets everyone in as `postgres`.
    pub fn start() -> Self {
        Self::launch(TempDir::new().unwrap(), "host all all 127.0.0.1/32 trust", None, None)
    }

    /// One for all the tests of the binary that do not hurt it; each takes a [`Self::database`] of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server that wants this password (SCRAM), which goes into the url as it is.
    pub fn with_password(password: &str) -> Self {
        let rules = "host all all 127.0.0.1/32 scram-sha-256";
        let postgres = Self::launch(TempDir::new().unwrap(), rules, Some(password.to_owned()), None);
        postgres.sql("postgres", &format!("ALTER ROLE postgres PASSWORD '{password}'"));
        postgres
    }

    /// A server that speaks nothing but TLS, with a certificate by the authority in [`Self::ca_file`].
    pub fn with_tls() -> Self {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::make(folder.path());
        Self::launch(folder, "hostssl all all 127.0.0.1/32 trust", None, Some(certificates))
    }

    /// A fresh database; returns its url.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    pub fn url(&self, database: &str) -> String {
        self.url_at(self.port(), database)
    }

    /// The url as it is when the server is reached by way of a proxy on this port.
    pub fn url_at(&self, port: u16, database: &str) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        let mut url = format!("postgres://postgres{password}@127.0.0.1:{port}/{database}");
        if self.certificates.is_some() {
            url += &format!("?sslmode=verify-full&sslrootcert={}", self.ca_file().display());
        }
        url
    }

    pub fn port(&self) -> u16 {
        self.port.number
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// The authority to trust, of a server with TLS.
    pub fn ca_file(&self) -> &Path {
        &self.certificates.as_ref().expect("a server with TLS").authority
    }

    /// Runs statements and returns the rows, one a line, columns parted by `|`. Panics if one fails.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        self.try_sql(database, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// The same where the statement may fail or the server be down; the error is what psql says.
    pub fn try_sql(&self, database: &str, statement: &str) -> Result<String, String> {
        let mut command = program::command(&self.psql, self.process.folder());
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        // By the socket file, where no password is asked for.
        command.arg("-h").arg(self.process.folder()).arg("-p").arg(self.port().to_string());
        let output = command.args(["-d", database, "-c", statement]).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Adds lines to its configuration and makes it read them.
    pub fn reload(&self, settings: &str) {
        let file = self.process.folder().join("data/postgresql.conf");
        writeln!(OpenOptions::new().append(true).open(file).unwrap(), "{settings}").unwrap();
        self.read_again();
    }

    /// Replaces who may log in over TCP, and how, by these lines of `pg_hba.conf`.
    pub fn admit(&self, rules: &str) {
        fs::write(self.process.folder().join("data/pg_hba.conf"), rules_file(rules)).unwrap();
        self.read_again();
    }

    /// For its log, its pid, its folder and other signals.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Freezes it and all its sessions: connections stay open, nothing answers.
    pub fn stop(&self) {
        self.process.stop();
    }

    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends it and all its sessions by SIGKILL, as if the power had failed.
    pub fn kill(&self) {
        // It leaves a small segment of shared memory behind, until the next start at best.
        let lock = fs::read_to_string(self.process.folder().join("data/postmaster.pid")).unwrap_or_default();
        self.process.kill();
        if let Some(id) = lock.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) {
            let mut command = program::command(Path::new("ipcrm"), self.process.folder());
            let _ = command.args(["-m", id]).output();
        }
    }

    /// Ends its sessions and then itself in good order (a "fast" shutdown).
    pub fn terminate(&self) {
        self.process.terminate("INT");
    }

    /// Starts it on the same port with the same data.
    pub fn start_again(&self) {
        self.process.start_again();
        self.wait();
    }

    fn launch(
        folder: TempDir,
        rules: &str,
        password: Option<String>,
        certificates: Option<Certificates>,
    ) -> Self {
        let [initdb, postgres, psql] = ["initdb", "postgres", "psql"].map(program::find_postgres);
        let port = Port::free();
        let path = folder.path();
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nmax_connections = 60\n\
             dynamic_shared_memory_type = mmap\n",
            port.number,
            path.display()
        );
        if let Some(certificates) = &certificates {
            settings += &format!(
                "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
                certificates.certificate.display(),
                certificates.key.display()
            );
        }
        fs::write(path.join("postgresql.conf"), settings).unwrap();
        fs::write(path.join("pg_hba.conf"), rules_file(rules)).unwrap();

        let user = user_for(path);
        if let Some((user, group)) = user {
            let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            for file in files.chain([path.to_owned()]) {
                chown(file, Some(user), Some(group)).unwrap();
            }
        }
        let [initdb, postgres] = [initdb, postgres].map(|path| path.into_os_string());
        let arguments = ["-c".into(), START.into(), "sh".into(), initdb, postgres];
        // QUIT, unlike KILL, lets it give back its shared memory.
        let way = Way { user, last: "QUIT" };
        let process = Process::spawn(folder, &way, &program::find("sh", "dash"), &arguments);
        let postgres = Self { process, port, password, certificates, databases: AtomicU32::new(0), psql };
        postgres.wait();
        postgres
    }

    fn wait(&self) {
        eventually("postgres is up", || {
            assert!(self.process.is_alive(), "postgres has ended: {}", self.process.log());
            self.try_sql("postgres", "SELECT 1").is_ok()
        });
    }

    fn read_again(&self) {
        let loaded = || self.sql("postgres", "SELECT pg_conf_load_time()");
        let before = loaded();
        self.process.signal("HUP");
        eventually("postgres has read its configuration", || loaded() != before);
    }
}

/// Whatever the rules, the socket file is the tests' own way in.
fn rules_file(rules: &str) -> String {
    format!("local all all trust\n{rules}\n")
}

/// Postgres refuses to run as root: the user and group to run it as if we are root.
fn user_for(folder: &Path) -> Option<(u32, u32)> {
    // The folder is new, so its owner is who we are.
    if fs::metadata(folder).unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let user = |name: &str| {
        let fields: Vec<_> = users.lines().find(|line| line.starts_with(name))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let user = user("postgres:").or_else(|| user("nobody:"));
    Some(user.expect("postgres does not run as root, and there is no user postgres or nobody"))
}

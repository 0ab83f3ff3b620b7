//! nginx with `deploy/nginx.conf`, in which nothing is changed but addresses, paths and TLS.

use super::{
    certificates::Certificates,
    eventually,
    port::Port,
    process::{Process, Way},
    program,
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
};
use tempfile::TempDir;

pub const CONFIGURATION: &str = include_str!("../../deploy/nginx.conf");

pub struct Nginx {
    process: Process,
    port: Port,
}

impl Nginx {
    /// In front of `server`, without TLS, which the tests do not speak.
    pub fn before(server: SocketAddr) -> Self {
        Self::before_all(&[server])
    }

    /// In front of all these.
    pub fn before_all(servers: &[SocketAddr]) -> Self {
        const SERVER: &str = "server 127.0.0.1:8000 max_fails=1 fail_timeout=1s;";
        let lines = servers.iter().map(|server| SERVER.replace("127.0.0.1:8000", &server.to_string()));
        let (folder, port, other) = (TempDir::new().unwrap(), Port::free(), Port::free());
        let configuration = CONFIGURATION.lines().filter(|line| !line.trim_start().starts_with("ssl_"));
        let configuration = configuration.collect::<Vec<_>>().join("\n");
        let configuration = replaced(
            &configuration,
            &[
                ("listen 443 ssl http2 default_server;", &format!("listen 127.0.0.1:{};", port.number)),
                ("listen 80 default_server;", &format!("listen 127.0.0.1:{};", other.number)),
                (SERVER, &lines.collect::<Vec<_>>().join("\n")),
                ("pid /run/nginx.pid;", "pid nginx.pid;"),
                ("access_log /dev/stdout brief;", "access_log access.log brief;"),
            ],
        );
        fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let arguments = ["-p", &path, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"];
        let way = Way { user: None, last: "TERM" };
        let process = Process::spawn(folder, &way, &program::find("nginx", "nginx"), &arguments);
        let nginx = Self { process, port };
        eventually("nginx listens", || {
            assert!(nginx.process.is_alive(), "{}", nginx.process.log());
            TcpStream::connect(nginx.address()).is_ok()
        });
        nginx
    }

    /// Whether nginx takes the file as it is, with certificates in their place.
    pub fn verdict() -> Result<(), String> {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::make(folder.path());
        let path = |file: &std::path::Path| file.to_str().unwrap().to_owned();
        let configuration = replaced(
            CONFIGURATION,
            &[
                ("/etc/ssl/login.example.pem", &path(&certificates.certificate)),
                ("/etc/ssl/login.example.key", &path(&certificates.key)),
                ("pid /run/nginx.pid;", "pid nginx.pid;"),
                ("access_log /dev/stdout brief;", "access_log access.log brief;"),
            ],
        );
        fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let mut command = program::command(&program::find("nginx", "nginx"), folder.path());
        let output = command
            .args(["-t", "-p", &path(folder.path()), "-c", "nginx.conf", "-e", "stderr"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // The test may use the usual ports no more than anybody else on this machine.
        if output.status.success() || said.contains("syntax is ok") { Ok(()) } else { Err(said) }
    }

    /// What it has complained of.
    pub fn said(&self) -> String {
        self.process.log()
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number).into()
    }
}

fn replaced(text: &str, by: &[(&str, &str)]) -> String {
    by.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "deploy/nginx.conf has no {from:?} any more");
        text.replace(from, to)
    })
}

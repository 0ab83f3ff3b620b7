//! A certificate for 127.0.0.1 and localhost, and the authority that signed it.

use super::program;
use std::path::{Path, PathBuf};

pub struct Certificates {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Own settings, as the system's would mark the server's certificate as an authority too.
const SETTINGS: &str = "
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
";

impl Certificates {
    pub fn make(folder: &Path) -> Self {
        std::fs::write(folder.join("openssl.conf"), SETTINGS).unwrap();
        let new = "req -x509 -config openssl.conf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        let authority = "-extensions authority -subj /CN=Tests -keyout authority.key -out authority.pem";
        let server = "-extensions server -subj /CN=localhost -keyout server.key -out server.pem \
                      -CA authority.pem -CAkey authority.key";
        for arguments in [authority, server] {
            let arguments = new.split_whitespace().chain(arguments.split_whitespace());
            let mut command = program::command(&program::find("openssl", "openssl"), folder);
            let output = command.args(arguments).output().unwrap();
            assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
        }
        let [authority, certificate, key] =
            ["authority.pem", "server.pem", "server.key"].map(|name| folder.join(name));
        Self { authority, certificate, key }
    }
}

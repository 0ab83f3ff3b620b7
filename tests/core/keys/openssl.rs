//! The `openssl` program in a folder of its own, as the other opinion on keys and signatures.

use crate::servers::program;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

pub struct Openssl {
    folder: TempDir,
    program: PathBuf,
}

impl Openssl {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder"), program: program::find("openssl", "openssl") }
    }

    /// Runs `openssl ARGUMENTS` and returns its standard output.
    pub fn run(&self, arguments: &str) -> Vec<u8> {
        let mut command = program::command(&self.program, self.folder.path());
        let output = command.args(arguments.split_whitespace()).output().expect("openssl runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {error}");
        output.stdout
    }

    /// The same where the output is text.
    pub fn text(&self, arguments: &str) -> String {
        String::from_utf8(self.run(arguments)).expect("text")
    }

    /// Whether `openssl ARGUMENTS` succeeds.
    pub fn says(&self, arguments: &str) -> bool {
        let mut command = program::command(&self.program, self.folder.path());
        command.args(arguments.split_whitespace()).output().expect("openssl runs").status.success()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), content).expect("written");
    }

    /// A new private key as PEM, from these arguments of `openssl genpkey`.
    pub fn key(&self, arguments: &str) -> String {
        self.text(&format!("genpkey {arguments}"))
    }

    /// The PEM text in another form, by a command that reads one with `-in`.
    pub fn converted(&self, pem: &str, command: &str) -> Vec<u8> {
        self.write("in.pem", pem);
        self.run(&format!("{command} -in in.pem"))
    }

    /// The same as text.
    pub fn pem(&self, pem: &str, command: &str) -> String {
        String::from_utf8(self.converted(pem, command)).expect("text")
    }

    /// The public half (RFC 5280 §4.1.2.7, SubjectPublicKeyInfo) in DER.
    pub fn public(&self, pem: &str) -> Vec<u8> {
        self.converted(pem, "pkey -pubout -outform DER")
    }
}

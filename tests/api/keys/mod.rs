//! The life of signing keys: made, published, signing, retired, gone, or revoked at once.

mod database;
mod file;
mod load;
mod remembered;
mod revoked;
mod rotation;

use crate::server::{self, Server};
use std::{path::Path, process::Output};

/// A ring in a file, with the shortest times that there are.
pub const RING: [(&str, &str); 4] = [
    ("COUNTERSIGN_SIGNING_KEY", ""),
    ("COUNTERSIGN_KEYS__STORE", "file:keys.json"),
    ("COUNTERSIGN_KEYS__MAX_AGE", "1"),
    ("COUNTERSIGN_KEYS__ANNOUNCE", "2"),
];

/// [`RING`] and these settings.
pub fn ring<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    RING.into_iter().chain(more.iter().copied()).collect()
}

/// Runs the program as [`server::run`] does; a setting that is empty is none.
pub fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut settings = settings.to_vec();
    settings.retain(|(_, value)| !value.is_empty());
    server::run(folder, &settings, arguments, "")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn kid(token: &str) -> String {
    crate::forge::Token::parse(token).header["kid"].as_str().expect("a kid").to_owned()
}

pub fn pause(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}

/// The ring's file, changed by a program and not by us.
pub fn edit(server: &Server, change: impl FnOnce(&mut serde_json::Value)) {
    let path = server.folder.path().join("keys.json");
    let mut ring = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    change(&mut ring);
    std::fs::write(path, ring.to_string()).expect("written");
}

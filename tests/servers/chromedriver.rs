//! A private ChromeDriver, which starts a Chromium for whoever asks for one.

use super::{
    eventually,
    process::{Process, Way},
    program,
};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tempfile::TempDir;

pub struct Chromedriver {
    process: Process,
    chromium: PathBuf,
    port: u16,
}

impl Chromedriver {
    /// One for all the tests of the binary: browsers know nothing of each other.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Chromedriver> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let chromium = program::find("chromium", "chromium");
        let driver = program::find("chromedriver", "chromium-driver");
        let folder = TempDir::new().unwrap();
        // Profiles, caches and whatever else browsers leave behind are removed with the folder.
        let place = folder.path().to_str().unwrap();
        let arguments =
            [&format!("HOME={place}"), &format!("TMPDIR={place}"), driver.to_str().unwrap(), "--port=0"];
        let way = Way { user: None, last: "KILL" };
        let process = Process::spawn(folder, &way, &program::find("env", "coreutils"), &arguments);
        let mut port = None;
        eventually("chromedriver is up", || {
            let log = process.log();
            assert!(process.is_alive(), "chromedriver has ended: {log}");
            let said = log.split_once("started successfully on port ");
            port = said.and_then(|(_, rest)| rest.split_once('.')?.0.parse().ok());
            port.is_some()
        });
        Self { process, chromium, port: port.unwrap() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The program of the browser.
    pub fn chromium(&self) -> &Path {
        &self.chromium
    }

    /// For its log and its folder.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

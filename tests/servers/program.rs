//! Finds the programs that the tests run, or says what to install.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The program of this name from the PATH; `package` is Debian's name for what has it.
pub fn find(name: &str, package: &str) -> PathBuf {
    find_in(Vec::new(), name, package)
}

/// A program of Postgres, whose server Debian keeps off the PATH. The newest version wins.
pub fn find_postgres(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let more = versions.iter().rev().map(|version| version.join("bin")).collect();
    find_in(more, name, if name == "psql" { "postgresql-client" } else { "postgresql" })
}

/// The program with nothing from the environment (`PGHOST` …) but the PATH.
pub fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    command.env_clear().env("PATH", path).env("LC_ALL", "C").current_dir(folder).stdin(Stdio::null());
    command
}

fn find_in(more: Vec<PathBuf>, name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&path).chain(more).map(|folder| folder.join(name));
    let install = format!("install it (Debian: apt-get install {package}) or run tests/run");
    files.find(|file| file.is_file()).unwrap_or_else(|| panic!("{name} is not on the PATH: {install}"))
}

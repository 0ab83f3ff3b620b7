//! A server process that cannot outlive the test process, not even one ended by SIGKILL: it is the child
//! of a small shell script (`process.sh`) that waits for the end of a pipe of which only we hold the
//! other end. (Rust closes that end in every program it starts, so no other child keeps it open.)

use super::program;
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;

pub struct Process {
    folder: PathBuf,
    script: Mutex<Script>,
}

struct Script {
    child: Child,
    answers: BufReader<ChildStdout>,
    /// Of the server; none while it does not run.
    pid: Option<u32>,
}

/// How a process is run.
pub struct Way {
    /// User and group, when they are not our own.
    pub user: Option<(u32, u32)>,
    /// The signal that ends it for good; it is followed by KILL if it does not help.
    pub last: &'static str,
}

impl Process {
    /// Runs the program in `folder`, which it owns from now on; what it writes is in the file `log` there.
    pub fn spawn<S: AsRef<OsStr>>(folder: TempDir, way: &Way, program: &Path, arguments: &[S]) -> Self {
        let mut command = program::command(&program::find("sh", "dash"), folder.path());
        command.args(["-c", include_str!("process.sh"), "sh"]).arg(folder.path()).arg(way.last);
        command.arg(program).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Control-C and a time-out end the whole group of the tests; the script must live on to clean up.
        command.process_group(0);
        if let Some((user, group)) = way.user {
            command.uid(user).gid(group);
        }
        let mut child = command.spawn().unwrap();
        let folder = folder.keep();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut script = Script { child, answers, pid: None };
        script.answer();
        Self { folder, script: Mutex::new(script) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Of the server; panics when it does not run.
    pub fn pid(&self) -> u32 {
        self.script.lock().unwrap().pid.expect("the server has been ended")
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// False also for a server that ended by itself.
    pub fn is_alive(&self) -> bool {
        let pid = self.script.lock().unwrap().pid;
        pid.is_some_and(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok())
    }

    /// Freezes it and its children (SIGSTOP): connections stay open, nothing answers.
    pub fn stop(&self) {
        self.tell("signal-all STOP");
    }

    pub fn resume(&self) {
        self.tell("signal-all CONT");
    }

    /// Ends it and its children by SIGKILL and waits until they are gone.
    pub fn kill(&self) {
        self.tell("end KILL");
    }

    /// Asks it to end, by this signal, and waits until it has.
    pub fn terminate(&self, signal: &str) {
        self.tell(&format!("end {signal}"));
    }

    /// Sends a signal to the server alone.
    pub fn signal(&self, signal: &str) {
        self.tell(&format!("signal {signal}"));
    }

    /// Runs the program again, with the same arguments in the same folder.
    pub fn start_again(&self) {
        self.tell("start");
    }

    fn tell(&self, words: &str) {
        let mut script = self.script.lock().unwrap();
        writeln!(script.child.stdin.as_ref().unwrap(), "{words}").unwrap();
        script.answer();
    }
}

impl Script {
    fn answer(&mut self) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "process.sh has ended");
        self.pid = line.trim().parse().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A panic while the lock was held must not keep the server alive.
        let script = self.script.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        drop(script.child.stdin.take());
        let _ = script.child.wait();
    }
}

//! A server as a process of its own, on a core of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdin, Command, Stdio},
};

pub struct Server {
    child: Child,
    /// Its end is how the server knows that we are gone.
    _alive: ChildStdin,
    /// The first line that it wrote.
    pub said: String,
}

impl Server {
    /// This very program with other arguments; `taskset` becomes it, so the process is the server's.
    pub fn start(core: &str, arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("Linux");
        let mut child = Command::new("taskset")
            .args(["-c", core])
            .arg(program)
            .args(arguments)
            .env("ROCKET_PROFILE", "debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("taskset");
        let mut output = BufReader::new(child.stdout.take().expect("stdout"));
        let mut said = String::new();
        output.read_line(&mut said).expect("a line");
        assert!(!said.is_empty(), "the server has ended: {arguments:?}");
        let _alive = child.stdin.take().expect("stdin");
        Self { child, _alive, said: said.trim().to_owned() }
    }

    /// How long its threads have had the core, in microseconds.
    pub fn cpu(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("Linux");
        let nanoseconds = tasks.flatten().filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        nanoseconds.sum::<f64>() / 1e3
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends this process with the one that started it.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut vec![]);
        std::process::exit(0);
    });
}

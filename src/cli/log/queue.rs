//! The way of the log's lines to stderr: a bounded queue and a thread that writes, so that no request waits
//! for whoever reads stderr. Lines that find the queue full are dropped and counted.

use std::{
    fs::File,
    io::{self, Write},
    mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime, SystemTime},
};

/// How many bytes may wait. As many again may be on their way.
const MOST: usize = 4 << 20;

/// How long to wait before the next attempt where stderr takes nothing at the moment.
const PAUSE: Duration = Duration::from_millis(10);

/// Lines that wait, and what became of the others.
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// Something was written, or could not be.
    settled: Condvar,
    lost: AtomicU64,
}

struct State {
    waiting: Vec<u8>,
    /// Lost lines of which the log does not tell yet.
    untold: u64,
    /// How many bytes have been taken in, and how many of these are written or lost.
    taken: u64,
    settled: u64,
    /// Up to which byte something could not be written.
    failed: u64,
}

impl Queue {
    pub(super) const fn new() -> Self {
        let state = State { waiting: Vec::new(), untold: 0, taken: 0, settled: 0, failed: 0 };
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            settled: Condvar::new(),
            lost: AtomicU64::new(0),
        }
    }

    /// How many lines have been dropped.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Writes to stderr from a thread of its own, for as long as the process runs.
    pub(super) fn start(&'static self) -> io::Result<()> {
        self.start_with(stderr()?)
    }

    fn start_with(&'static self, mut stderr: Box<dyn Write + Send>) -> io::Result<()> {
        thread::Builder::new().name("log".into()).spawn(move || self.write_all_to(&mut *stderr)).map(drop)
    }

    /// Takes a line, or drops it where there is no room. Returns where it ends, for [`Self::wait`].
    pub(super) fn put(&self, line: &[u8]) -> Option<u64> {
        let mut state = self.lock();
        if state.waiting.len() + line.len() > MOST {
            state.untold += 1;
            self.lost.fetch_add(1, Relaxed);
            return None;
        }
        state.waiting.extend_from_slice(line);
        state.taken += line.len() as u64;
        self.filled.notify_one();
        Some(state.taken)
    }

    /// Waits until all up to here has left the queue, for as long as `limit`. Returns whether it was written.
    pub(super) fn wait(&self, end: u64, limit: Duration) -> bool {
        let waits = |state: &mut State| state.settled < end;
        let waited = self.settled.wait_timeout_while(self.lock(), limit, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.settled >= end && state.failed < end
    }

    /// Waits until all that was taken has left it, for as long as `limit`.
    pub(super) fn empty(&self, limit: Duration) {
        let end = self.lock().taken;
        self.wait(end, limit);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_to(&self, stderr: &mut dyn Write) {
        let mut lines = vec![];
        loop {
            let waited = self.filled.wait_while(self.lock(), |state| state.waiting.is_empty());
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            mem::swap(&mut lines, &mut state.waiting);
            let (untold, end) = (mem::take(&mut state.untold), state.taken);
            drop(state);
            let length = lines.len();
            // Where they are missing.
            if untold > 0 {
                lines.extend_from_slice(notice(untold).as_bytes());
            }
            let written = write(stderr, &lines);
            let mut state = self.lock();
            if written < lines.len() {
                let unwritten = lines.get(written..length).unwrap_or_default();
                let lost = unwritten.iter().filter(|byte| **byte == b'\n').count() as u64;
                self.lost.fetch_add(lost, Relaxed);
                state.untold += untold + lost;
                state.failed = end;
            }
            state.settled = end;
            drop(state);
            self.settled.notify_all();
            lines.clear();
        }
    }
}

impl Write for &Queue {
    /// Takes one line as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of the log about those that are missing.
fn notice(count: u64) -> String {
    let mut line = String::new();
    // Without the time it is a line all the same.
    let _ = SystemTime.format_time(&mut Writer::new(&mut line));
    line + &format!(
        " ERROR countersign::log: lines of the log were dropped, stderr took no more count={count}\n"
    )
}

/// Writes as much as it takes; returns how much that was.
fn write(stderr: &mut dyn Write, lines: &[u8]) -> usize {
    let mut written = 0;
    while written < lines.len() {
        match stderr.write(&lines[written..]) {
            Ok(0) => break,
            Ok(length) => written += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => break,
        }
    }
    written
}

/// The process's stderr, without the lock of the standard library's, which would be held while it waits.
#[cfg(unix)]
fn stderr() -> io::Result<Box<dyn Write + Send>> {
    use std::os::fd::AsFd;
    Ok(Box::new(File::from(io::stderr().as_fd().try_clone_to_owned()?)))
}

#[cfg(not(unix))]
fn stderr() -> io::Result<Box<dyn Write + Send>> {
    Ok(Box::new(io::stderr()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    };

    const LONG: Duration = Duration::from_secs(60);

    /// Each write waits for a permit; without more of them to come, writing fails.
    struct Slow(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn started() -> (&'static Queue, SyncSender<()>, Arc<Mutex<Vec<u8>>>) {
        let queue: &Queue = Box::leak(Box::new(Queue::new()));
        let (permits, receiver) = sync_channel(100);
        let written = Arc::default();
        queue.start_with(Box::new(Slow(receiver, Arc::clone(&written)))).expect("a thread");
        (queue, permits, written)
    }

    #[test]
    fn what_finds_no_room_is_dropped_counted_and_told_of_where_it_is_missing() {
        let (queue, permits, written) = started();
        let line = [b"x".repeat(1_023), b"\n".to_vec()].concat();
        // The thread takes the first away at some time, and then as many as there is room for.
        let room = MOST / line.len();
        let taken = (0..2 * room + 100).filter(|_| queue.put(&line).is_some()).count();
        let lost = (2 * room + 100 - taken) as u64;
        assert!((room..=2 * room).contains(&taken) && queue.lost() == lost, "{taken} {lost}");
        for _ in 0..2 {
            permits.send(()).expect("it waits");
        }
        queue.empty(LONG);
        let last = queue.put(b"the last\n").expect("room");
        permits.send(()).expect("it waits");
        assert!(queue.wait(last, LONG));
        let written = String::from_utf8(written.lock().unwrap().clone()).expect("text");
        let lines: Vec<_> = written.lines().collect();
        let notices: Vec<_> =
            lines.iter().filter(|line| line.contains(" ERROR countersign::log: ")).collect();
        assert!(matches!(&*notices, [one] if one.ends_with(&format!(" count={lost}"))), "{notices:?}");
        assert_eq!(lines.len(), taken + 2);
        assert!(lines[taken].contains("were dropped") && lines[taken + 1] == "the last");
    }

    #[test]
    fn what_cannot_be_written_is_lost_and_said_to_be() {
        let (queue, permits, _) = started();
        permits.send(()).expect("it waits");
        let first = queue.put(b"one\n").expect("room");
        assert!(queue.wait(first, LONG));
        drop(permits);
        let second = queue.put(b"two\nthree\n").expect("room");
        assert!(!queue.wait(second, LONG));
        assert_eq!(queue.lost(), 2);
        assert_eq!(queue.put(&vec![b'x'; MOST + 1]), None);
        assert_eq!(queue.lost(), 3);
    }

    #[test]
    fn nobody_waits_for_longer_than_they_want_to() {
        let (queue, permits, _) = started();
        let end = queue.put(b"one\n").expect("room");
        assert!(!queue.wait(end, Duration::from_millis(1)));
        permits.send(()).expect("it waits");
        assert!(queue.wait(end, LONG));
    }
}

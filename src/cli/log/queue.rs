//! Writes log lines to stderr from a thread behind a bounded queue, so that no request waits for the reader of
//! stderr. Lines for which the queue has no room are dropped and counted.

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

/// How many bytes are queued at most. As many again may be in the middle of being written.
const MOST: usize = 4 << 20;

/// How long to wait before the next attempt when a non-blocking stderr is full.
const PAUSE: Duration = Duration::from_millis(10);

/// The queue of lines, with counts of those before.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Signals that there is something to write.
    filled: Condvar,
    /// Signals that something was written or lost.
    settled: Condvar,
    lost: AtomicU64,
}

struct State {
    waiting: Vec<u8>,
    /// Lost lines that the log does not mention yet.
    untold: u64,
    /// How many bytes were queued, ever.
    taken: u64,
    /// How many of these were written or lost.
    settled: u64,
    /// Where the last failed write ended, counted likewise.
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

    /// Returns how many lines were dropped or could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Starts the thread, which runs as long as the process.
    pub(super) fn start(&'static self) -> io::Result<()> {
        self.start_with(stderr()?)
    }

    fn start_with(&'static self, mut stderr: Box<dyn Write + Send>) -> io::Result<()> {
        thread::Builder::new().name("log".into()).spawn(move || self.write_all_to(&mut *stderr)).map(drop)
    }

    /// Queues a line, or drops it if there is no room. Returns its end, for [`Self::wait`].
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

    /// Waits until everything up to `end` has left the queue, at most for `limit`. Returns whether it was written.
    pub(super) fn wait(&self, end: u64, limit: Duration) -> bool {
        let waits = |state: &mut State| state.settled < end;
        let waited = self.settled.wait_timeout_while(self.lock(), limit, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.settled >= end && state.failed < end
    }

    /// Waits until everything queued so far has left the queue, at most for `limit`.
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
            // The lines are missing here.
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
    /// Queues one whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the log line about missing lines.
fn notice(count: u64) -> String {
    let mut line = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut line));
    line + &format!(
        " ERROR countersign::log: log lines were dropped: stderr was not read in time, or writing failed count={count}\n"
    )
}

/// Writes the lines; returns how many bytes were written before an error.
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

/// Opens stderr without the standard library's lock, which would be held while a write blocks.
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
    fn lines_without_room_are_dropped_and_counted_where_they_are_missing() {
        let (queue, permits, written) = started();
        let line = [b"x".repeat(1_023), b"\n".to_vec()].concat();
        queue.put(b"the first\n").expect("room");
        // The thread takes it and waits for a permit; from now on all lines stay in the queue.
        while !queue.lock().waiting.is_empty() {
            thread::yield_now();
        }
        let room = MOST / line.len();
        let taken = (0..room + 100).filter(|_| queue.put(&line).is_some()).count();
        assert_eq!((taken, queue.lost()), (room, 100));
        for _ in 0..2 {
            permits.send(()).expect("it waits");
        }
        queue.empty(LONG);
        let last = queue.put(b"the last\n").expect("room");
        permits.send(()).expect("it waits");
        assert!(queue.wait(last, LONG));
        let written = String::from_utf8(written.lock().unwrap().clone()).expect("text");
        let lines: Vec<_> = written.lines().collect();
        assert_eq!(lines.len(), room + 3);
        let notice = lines[room + 1];
        assert!(notice.contains(" ERROR countersign::log: ") && notice.ends_with(" count=100"), "{notice}");
        assert_eq!((lines[0], lines[room + 2]), ("the first", "the last"));
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_as_lost() {
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
    fn a_wait_ends_at_its_limit() {
        let (queue, permits, _) = started();
        let end = queue.put(b"one\n").expect("room");
        assert!(!queue.wait(end, Duration::from_millis(1)));
        permits.send(()).expect("it waits");
        assert!(queue.wait(end, LONG));
    }
}

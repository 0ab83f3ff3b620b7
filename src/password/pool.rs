//! Threads that do nothing but hash, and the queue before them.
//!
//! Their number bounds how many hashes there are at a time, and with it their memory; they are no
//! threads of the runtime, so requests that need no hash are served as if there were none. The
//! queue is bounded too: whoever would wait for longer than makes sense hears so at once.

use super::Memory;
use crate::histogram::{Counted, Histogram};
use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How long a thread with nothing to do keeps its memory.
const KEEP_MEMORY: Duration = Duration::from_secs(10);

/// Work, unless whoever wanted it has gone; says whether it was done.
type Job = Box<dyn FnOnce(&mut Memory) -> bool + Send>;

pub(super) struct Pool(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// How many may wait.
    bound: usize,
    threads: usize,
    /// How many found the queue full.
    refused: AtomicU64,
    /// From when work was put into the queue to when it began.
    waited: Histogram,
    /// How long it took.
    worked: Histogram,
}

/// What the threads do at some moment, and what they have done.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) waiting: usize,
    /// How many may wait.
    pub(crate) bound: usize,
    pub(crate) running: usize,
    pub(crate) threads: usize,
    /// How many found the queue full, ever.
    pub(crate) refused: u64,
    /// How long what has begun had waited.
    pub(crate) waited: Counted,
    /// How long what has ended took.
    pub(crate) worked: Counted,
}

struct State {
    /// With when it came.
    waiting: VecDeque<(Instant, Job)>,
    /// Threads with nothing to do, which will take what is put into the queue at once.
    idle: usize,
    closed: bool,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotDone {
    /// As many wait as may.
    Full,
    /// The work panicked.
    Panicked,
}

impl Pool {
    /// Starts the threads. Up to `bound` jobs wait for one; each thread keeps up to `kib` KiB of
    /// memory from one job to the next.
    pub(super) fn start(threads: usize, bound: usize, kib: u32) -> io::Result<Self> {
        let state = State { waiting: VecDeque::new(), idle: threads, closed: false };
        let pool = Self(Arc::new(Queue {
            state: Mutex::new(state),
            changed: Condvar::new(),
            bound,
            threads,
            refused: AtomicU64::new(0),
            waited: Histogram::default(),
            worked: Histogram::default(),
        }));
        for number in 0..threads {
            let queue = pool.0.clone();
            thread::Builder::new().name(format!("hashing-{number}")).spawn(move || queue.serve(kib))?;
        }
        Ok(pool)
    }

    /// Does the work on one of the threads. If the caller goes away while it waits, it is not done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (answer, result) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            let is_wanted = !answer.is_closed();
            if is_wanted {
                let _ = answer.send(work(memory));
            }
            is_wanted
        };
        self.0.push(Box::new(job))?;
        result.await.map_err(|_| NotDone::Panicked)
    }

    /// What it does, and what it has done.
    pub(super) fn load(&self) -> Load {
        let queue = &self.0;
        let (waiting, idle) = {
            let state = queue.state();
            (state.waiting.len(), state.idle)
        };
        Load {
            // What a thread with nothing to do is about to take does not wait.
            waiting: waiting.saturating_sub(idle),
            bound: queue.bound,
            running: queue.threads - idle + waiting.min(idle),
            threads: queue.threads,
            refused: queue.refused.load(Relaxed),
            waited: queue.waited.counted(),
            worked: queue.worked.counted(),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), NotDone> {
        let mut state = self.state();
        if state.waiting.len() >= self.bound + state.idle {
            self.refused.fetch_add(1, Relaxed);
            return Err(NotDone::Full);
        }
        state.waiting.push_back((Instant::now(), job));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// What each thread does until the pool is dropped.
    fn serve(&self, kib: u32) {
        let mut memory = Memory::default();
        while let Some(job) = self.next(&mut memory) {
            let began_at = Instant::now();
            // A thread that ended would be missing for ever; whoever asked hears of it.
            match catch_unwind(AssertUnwindSafe(|| job(&mut memory))) {
                Ok(true) => self.worked.note(began_at.elapsed()),
                Ok(false) => {}
                Err(_) => tracing::error!("hashing a password panicked"),
            }
            memory.shrink(kib);
            self.state().idle += 1;
        }
    }

    /// The next job; `None` at the end.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some((came_at, job)) = state.waiting.pop_front() {
                state.idle -= 1;
                drop(state);
                self.waited.note(came_at.elapsed());
                return Some(job);
            }
            if state.closed {
                return None;
            }
            let (back, waited) =
                self.changed.wait_timeout(state, KEEP_MEMORY).unwrap_or_else(PoisonError::into_inner);
            state = back;
            if waited.timed_out() {
                memory.shrink(0);
            }
        }
    }
}

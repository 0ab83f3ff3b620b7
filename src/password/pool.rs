//! Threads that do nothing but hash, and the queue before them.
//!
//! Their number bounds how many hashes there are at a time, and with it their memory; they are no
//! threads of the runtime, so requests that need no hash are served as if there were none. The
//! queue is bounded too: work that would wait for longer than makes sense is refused at once.
//!
//! The queue is shared fairly: each key of a [`Requester`] has a limited number of places, and work for
//! no requester (an admin's, an operator's) has as many places of its own as all requesters together.

use super::{
    Memory,
    requester::{Key, Requester},
};
use crate::histogram::{Counted, Histogram};
use std::{
    collections::{HashMap, VecDeque},
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

/// Does the work and returns what sends its result; `None` if the caller has gone away, so that it was not done.
type Work = Box<dyn FnOnce(&mut Memory) -> Option<Box<dyn FnOnce()>> + Send>;

struct Job {
    came_at: Instant,
    work: Work,
    requester: Option<Requester>,
}

pub(super) struct Pool(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// How many may wait for requesters, and as many for none.
    bound: usize,
    threads: usize,
    /// How many found no place.
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
    /// How many found no place, ever.
    pub(crate) refused: u64,
    /// How long what has begun had waited.
    pub(crate) waited: Counted,
    /// How long what has ended took.
    pub(crate) worked: Counted,
}

struct State {
    waiting: VecDeque<Job>,
    /// How many of those that wait are for a requester.
    requested: usize,
    /// How many of those that wait or run have this key.
    taken: HashMap<Key, usize>,
    /// Threads with nothing to do, which will take what is put into the queue at once.
    idle: usize,
    closed: bool,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotDone {
    /// As many wait as may, in all or of this requester.
    Full,
    /// The work panicked.
    Panicked,
}

impl Pool {
    /// Starts the threads. Up to `bound` jobs wait for one; each thread keeps up to `kib` KiB of
    /// memory from one job to the next.
    pub(super) fn start(threads: usize, bound: usize, kib: u32) -> io::Result<Self> {
        let state = State {
            waiting: VecDeque::new(),
            requested: 0,
            taken: HashMap::new(),
            idle: threads,
            closed: false,
        };
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

    /// Does the work on one of the threads, in a place of the requester's. If the caller goes away while it
    /// waits, it is not done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        requester: Option<Requester>,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (answer, result) = oneshot::channel();
        let work = move |memory: &mut Memory| {
            if answer.is_closed() {
                return None;
            }
            let done = work(memory);
            Some(Box::new(move || drop(answer.send(done))) as Box<dyn FnOnce()>)
        };
        self.0.push(Job { came_at: Instant::now(), work: Box::new(work), requester })?;
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

impl State {
    fn has_place_for(&self, requester: Option<&Requester>, bound: usize) -> bool {
        let waiting = if requester.is_some() { self.requested } else { self.waiting.len() - self.requested };
        let mut keys = requester.into_iter().flat_map(Requester::keys);
        waiting < bound + self.idle
            && keys.all(|key| self.taken.get(key).is_none_or(|taken| *taken < key.places(bound)))
    }

    fn admit(&mut self, job: Job) {
        if let Some(requester) = &job.requester {
            self.requested += 1;
            for key in requester.keys() {
                *self.taken.entry(key.clone()).or_default() += 1;
            }
        }
        self.waiting.push_back(job);
    }

    /// What a thread begins now.
    fn take(&mut self) -> Option<Job> {
        let job = self.waiting.pop_front()?;
        self.idle -= 1;
        self.requested -= usize::from(job.requester.is_some());
        Some(job)
    }

    /// A thread has finished what it took.
    fn finish(&mut self, requester: Option<&Requester>) {
        self.idle += 1;
        for key in requester.into_iter().flat_map(Requester::keys) {
            if let Some(taken) = self.taken.get_mut(key) {
                *taken -= 1;
                if *taken == 0 {
                    self.taken.remove(key);
                }
            }
        }
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), NotDone> {
        let mut state = self.state();
        if !state.has_place_for(job.requester.as_ref(), self.bound) {
            drop(state);
            self.refused.fetch_add(1, Relaxed);
            return Err(NotDone::Full);
        }
        state.admit(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// What each thread does until the pool is dropped.
    fn serve(&self, kib: u32) {
        let mut memory = Memory::default();
        while let Some(Job { work, requester, .. }) = self.next(&mut memory) {
            let began_at = Instant::now();
            // A thread that ended would be missing for ever; the caller gets an error.
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut memory))).unwrap_or_else(|_| {
                tracing::error!("hashing a password panicked");
                None
            });
            if result.is_some() {
                self.worked.note(began_at.elapsed());
            }
            memory.shrink(kib);
            self.state().finish(requester.as_ref());
            // Last, so that the caller finds its place free again.
            if let Some(send) = result {
                send();
            }
        }
    }

    /// The next job; `None` at the end.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.take() {
                drop(state);
                self.waited.note(job.came_at.elapsed());
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::poll_fn, pin::Pin, sync::mpsc, task::Poll};

    const QUEUE: usize = 64;

    type Waiting = Pin<Box<dyn Future<Output = Result<(), NotDone>>>>;

    /// A pool whose only thread is kept busy until the sender is dropped.
    struct Held {
        pool: Arc<Pool>,
        open: mpsc::Sender<()>,
        waiting: Vec<Waiting>,
    }

    impl Held {
        async fn by(requester: Option<Requester>) -> Self {
            let (open, gate) = mpsc::channel();
            let pool = Arc::new(Pool::start(1, QUEUE, 0).expect("a thread"));
            let mut held = Self { pool, open, waiting: vec![] };
            let first = held.pool.clone();
            let first = async move { first.run(requester, move |_| gate.recv().unwrap_or(())).await };
            assert!(held.admits_all(Box::pin(first)).await);
            held
        }

        /// Whether there is a place in the queue; if there is, it is taken.
        async fn admits(&mut self, requester: Option<Requester>) -> bool {
            let pool = self.pool.clone();
            self.admits_all(Box::pin(async move { pool.run(requester, |_| ()).await })).await
        }

        async fn admits_all(&mut self, mut work: Waiting) -> bool {
            match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
                Poll::Pending => {
                    self.waiting.push(work);
                    true
                }
                Poll::Ready(done) => {
                    assert_eq!(done, Err(NotDone::Full));
                    false
                }
            }
        }

        /// How many more are admitted, one after the other.
        async fn admitted(&mut self, mut next: impl FnMut(usize) -> Requester) -> usize {
            let mut count = 0;
            while self.admits(Some(next(count))).await {
                count += 1;
            }
            count
        }

        /// Lets the thread go on, and waits until all that was admitted is done.
        async fn served(self) -> Arc<Pool> {
            drop(self.open);
            for work in self.waiting {
                assert_eq!(work.await, Ok(()));
            }
            self.pool
        }
    }

    fn at(account: &str, block: &str) -> Requester {
        Requester::new().account(account.as_bytes()).block(block.as_bytes())
    }

    #[tokio::test]
    async fn one_account_has_four_places_and_others_the_rest() {
        let mut held = Held::by(Some(at("mallory", "::"))).await;
        // From ever other addresses, which does not help.
        assert_eq!(held.admitted(|number| at("mallory", &number.to_string())).await, 3);
        assert!(held.admits(Some(at("ada", "::"))).await, "not even an address of the same block is full");
        let pool = held.served().await;
        assert!(pool.0.state().taken.is_empty(), "all places were given back");
    }

    #[tokio::test]
    async fn one_block_has_a_quarter_of_the_queue_and_a_network_half() {
        let mut held = Held::by(None).await;
        let inside =
            |account: usize, block: usize| at(&account.to_string(), &block.to_string()).network(b"n");
        assert_eq!(held.admitted(|number| inside(number, 0)).await, QUEUE / 4);
        assert!(!held.admits(Some(inside(1_000, 0))).await);
        assert_eq!(held.admitted(|number| inside(100 + number, 1 + number)).await, QUEUE / 4);
        assert!(!held.admits(Some(inside(1_000, 1_000))).await, "its network has half of the queue");
        assert!(held.admits(Some(at("ada", "elsewhere").network(b"m"))).await);
        held.served().await;
    }

    #[tokio::test]
    async fn work_for_no_requester_has_places_of_its_own() {
        let mut held = Held::by(Some(at("mallory", "a"))).await;
        let spread = |number: usize| at(&number.to_string(), &number.to_string());
        assert_eq!(held.admitted(spread).await, QUEUE);
        let mut own = 0;
        while held.admits(None).await {
            own += 1;
        }
        assert_eq!(own, QUEUE);
        let pool = held.served().await;
        assert_eq!(pool.run(Some(at("ada", "a")), |_| 5).await, Ok(5), "there is room again");
    }

    #[tokio::test]
    async fn a_place_is_given_back_by_callers_that_go_away_and_by_work_that_panics() {
        let mut held = Held::by(None).await;
        assert_eq!(held.admitted(|_| at("ada", "a")).await, 4);
        // All but the one that keeps the thread busy.
        held.waiting.truncate(1);
        assert!(!held.admits(Some(at("ada", "a"))).await, "they hold their places until their turn comes");
        let pool = held.served().await;
        for _ in 0..9 {
            let panics = pool.run(Some(at("ada", "a")), |_| panic!("on purpose")).await;
            assert_eq!(panics, Err::<(), _>(NotDone::Panicked));
        }
        assert_eq!(pool.run(Some(at("ada", "a")), |_| ()).await, Ok(()));
    }
}

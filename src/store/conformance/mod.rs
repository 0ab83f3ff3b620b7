//! What every store must do, as a suite that anyone can run on a store of their own.
//!
//! Switch the feature `conformance` on in your dev-dependencies and call the suite from a test.
//! It panics with the requirement that does not hold. Each suite takes two handles on the same
//! store (two pools, two connections), so that what must be atomic is tried across both; it
//! uses names and ids of its own. Names begin with `conformance.` and hold the seed of the run, which is
//! random and printed once; `COUNTERSIGN_CONFORMANCE_SEED` (hexadecimal) repeats it on an empty store.
//!
//! ```
//! use countersign::{
//!     clock::ManualClock,
//!     store::{conformance, memory::MemoryStore},
//! };
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! // Attempts are counted by the store's own clock, so the suite has to be able to set it.
//! let clock = Arc::new(ManualClock::new(conformance::NOW));
//! let store = Arc::new(MemoryStore::with_clock(clock.clone()));
//! conformance::users(store.clone(), store.clone()).await;
//! conformance::sessions(store.clone(), store.clone()).await;
//! conformance::clients(store.clone(), store.clone()).await;
//! conformance::key_ring(store.clone(), store.clone()).await;
//! conformance::attempts(store.clone(), store.clone(), clock).await;
//! conformance::audit(store.clone(), store).await;
//! # });
//! ```

mod attempts;
mod audit;
mod clients;
mod key_ring;
mod sessions;
mod users;

pub use attempts::attempts;
pub use audit::audit;
pub use clients::clients;
pub use key_ring::key_ring;
pub use sessions::{NOW, session, sessions};
pub use users::users;

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Tells the names of this run from those of earlier runs on the same store.
static SEED: LazyLock<u64> = LazyLock::new(|| {
    let seed = match env::var("COUNTERSIGN_CONFORMANCE_SEED") {
        Ok(text) => u64::from_str_radix(&text, 16).expect("COUNTERSIGN_CONFORMANCE_SEED: 1 to 16 hex digits"),
        Err(_) => getrandom::u64().expect("randomness"),
    };
    eprintln!("the conformance suite runs with COUNTERSIGN_CONFORMANCE_SEED={seed:x}");
    seed
});

/// A name that no other test uses, and that is no part of another one.
fn unique(prefix: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("conformance.{prefix}.{:016x}.{number:06}", *SEED)
}

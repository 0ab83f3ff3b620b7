//! What every store must do, as a suite that anyone can run on a store of their own.
//!
//! Switch the feature `conformance` on in your dev-dependencies and call the suite from a test.
//! It panics with the requirement that does not hold. Each suite takes two handles on the same
//! store (two pools, two connections), so that what must be atomic is tried across both; it
//! uses names and ids of its own.
//!
//! ```
//! use countersign::store::{conformance, memory::MemoryStore};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let store = Arc::new(MemoryStore::new());
//! conformance::users(store.clone(), store.clone()).await;
//! conformance::sessions(store.clone(), store.clone()).await;
//! conformance::clients(store.clone(), store.clone()).await;
//! conformance::key_ring(store.clone(), store.clone()).await;
//! conformance::attempts(store.clone(), store.clone()).await;
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

//! The locks: the standard library's, or shuttle's, which tries out in which order threads get them
//! (`tests/interleavings`).

#[cfg(shuttle)]
pub(super) use shuttle::sync::{Mutex, MutexGuard};
pub(super) use std::sync::PoisonError;
#[cfg(not(shuttle))]
pub(super) use std::sync::{Mutex, MutexGuard};

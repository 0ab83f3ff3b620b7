//! The memory store's own code under shuttle's scheduler, which tries out in which order several
//! threads get its locks. What they were answered has to be what a plain model answers that does the
//! same one by one.
//!
//! Needs the store to be built with shuttle's locks: `tests/run` has the command.

#[cfg(shuttle)]
mod history;
#[cfg(shuttle)]
mod model;
#[cfg(shuttle)]
mod sessions;

#[cfg(not(shuttle))]
#[test]
fn this_is_built_with_shuttles_locks() {
    panic!("build with RUSTFLAGS=\"--cfg shuttle\", as tests/run does");
}

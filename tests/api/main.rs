//! The unhappy paths over HTTP, against the real server program.
//!
//! A test's name is the requirement that it holds; the ids in comments are the rows of
//! `tests/unhappy-ids.txt`.

mod alg;
mod claim;
mod claim_time;
mod enc;
mod forge;
mod hdr;
mod http;
mod server;
mod sig;
mod typ;

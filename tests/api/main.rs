//! The unhappy paths over HTTP, against the real server program.
//!
//! A test's name is the requirement that it holds; the ids in comments are the rows of
//! `tests/unhappy-ids.txt`.

mod account;
mod alg;
mod attack;
mod audit;
mod backing;
mod claim;
mod claim_time;
mod clients;
mod cookie;
mod crash;
mod enc;
mod errors;
mod faults;
mod flood;
mod forge;
mod hdr;
mod http;
mod import;
mod instances;
mod key;
mod key_at_start;
mod keys;
mod login;
mod nginx;
mod openapi;
mod password;
mod redis;
mod refresh;
mod resource_server;
mod revocation_feed;
mod running;
mod server;
#[path = "../servers/mod.rs"]
mod servers;
mod sessions;
mod sig;
mod slow;
mod sql;
mod throttle;
mod token_form;
mod tokens;
mod transport;
mod typ;
mod users;
mod watch;
mod well_known;

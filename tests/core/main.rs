//! What holds below HTTP: properties, exact seconds, stores, settings and guards.

mod clocks;
mod form;
mod guard;
mod jws;
mod key;
mod keys;
mod lifetime;
mod model;
mod password;
mod postgres;
mod racy;
mod redis;
#[path = "../servers/mod.rs"]
mod servers;
mod settings;
mod store;
mod stores;
mod unhappy;
mod user;

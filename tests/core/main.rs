//! What holds below HTTP: properties, exact seconds, stores, settings and guards.

mod form;
mod guard;
mod jws;
mod key;
mod lifetime;
mod model;
mod password;
mod racy;
mod settings;
mod store;
mod unhappy;
mod user;

//! What holds below HTTP: properties, exact seconds, stores, settings and guards.

mod account_page;
mod allowance;
mod assertion;
mod audit;
mod authority;
mod checkup;
mod client;
mod client_documents;
mod clients;
mod clocks;
mod crashes;
mod deny_list;
mod floor;
mod follower;
mod full;
mod guard;
mod hashing;
mod jws;
mod kept;
mod key;
mod key_file;
mod keys;
mod lifetime;
mod login;
mod migrations;
mod model;
mod openapi;
mod page;
mod password;
mod plain;
mod postgres;
mod properties;
mod proxies;
mod racy;
mod redis;
mod refresh_token;
mod registration;
mod repository;
mod revocation_feed;
mod served;
#[path = "../servers/mod.rs"]
mod servers;
mod settings;
mod spent;
mod sqlite;
mod store;
mod stores;
mod testing;
mod throttle;
mod token_request;
mod unhappy;
mod user;
mod verified;
mod verifier;

/// What users log in with where it does not matter.
const PASSWORD: &str = "analytical-engine";

#![doc = include_str!("../README.md")]

pub mod account;
pub mod allowance;
pub mod audit;
pub mod client;
pub mod clock;
pub mod config;
pub mod grant;
mod histogram;
mod id;
pub mod jwt;
pub mod keys;
pub mod password;
mod private_file;
pub mod rate_limit;
pub mod refresh_token;
pub mod registration;
pub mod revocation;
pub mod scope;
pub mod session;
pub mod store;
#[cfg(any(feature = "testing", feature = "program"))]
pub mod testing;
pub mod throttle;
pub mod token;
pub mod user;
#[cfg(feature = "verifier")]
pub mod verifier;
pub mod web;

pub use jwt::Claims;
#[cfg(feature = "verifier")]
pub use verifier::Verifier;
pub use web::{
    guard::{Authorized, CurrentUser, Rejection, Role, Scope},
    stage,
};

//! The only place that knows Rocket: [`stage()`], request guards, a file for each resource.

mod account;
mod admin;
mod answer;
mod basic;
pub mod bearer;
mod body;
mod catcher;
mod complaint;
pub mod cookie;
mod device;
#[cfg(feature = "docs")]
mod docs;
pub mod form;
pub mod guard;
mod health;
mod introspect;
mod limited;
mod logout;
mod me;
mod method;
pub mod openapi;
mod pool;
mod refusal;
mod refused;
#[cfg(feature = "verifier")]
mod resource;
mod revocations;
mod revoke;
mod sessions;
mod stage;
mod token;
mod well_known;

#[cfg(feature = "verifier")]
pub use resource::VerifierStage;
#[cfg(feature = "testing")]
pub(crate) use stage::Runtime;
pub use stage::{Stage, stage};

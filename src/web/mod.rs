//! The only place that knows Rocket: [`stage()`], request guards, a file for each resource.

mod account;
mod admin;
mod answer;
mod basic;
pub mod bearer;
mod body;
mod catcher;
mod clocks;
mod complaint;
pub mod cookie;
mod cors;
mod device;
#[cfg(feature = "docs")]
mod docs;
mod drain;
mod dropped_headers;
pub mod form;
mod form_method;
pub mod guard;
mod health;
mod housekeeping;
mod introspect;
mod limited;
mod logout;
mod malformed;
mod me;
mod method;
mod metrics;
pub mod openapi;
mod pool;
mod refusal;
mod refused;
mod request_id;
mod request_log;
#[cfg(feature = "verifier")]
mod resource;
mod revocations;
mod revoke;
mod security_headers;
mod sessions;
mod stage;
mod started;
mod strict_http;
mod token;
mod well_known;

pub use dropped_headers::HeaderWatch;
pub use request_id::RequestId;
pub use request_log::RequestLog;
#[cfg(feature = "verifier")]
pub use resource::VerifierStage;
pub use security_headers::SecurityHeaders;
#[cfg(feature = "testing")]
pub(crate) use stage::Runtime;
pub use stage::{Stage, stage};

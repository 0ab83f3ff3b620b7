//! `countersign openapi`.

use super::{Failure, print};
use countersign::{config::Settings, web::openapi};

/// Prints the document of the routes that a server with these settings has. No store is asked.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let document = openapi::document(settings, "/");
    print(&document.to_pretty_json().map_err(|error| Failure::failed(&error))?)
}

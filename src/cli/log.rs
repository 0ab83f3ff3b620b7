//! The log: to stderr, one line for each event, set by `RUST_LOG`.

use std::io;
use tracing_subscriber::{EnvFilter, filter::Directive};

/// Starts the log; it takes over Rocket's own too.
pub(super) fn start() {
    // Rocket's macros warn of every refused guard, in the name of the module with the route; the
    // stage has none, and warns of stores that could lose something.
    let usual = "info,rocket=warn,sqlx=warn,countersign::web=error,countersign::web::stage=info";
    let chosen = std::env::var("RUST_LOG").unwrap_or_else(|_| usual.into());
    let mut filter = EnvFilter::builder().parse_lossy(chosen);
    // These print whole requests, headers and query strings with them, at any level above.
    for directive in ["rocket::server=warn", "rocket::server::_=off", "hyper=warn", "redis=off"] {
        filter = filter.add_directive(directive.parse::<Directive>().expect("a correct directive"));
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        // Where nobody reads the log any more, to complain of it would be to panic.
        .log_internal_errors(false)
        .init();
}

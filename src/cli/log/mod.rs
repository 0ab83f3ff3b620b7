//! The log: to stderr, one line for each event, set by `RUST_LOG`.

mod queue;

use countersign::web::HeaderWatch;
use queue::Queue;
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic, thread,
    time::Duration,
};
use tracing::level_filters::LevelFilter;
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::{EnvFilter, filter::Targets, fmt, layer::SubscriberExt as _};

static QUEUE: Queue = Queue::new();

/// How long the program waits for stderr at its end.
const AT_LAST: Duration = Duration::from_secs(2);

/// Without `RUST_LOG`. Rocket's macros warn of every refused guard, in the name of the module with
/// the route; the stage and the drain have none, and tell of stores that could lose something, and of the end.
const USUAL: &str = "info,rocket=warn,sqlx=warn,countersign::web=error,countersign::web::stage=info,\
    countersign::web::drain=info";

/// As much as each may tell, whatever `RUST_LOG` asks for. At any level above, these print requests
/// with their headers, forms and query strings, commands to stores with what is written, or the
/// settings that they cannot read: tokens and passwords with them.
const AT_MOST: &str = "trace,\
    rocket=info,rocket::request=error,rocket::server=warn,rocket::server::_=off,\
    hyper=warn,h2=warn,multer=info,reqwest=info,redis=off,\
    sqlx_postgres::options[{value}]=off,sqlx_postgres::options[{line}]=off";

/// Starts the log; it takes over Rocket's own too. Operators know which command they run, and do not
/// want to read in the audit's words that it was done.
#[must_use]
pub(super) fn start(serving: bool) -> Running {
    let usual = if serving { USUAL.into() } else { format!("{USUAL},countersign::audit=off") };
    let chosen = std::env::var("RUST_LOG").unwrap_or(usual);
    QUEUE.start().expect("a thread for the log");
    let format = fmt::layer()
        .with_writer(|| &QUEUE)
        .with_ansi(false)
        // To report that stderr cannot be written would be to write to it, and panic.
        .log_internal_errors(false);
    // The limits stand apart, since a more exact directive would overrule them in the same filter.
    let subscriber = tracing_subscriber::registry()
        .with(AT_MOST.parse::<Targets>().expect("correct directives"))
        .with(EnvFilter::builder().parse_lossy(chosen))
        .with(format);
    tracing::subscriber::set_global_default(subscriber).expect("the first log");
    log::set_boxed_logger(Box::new(HeaderWatch::before(LogTracer::new()))).expect("the first logger");
    // Rocket's warnings of headers that it drops are needed whether or not they are shown.
    log::set_max_level(LevelFilter::current().as_log().max(log::LevelFilter::Warn));
    // The standard library would write to stderr itself, and wait for it.
    panic::set_hook(Box::new(|panic| {
        let (thread, backtrace) = (thread::current(), Backtrace::capture());
        match backtrace.status() {
            BacktraceStatus::Captured => tracing::error!("{panic}\n{backtrace}"),
            _ => tracing::error!(thread = thread.name(), "{panic}"),
        }
    }));
    Running
}

/// The running log. Dropping it waits until all lines are written, at most for two seconds.
pub(super) struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        QUEUE.empty(AT_LAST);
    }
}

/// Returns how many log lines were dropped or could not be written.
pub(super) fn lost() -> u64 {
    QUEUE.lost()
}

/// Writes text to stderr, behind what was logged before.
pub(super) fn write(text: &str) {
    QUEUE.put(text.as_bytes());
}

/// Writes text to stderr; returns whether that succeeded within two seconds.
pub(super) fn write_now(text: &str) -> bool {
    QUEUE.put(text.as_bytes()).is_some_and(|end| QUEUE.wait(end, AT_LAST))
}

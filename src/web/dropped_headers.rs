//! Detects header lines that are not UTF-8. Rocket drops them before any fairing sees the request and says so
//! only in its log, so they are detected there.

use log::{Level, Log, Metadata, Record};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::task;

/// The headers whose loss changes what a request means, and the sentence for each: credentials, origin,
/// client address and the type of the body. A `User-Agent` in Latin-1 is no reason to refuse a request.
const NEEDED: [(&str, &str); 10] = [
    ("authorization", "The header Authorization is not UTF-8"),
    ("content-type", "The header Content-Type is not UTF-8"),
    ("cookie", "The header Cookie is not UTF-8"),
    ("forwarded", "The header Forwarded is not UTF-8"),
    ("host", "The header Host is not UTF-8"),
    ("origin", "The header Origin is not UTF-8"),
    ("sec-fetch-site", "The header Sec-Fetch-Site is not UTF-8"),
    ("transfer-encoding", "The header Transfer-Encoding is not UTF-8"),
    ("x-forwarded-for", "The header X-Forwarded-For is not UTF-8"),
    ("x-real-ip", "The header X-Real-IP is not UTF-8"),
];

/// How many entries are kept. An entry lives until the first 14 bytes of its request's body have come, so this
/// is more than a server has connections. Beyond it the entry with the lowest task id is removed.
const MOST: usize = 65_536;

/// One dropped header of each request that has not reached our fairing yet, by the request's task: Rocket
/// spawns one for each request, in which it converts the headers and then runs the fairings.
static DROPPED: Mutex<BTreeMap<task::Id, &'static str>> = Mutex::new(BTreeMap::new());

/// The number of entries, so that other requests need no lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A logger that forwards everything to another logger and lets [`stage()`](crate::stage()) refuse requests
/// with a header that Rocket has dropped.
///
/// Rocket drops header lines that are not UTF-8. A second `Authorization`, or the session's cookie next to a
/// foreign one, then disappears with no more than a warning in the log. With this logger such a request is
/// answered 400 with the header's name. The headers are `Authorization`, `Content-Type`, `Cookie`,
/// `Forwarded`, `Host`, `Origin`, `Sec-Fetch-Site`, `Transfer-Encoding`, `X-Forwarded-For` and `X-Real-IP`.
///
/// The program installs it. An app that embeds the crate installs it before it builds a Rocket, since Rocket
/// otherwise installs its own logger. The maximum level must be at least `Warn`:
///
/// ```
/// # struct Mine;
/// # impl log::Log for Mine {
/// #     fn enabled(&self, _: &log::Metadata) -> bool { true }
/// #     fn log(&self, _: &log::Record) {}
/// #     fn flush(&self) {}
/// # }
/// use countersign::web::HeaderWatch;
///
/// log::set_boxed_logger(Box::new(HeaderWatch::before(Mine)))?;
/// log::set_max_level(log::LevelFilter::Info);
/// # Ok::<(), log::SetLoggerError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderWatch<L>(L);

impl<L: Log> HeaderWatch<L> {
    /// Returns a logger that inspects each record and passes it to `logger`.
    pub fn before(logger: L) -> Self {
        Self(logger)
    }
}

impl<L: Log> Log for HeaderWatch<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() == Level::Warn {
            match record.target() {
                "rocket::request::request" => note(&record.args().to_string()),
                // Rocket refuses this request itself, so no fairing removes the entry.
                "rocket::server" if record.args().as_str() == Some("Bad incoming HTTP request.") => {
                    of_this_request();
                }
                _ => {}
            }
        }
        self.0.log(record);
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Adds an entry for this task if the text is Rocket's warning about a dropped header.
fn note(text: &str) {
    let name = text.strip_prefix("Header '").and_then(|text| text.strip_suffix("' contains invalid UTF-8"));
    let needed = name.and_then(|name| NEEDED.iter().find(|(needed, _)| *needed == name));
    let (Some((_, sentence)), Some(task)) = (needed, task::try_id()) else { return };
    let mut dropped = DROPPED.lock().unwrap_or_else(PoisonError::into_inner);
    dropped.entry(task).or_insert(sentence);
    if dropped.len() > MOST {
        dropped.pop_first();
    }
    COUNT.store(dropped.len(), Ordering::Release);
}

/// Returns the sentence for a header that was dropped from this task's request, and removes the entry.
pub(super) fn of_this_request() -> Option<&'static str> {
    if COUNT.load(Ordering::Acquire) == 0 {
        return None;
    }
    let mut dropped = DROPPED.lock().unwrap_or_else(PoisonError::into_inner);
    let sentence = dropped.remove(&task::try_id()?);
    COUNT.store(dropped.len(), Ordering::Release);
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use rocket::tokio;
    use std::fmt;

    /// Passes nothing on.
    struct Nowhere;

    impl Log for Nowhere {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, _: &Record<'_>) {}

        fn flush(&self) {}
    }

    fn log(level: Level, target: &str, text: fmt::Arguments<'_>) {
        let record = Record::builder().level(level).target(target).args(text).build();
        HeaderWatch::before(Nowhere).log(&record);
    }

    fn drops(name: &str) {
        log(Level::Warn, "rocket::request::request", format_args!("Header '{name}' contains invalid UTF-8"));
    }

    /// In a task of its own, as a request is.
    async fn in_task<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::spawn(async { work() }).await.expect("it ends")
    }

    #[rocket::async_test]
    async fn what_is_dropped_is_told_once_and_to_the_same_request() {
        let noted = in_task(|| {
            drops("cookie");
            drops("authorization");
            (of_this_request(), of_this_request())
        });
        assert_eq!(noted.await, (Some("The header Cookie is not UTF-8"), None));
        assert_eq!(in_task(of_this_request).await, None, "another request");
    }

    #[rocket::async_test]
    async fn what_may_be_lost_or_is_said_by_others_is_not_noted() {
        let noted = in_task(|| {
            drops("user-agent");
            log(
                Level::Info,
                "rocket::request::request",
                format_args!("Header 'cookie' contains invalid UTF-8"),
            );
            log(Level::Warn, "rocket::server", format_args!("Header 'cookie' contains invalid UTF-8"));
            of_this_request()
        });
        assert_eq!(noted.await, None);
    }

    #[rocket::async_test]
    async fn a_request_that_rocket_refuses_leaves_nothing_behind() {
        let noted = in_task(|| {
            drops("cookie");
            log(Level::Warn, "rocket::server", format_args!("Bad incoming HTTP request."));
            of_this_request()
        });
        assert_eq!(noted.await, None);
    }
}

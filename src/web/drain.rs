//! The time between being told to end and ending, in which load balancers come to notice.

use rocket::{Build, Orbit, Response, Rocket, http::Header};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

/// Whether this server is about to end. Clones are one.
#[derive(Clone, Default)]
pub(super) struct Drain {
    begun: Arc<AtomicBool>,
    /// For how long it goes on serving after SIGTERM; zero: Rocket ends it.
    period: Duration,
}

impl Drain {
    /// From now on it is.
    pub(super) fn begin(&self) {
        self.begun.store(true, Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Relaxed)
    }

    /// Whoever would send another request on this connection is to make a new one, which leads to a
    /// server that stays, or is refused, so that the request can go to another.
    pub(super) fn part(&self, response: &mut Response<'_>) {
        if self.has_begun() && !response.headers().contains("Upgrade") {
            response.set_header(Header::new("Connection", "close"));
        }
    }
}

/// Takes SIGTERM over from Rocket, if the server is to go on for a while after it.
pub(super) fn prepare(rocket: Rocket<Build>, period: Duration) -> Rocket<Build> {
    let (rocket, is_ours) = if period.is_zero() { (rocket, false) } else { signals::take(rocket) };
    rocket.manage(Drain { period: if is_ours { period } else { Duration::ZERO }, ..Drain::default() })
}

/// On SIGTERM goes on serving for the period, and then ends; at once when it is told a second time.
pub(super) fn follow(rocket: &Rocket<Orbit>) {
    if let Some(drain) = rocket.state::<Drain>().filter(|drain| !drain.period.is_zero()) {
        signals::follow(drain.clone(), rocket.shutdown());
    }
}

#[cfg(unix)]
mod signals {
    use super::Drain;
    use rocket::{
        Build, Config, Rocket, Shutdown,
        config::{self, Sig},
        tokio::{
            self,
            signal::unix::{SignalKind, signal},
        },
    };
    use std::collections::HashSet;

    /// Says whether it was Rocket's. Where the application has decided otherwise, it stays so.
    pub(super) fn take(rocket: Rocket<Build>) -> (Rocket<Build>, bool) {
        let key = format!("{}.signals", Config::SHUTDOWN);
        let mut ending: HashSet<Sig> = match rocket.figment().extract_inner(&key) {
            Ok(ending) => ending,
            Err(error) if error.missing() => config::Shutdown::default().signals,
            // Rocket says best what is wrong with it.
            Err(_) => return (rocket, false),
        };
        if !ending.remove(&Sig::Term) {
            return (rocket, false);
        }
        let figment = rocket.figment().clone().merge((key, ending));
        (rocket.configure(figment), true)
    }

    pub(super) fn follow(drain: Drain, mut end: Shutdown) {
        let mut terminations = match signal(SignalKind::terminate()) {
            Ok(terminations) => terminations,
            Err(error) => return tracing::error!("SIGTERM ends the server at once: {error}"),
        };
        tokio::spawn(async move {
            tokio::select! {
                _ = terminations.recv() => {}
                () = &mut end => return,
            }
            drain.begin();
            tracing::info!("SIGTERM: no longer ready, and serving for {} s more", drain.period.as_secs());
            tokio::select! {
                () = tokio::time::sleep(drain.period) => {}
                _ = terminations.recv() => tracing::info!("SIGTERM again: ending now"),
                () = &mut end => return,
            }
            end.notify();
        });
    }
}

#[cfg(not(unix))]
mod signals {
    use super::Drain;
    use rocket::{Build, Rocket, Shutdown};

    pub(super) fn take(rocket: Rocket<Build>) -> (Rocket<Build>, bool) {
        (rocket, false)
    }

    pub(super) fn follow(_: Drain, _: Shutdown) {}
}

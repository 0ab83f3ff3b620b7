//! `/metrics` on an address of its own, and `/health/ready` with its details.

use super::{Metrics, metrics};
use crate::web::{catcher, health, strict_http::StrictHttp};
use rocket::{
    Build, Config, Rocket, Shutdown,
    config::{self, Ident},
    error::ErrorKind,
    fairing::AdHoc,
    routes,
    tokio::{self, sync::oneshot},
};
use std::{io, net::SocketAddr, sync::Mutex};

/// A small Rocket beside the application's, which ends with it.
pub(in crate::web) struct Listener {
    /// Where it listens.
    pub(in crate::web) address: SocketAddr,
    end: Mutex<Option<Shutdown>>,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub(in crate::web) async fn start(address: SocketAddr, metrics: Metrics) -> io::Result<Self> {
        let (tell, up) = oneshot::channel();
        let rocket = rocket(address, metrics).attach(AdHoc::on_liftoff("Metrics are up", |rocket| {
            Box::pin(async move {
                let Config { address, port, .. } = rocket.config();
                let _ = tell.send((SocketAddr::new(*address, *port), rocket.shutdown()));
            })
        }));
        let launch = tokio::spawn(rocket.launch());
        if let Ok((address, end)) = up.await {
            return Ok(Self { address, end: Mutex::new(Some(end)) });
        }
        // It has ended without lifting off.
        Err(match launch.await {
            Ok(Err(error)) => match error.kind() {
                ErrorKind::Bind(error) | ErrorKind::Io(error) => {
                    io::Error::new(error.kind(), error.to_string())
                }
                kind => io::Error::other(kind.to_string()),
            },
            _ => io::Error::other("it ended at once"),
        })
    }

    pub(in crate::web) fn end(&self) {
        if let Ok(mut end) = self.end.lock()
            && let Some(end) = end.take()
        {
            end.notify();
        }
    }
}

impl Drop for Listener {
    /// For a launch that fails later.
    fn drop(&mut self) {
        self.end();
    }
}

fn rocket(address: SocketAddr, metrics: Metrics) -> Rocket<Build> {
    let mut shutdown = config::Shutdown { ctrlc: false, grace: 1, mercy: 1, ..Default::default() };
    #[cfg(unix)]
    shutdown.signals.clear();
    let config = Config {
        address: address.ip(),
        port: address.port(),
        ident: Ident::none(),
        ip_header: None,
        cli_colors: false,
        shutdown,
        ..Config::default()
    };
    let rocket = rocket::custom(config).attach(StrictHttp).mount("/", routes![metrics, health::ready]);
    let health = metrics.0.health.detailed();
    catcher::register(rocket).manage(metrics).manage(health)
}

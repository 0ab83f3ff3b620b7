//! Removes what is no longer needed, as long as the server runs and its clock is right.

use super::clocks::Clocks;
use crate::{
    grant::Authority,
    store::{StoreError, causes},
};
use rocket::tokio;
use std::{convert::Infallible, time::Duration};

const EVERY: Duration = Duration::from_secs(60);

/// Each kind has a loop of its own, so that none waits for another that is slow or fails.
pub(super) async fn run(authority: &Authority) {
    let Authority { revocations, throttle, audit, audit_retention, keys, .. } = authority;
    let clocks = &Clocks::of(authority);
    tokio::join!(
        repeat("ended sessions", clocks, || revocations.purge_sessions()),
        repeat("old revocations", clocks, || revocations.trim()),
        repeat("old attempts to log in", clocks, || throttle.purge()),
        repeat("old lines of the audit log", clocks, || audit.forget(*audit_retention)),
        repeat("cached keys", clocks, || {
            keys.forget();
            std::future::ready(Ok(0))
        }),
    );
}

async fn repeat<R>(what: &'static str, clocks: &Clocks, remove: impl Fn() -> R) -> Infallible
where
    R: Future<Output = Result<u64, StoreError>>,
{
    loop {
        tokio::time::sleep(EVERY).await;
        let removed = match clocks.agree().await {
            Ok(true) => remove().await,
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        match removed {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "{what} removed"),
            Err(error) => tracing::error!("{what} could not be removed: {}", causes(&error)),
        }
    }
}

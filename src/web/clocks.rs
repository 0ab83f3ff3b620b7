//! Whether this server may go by its clock.

use crate::{
    clock::Clock,
    grant::Authority,
    store::{MAX_DIFFERENCE, StoreError, Stores},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The clocks of this server and of its stores. A server whose clock is wrong would remove what has
/// not expired.
pub(super) struct Clocks {
    stores: Stores,
    clock: Arc<dyn Clock>,
    have_differed: AtomicBool,
}

impl Clocks {
    pub(super) fn of(authority: &Authority) -> Self {
        let (stores, clock) = (authority.stores.clone(), authority.clock.clone());
        Self { stores, clock, have_differed: AtomicBool::new(false) }
    }

    /// Returns whether they agree; logs it when they no longer do, and when they do again.
    pub(super) async fn agree(&self) -> Result<bool, StoreError> {
        let apart = self.stores.clock_difference(&*self.clock).await?;
        let differ = apart > MAX_DIFFERENCE;
        match (self.have_differed.swap(differ, Ordering::Relaxed), differ) {
            (false, true) => tracing::error!(
                "the clocks of this machine and of a store are {} s apart: until they agree, this server is \
                 not ready, removes nothing and rotates no keys; set the clocks (NTP)",
                apart.as_secs()
            ),
            (true, false) => tracing::info!("the clocks agree again"),
            _ => {}
        }
        Ok(!differ)
    }
}

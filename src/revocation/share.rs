//! Handing on what was revoked to those who have no store of their own.

use super::{Page, Revocations};
use crate::store::StoreError;

impl Revocations {
    /// The store's list at and behind `from`, 5,000 lines at most.
    pub async fn page(&self, from: u64) -> Result<Page, StoreError> {
        let mut page = self.read(from).await?;
        if page.list.epoch != self.follower.epoch() {
            // If nobody has, this process begins the epoch before others hear of it.
            self.catch_up().await?;
            page = self.read(from).await?;
        }
        if page.list.epoch == 0 { Err(StoreError::Forgetful) } else { Ok(page) }
    }

    /// Waits until this process has heard of more than this page says, without asking the store.
    pub async fn outdated(&self, page: &Page) {
        let (epoch, end) = (page.list.epoch, page.end());
        let mut heard = self.follower.heard.subscribe();
        // An error would say that nobody can hear any more; but `self` is still here.
        let _ = heard.wait_for(|heard| heard.epoch != epoch || heard.position() > end).await;
    }
}

//! Whether the clocks of this machine and of the stores agree.

use super::{StoreError, Stores};
use crate::clock::Clock;
use std::time::Duration;

/// How far a server's clock and a store's may be apart. Beyond it a server does not start, is not
/// ready, removes nothing and rotates no keys: all of that goes by its clock.
pub const MAX_DIFFERENCE: Duration = Duration::from_secs(60);

impl Stores {
    /// Returns by how many whole seconds `clock` and the clocks of the stores differ: the most of any
    /// of them; zero if none has a clock of its own.
    pub async fn clock_difference(&self, clock: &dyn Clock) -> Result<Duration, StoreError> {
        let users = difference(clock, self.users.own_clock()).await?;
        if self.are_one() {
            return Ok(users);
        }
        Ok(users.max(difference(clock, self.sessions.own_clock()).await?))
    }
}

/// A store that takes long to answer does not make the clocks differ: its time was taken at some
/// moment in between.
async fn difference(
    clock: &dyn Clock,
    own_clock: impl Future<Output = Result<Option<u64>, StoreError>>,
) -> Result<Duration, StoreError> {
    let (asked_at, began_at) = (clock.now(), clock.monotonic());
    let Some(own) = own_clock.await? else { return Ok(Duration::ZERO) };
    let latest = asked_at.plus(clock.monotonic().saturating_sub(began_at)).0;
    let own = own / 1_000;
    Ok(Duration::from_secs(asked_at.0.saturating_sub(own).max(own.saturating_sub(latest))))
}

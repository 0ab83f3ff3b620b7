//! How many logins may fail before others have to wait.

use super::reader::Reader;
use crate::allowance::Allowance;
use std::time::Duration;

/// How many logins may fail, and what a device is remembered for that has logged in before.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginSettings {
    /// `LOGIN__LIMITS`: whether there are limits at all. The delays of all are `LOGIN__FIRST_DELAY` and
    /// `LOGIN__LONGEST_DELAY`.
    pub limited: bool,
    /// `LOGIN__ACCOUNT_FREE`, `LOGIN__ACCOUNT_PER_DAY`: failures on one account, and of each device that
    /// has logged in to it before.
    pub account: Allowance,
    /// `LOGIN__ADDRESS_FREE`, `LOGIN__ADDRESS_PER_DAY`: failures from one address.
    pub address: Allowance,
    /// `LOGIN__GLOBAL_FREE`, `LOGIN__GLOBAL_PER_DAY`: failures of everybody together.
    pub everybody: Allowance,
    /// `LOGIN__KNOWN_DEVICE`: how long a browser that has logged in is known, in whole seconds; zero:
    /// not at all.
    pub known_device: Duration,
}

pub(super) fn read(reader: &mut Reader) -> LoginSettings {
    const DAY: u64 = 86_400;
    let limited = reader.switch("login.limits");
    let first = reader.integer("login.first_delay", 1..=30 * DAY).unwrap_or(1);
    let longest = reader.integer("login.longest_delay", 1..=30 * DAY).unwrap_or(900);
    let mut number =
        |key, most, usual: u32| reader.integer(key, 1..=most).map_or(usual, |number| number as u32);
    let mut allowance = |free, per_day, usual: (u32, u32)| {
        let (free, per_day) = (number(free, 1_000_000, usual.0), number(per_day, 100_000_000, usual.1));
        Allowance::per_day(free, per_day, Duration::from_secs(first), Duration::from_secs(longest))
    };
    let account = allowance("login.account_free", "login.account_per_day", (5, 100));
    let address = allowance("login.address_free", "login.address_per_day", (100, 10_000));
    let everybody = allowance("login.global_free", "login.global_per_day", (10_000, 1_000_000));
    if [account, address, everybody].iter().any(|allowance| allowance.longest < allowance.forgets) {
        reader.problem(
            "login.longest_delay",
            "must be at least the 86400 seconds of a day divided by each of LOGIN__ACCOUNT_PER_DAY, \
             LOGIN__ADDRESS_PER_DAY and LOGIN__GLOBAL_PER_DAY, or more would get through than these say",
        );
    }
    if longest < first {
        reader.problem("login.first_delay", "must not be longer than LOGIN__LONGEST_DELAY");
    }
    let known_device = reader.integer("login.known_device", 0..=400 * DAY).unwrap_or(180 * DAY);
    LoginSettings {
        limited: limited.unwrap_or(true),
        account,
        address,
        everybody,
        known_device: Duration::from_secs(known_device),
    }
}

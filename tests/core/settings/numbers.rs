//! Settings that are numbers: what each is when it is not set, as the README says, and how far it goes.

use super::{KEY, load, refused};
use countersign::{allowance::Allowance, config::Settings};
use std::{collections::BTreeMap, time::Duration};

const DAY: u64 = 86_400;

type Others = &'static [(&'static str, &'static str)];

struct Number {
    name: &'static str,
    least: u64,
    most: u64,
    /// What is set beside the least and beside the greatest value, so that nothing contradicts them.
    beside: [Others; 2],
    of: fn(&Settings) -> u64,
}

const fn number(name: &'static str, least: u64, most: u64, of: fn(&Settings) -> u64) -> Number {
    Number { name, least, most, beside: [&[], &[]], of }
}

impl Number {
    const fn beside(self, least: Others, most: Others) -> Self {
        Self { beside: [least, most], ..self }
    }
}

fn per_day(allowance: Allowance) -> u64 {
    Duration::from_secs(DAY).div_duration_f64(allowance.forgets).round() as u64
}

const LONG_DELAY: Others = &[("COUNTERSIGN_LOGIN__LONGEST_DELAY", "86400")];
const MANY_A_DAY: Others =
    &[("COUNTERSIGN_LOGIN__ACCOUNT_PER_DAY", "86400"), ("COUNTERSIGN_LOGIN__ADDRESS_PER_DAY", "86400")];

const NUMBERS: [Number; 32] = [
    number("COUNTERSIGN_KEYS__PERIOD", 0, 3_650 * DAY, |settings| {
        settings.keys.period.unwrap_or_default().as_secs()
    }),
    number("COUNTERSIGN_KEYS__ANNOUNCE", 1, 30 * DAY, |settings| settings.keys.announce.as_secs())
        .beside(&[("COUNTERSIGN_KEYS__MAX_AGE", "1")], &[]),
    number("COUNTERSIGN_KEYS__MAX_AGE", 1, DAY, |settings| settings.keys.max_age.as_secs())
        .beside(&[], &[("COUNTERSIGN_KEYS__ANNOUNCE", "86400")]),
    number("COUNTERSIGN_STORE__DEADLINE_MS", 50, 30_000, |settings| {
        settings.store.deadline.as_millis() as u64
    }),
    number("COUNTERSIGN_STORE__CONNECTIONS", 1, 500, |settings| settings.store.connections.into()),
    number("COUNTERSIGN_REVOCATION__MAX_STALENESS", 1, DAY, |settings| {
        settings.revocation.max_staleness.as_secs()
    }),
    number("COUNTERSIGN_ACCESS_TTL", 30, DAY, |settings| settings.access.max_lifetime.as_secs()),
    number("COUNTERSIGN_LEEWAY", 0, 60, |settings| settings.access.leeway.as_secs()),
    number("COUNTERSIGN_REFRESH__IDLE", 60, 400 * DAY, |settings| settings.refresh.idle.as_secs())
        .beside(&[], &[("COUNTERSIGN_REFRESH__ABSOLUTE", "34560000")]),
    number("COUNTERSIGN_REFRESH__ABSOLUTE", 60, 400 * DAY, |settings| settings.refresh.absolute.as_secs())
        .beside(&[("COUNTERSIGN_REFRESH__IDLE", "60")], &[]),
    number("COUNTERSIGN_REFRESH__GRACE", 0, 300, |settings| settings.refresh.grace.as_secs()),
    number("COUNTERSIGN_REFRESH__SESSIONS_PER_USER", 1, 10_000, |settings| {
        settings.refresh.sessions_per_user.into()
    }),
    number("COUNTERSIGN_PASSWORD__MEMORY_KIB", 7_168, 262_144, |settings| {
        settings.password.params.memory_kib().into()
    })
    .beside(&[("COUNTERSIGN_PASSWORD__ITERATIONS", "5")], &[]),
    number("COUNTERSIGN_PASSWORD__ITERATIONS", 1, 64, |settings| {
        settings.password.params.iterations().into()
    })
    .beside(&[("COUNTERSIGN_PASSWORD__MEMORY_KIB", "35840")], &[]),
    number("COUNTERSIGN_PASSWORD__LANES", 1, 16, |settings| settings.password.params.lanes().into()),
    number("COUNTERSIGN_PASSWORD__PERMITS", 1, 1_024, |settings| settings.password.permits as u64),
    number("COUNTERSIGN_PASSWORD__QUEUE", 1, 65_536, |settings| settings.password.queue as u64),
    number("COUNTERSIGN_LOGIN__ACCOUNT_FREE", 1, 1_000_000, |settings| settings.login.account.free.into()),
    number("COUNTERSIGN_LOGIN__ACCOUNT_PER_DAY", 1, 100_000_000, |settings| per_day(settings.login.account))
        .beside(LONG_DELAY, &[]),
    number("COUNTERSIGN_LOGIN__ADDRESS_FREE", 1, 1_000_000, |settings| settings.login.address.free.into()),
    number("COUNTERSIGN_LOGIN__ADDRESS_PER_DAY", 1, 100_000_000, |settings| per_day(settings.login.address))
        .beside(LONG_DELAY, &[]),
    number("COUNTERSIGN_LOGIN__GLOBAL_FREE", 1, 1_000_000, |settings| settings.login.everybody.free.into()),
    number("COUNTERSIGN_LOGIN__GLOBAL_PER_DAY", 1, 100_000_000, |settings| per_day(settings.login.everybody))
        .beside(LONG_DELAY, &[]),
    number("COUNTERSIGN_LOGIN__FIRST_DELAY", 1, 30 * DAY, |settings| settings.login.account.first.as_secs())
        .beside(&[], &[("COUNTERSIGN_LOGIN__LONGEST_DELAY", "2592000")]),
    number("COUNTERSIGN_LOGIN__LONGEST_DELAY", 1, 30 * DAY, |settings| {
        settings.login.account.longest.as_secs()
    })
    .beside(MANY_A_DAY, &[]),
    number("COUNTERSIGN_LOGIN__KNOWN_DEVICE", 0, 400 * DAY, |settings| settings.login.known_device.as_secs()),
    number("COUNTERSIGN_RATE__SESSION_FREE", 1, 1_000_000, |settings| settings.rate.session.free.into()),
    number("COUNTERSIGN_RATE__SESSION_PER_DAY", 1, 100_000_000, |settings| per_day(settings.rate.session)),
    number("COUNTERSIGN_RATE__CLIENT_FREE", 1, 1_000_000, |settings| settings.rate.client.free.into()),
    number("COUNTERSIGN_RATE__CLIENT_PER_DAY", 1, 100_000_000, |settings| per_day(settings.rate.client)),
    number("COUNTERSIGN_AUDIT__RETENTION", DAY, 400 * DAY, |settings| settings.audit_retention.as_secs()),
    number("COUNTERSIGN_DRAIN", 0, 3_600, |settings| settings.drain.as_secs()),
];

/// The numbers that are in the README's table as what settings are when they are not set.
fn usual() -> BTreeMap<String, u64> {
    let rows =
        include_str!("../../../README.md").lines().filter_map(|line| line.strip_prefix("| `COUNTERSIGN_"));
    let named = rows.flat_map(|row| {
        let mut cells = row.split(" | ");
        let (names, usual) = (cells.next().expect("names"), cells.next().expect("what is usual"));
        let section = names.split("__").next().expect("a first part");
        let names: Vec<_> =
            names.split(", ").map(|name| name.replace("`…", section).replace('`', "")).collect();
        let usual = usual.split(" (").next().expect("a first part").split(", ");
        names.into_iter().zip(usual.map(str::to_owned)).collect::<Vec<_>>()
    });
    let number = |(name, usual): (String, String)| Some((format!("COUNTERSIGN_{name}"), usual.parse().ok()?));
    named.filter_map(number).collect()
}

#[test]
fn a_number_that_is_not_set_is_what_the_readme_says() {
    let settings = load("", "release", &[KEY]).expect("good settings");
    let numbers: BTreeMap<_, _> =
        NUMBERS.iter().map(|number| (number.name.to_owned(), (number.of)(&settings))).collect();
    let mut usual = usual();
    // A day is divided into whole milliseconds.
    for (_, number) in usual.iter_mut().filter(|(name, _)| name.ends_with("_PER_DAY")) {
        *number = per_day(Allowance::per_day(1, *number as u32, Duration::ZERO, Duration::ZERO));
    }
    let said: BTreeMap<_, _> = numbers.into_iter().filter(|(name, _)| usual.contains_key(name)).collect();
    assert_eq!(said, usual);
    assert_eq!(usual.len(), 30, "all but PERMITS and QUEUE, which depend on the machine");
    assert_eq!(settings.password.queue, 64 * settings.password.permits);
}

#[test]
fn a_number_goes_as_far_as_it_may_and_no_further() {
    for Number { name, least, most, beside, of } in &NUMBERS {
        let with = |value: u64, others: Others| {
            let value = value.to_string();
            load("", "release", &[&[KEY, (name, &*value)], others].concat())
        };
        let settings = with(*least, beside[0]).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert_eq!(of(&settings), *least, "{name}");
        let settings = with(*most, beside[1]).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        // What is shorter than a millisecond is one.
        if !name.ends_with("_PER_DAY") {
            assert_eq!(of(&settings), *most, "{name}");
        }
        let beyond = [least.checked_sub(1).map(|value| (value, beside[0])), Some((most + 1, beside[1]))];
        for (value, others) in beyond.into_iter().flatten() {
            let value = value.to_string();
            let problems = refused(&[&[(*name, &*value)], others].concat());
            assert!(
                problems.iter().any(|line| line.starts_with(&format!("{name}: "))),
                "{name}={value}: {problems:?}"
            );
        }
    }
}

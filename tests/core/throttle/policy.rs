//! The policy against a model of it, by names of what is counted.

use super::*;
use countersign::allowance::{Allowance, Attempts};
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Clone, Debug)]
struct Step {
    name: usize,
    address: usize,
    device: Option<usize>,
    outcome: Outcome,
    pause: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let pause = prop_oneof![8 => Just(0_u64), 3 => 0..5_u64, 1 => 0..4_000_u64];
    let outcome =
        prop_oneof![4 => Just(Outcome::Wrong), 1 => Just(Outcome::Right), 1 => Just(Outcome::Unknown)];
    (0..NAMES.len(), 0..ADDRESSES.len(), prop::option::weighted(0.3, 0..2_usize), outcome, pause)
        .prop_map(|(name, address, device, outcome, pause)| Step { name, address, device, outcome, pause })
}

const NAMES: [&str; 6] = ["ada", "eve", "bob", "joe", "kim", "no name"];

/// An address, and the blocks around it, the smallest first.
const ADDRESSES: [(&str, &[&str]); 6] = [
    ("192.0.2.1", &["four"]),
    ("192.0.2.2", &["other four"]),
    ("2001:db8:0:1::1", &["db8:0:1/64", "db8:0:0/56", "db8:0/48"]),
    ("2001:db8:0:2::1", &["db8:0:2/64", "db8:0:0/56", "db8:0/48"]),
    ("2001:db8:0:100::1", &["db8:0:100/64", "db8:0:100/56", "db8:0/48"]),
    ("2001:db8:1::1", &["db8:1:0/64", "db8:1:0/56", "db8:1/48"]),
];

/// What there is of everything, by a name of it.
#[derive(Default)]
struct Model(HashMap<String, Attempts>);

type At = (String, Allowance);

impl Model {
    fn of(&self, name: &str) -> Attempts {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Counts at all of these or at none; the place that has to wait longest.
    fn count(&mut self, at: &[At], now: u64) -> Result<(), String> {
        let waits = at.iter().map(|(name, allowance)| (self.of(name).wait(allowance, now), name));
        // The first of those that wait as long.
        if let Some((wait, name)) = waits.rev().max_by_key(|(wait, _)| *wait)
            && !wait.is_zero()
        {
            return Err(name.clone());
        }
        at.iter().for_each(|at| self.fail(at, now));
        Ok(())
    }

    fn fail(&mut self, (name, allowance): &At, now: u64) {
        self.0.insert(name.clone(), self.of(name).with_one(allowance, now));
    }

    fn take_back(&mut self, (name, allowance): &At, own: Attempts, now: u64) {
        self.0.insert(name.clone(), self.of(name).without(own, allowance, now));
    }
}

fn times(allowance: Allowance, times: u32) -> Allowance {
    Allowance { free: allowance.free * times, forgets: allowance.forgets / times, ..allowance }
}

fn one_in(seconds: u64, free: u32) -> Allowance {
    let every = Duration::from_secs(seconds);
    Allowance { free, first: every, forgets: every, longest: every }
}

proptest! {
    #[test]
    fn every_guess_is_answered_as_a_model_of_the_policy_says(steps in prop::collection::vec(step(), 1..200)) {
        // Of everybody one is forgotten every 100 s, of the reserve every 1000.
        let pairs = [
            ("COUNTERSIGN_LOGIN__ADDRESS_FREE", "7"),
            ("COUNTERSIGN_LOGIN__GLOBAL_FREE", "15"),
            ("COUNTERSIGN_LOGIN__GLOBAL_PER_DAY", "864"),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let scene = runtime.block_on(Scene::set(&pairs));
        let allowed = settings(&pairs).login;
        let (reserve, unclean) = (("reserve".to_owned(), one_in(1_000, 10)), one_in(10_000, 1));
        let mut model = Model::default();
        for Step { name, address, device, outcome, pause } in steps {
            scene.wait(pause);
            let now = scene.clock.now_ms();
            let (username, (from, blocks)) = (NAMES[name], ADDRESSES[address]);
            let id = device.map(|device| DeviceId::from_bytes([device as u8; 16]));
            let found = runtime.block_on(scene.guess(Guesser { device: id, ..guesser(username, from) }, outcome));

            let is_name = username != "no name";
            let own_device = device.filter(|_| is_name).map(|device| format!("device {device} of {username}"));
            let local: Vec<_> = is_name.then(|| (format!("account {username}"), allowed.account)).into_iter()
                .chain(blocks.iter().zip([1, 4, 16]).map(|(block, growth)| (block.to_string(), times(allowed.address, growth))))
                .collect();
            let unclean = (format!("unclean {}", blocks[blocks.len() - 1]), unclean);
            let of_account = is_name.then(|| (format!("{username} from {}", blocks[0]), allowed.account));
            let with = |more: &[At]| [&local[..], more].concat();
            // What the guess counts at, and what it counts at if it fails.
            let mut counted = None;
            if let Some(own) = own_device {
                let at = vec![(own.clone(), allowed.account)];
                if model.count(&at, now).is_ok() {
                    counted = Some((at, vec![(format!("{own} failed"), allowed.account)]));
                }
            }
            let mut refused = None;
            if counted.is_none() {
                let usual = with(&[("global".into(), allowed.everybody)]);
                let clean = with(&[reserve.clone(), unclean.clone()]);
                let failures = |more: Option<At>| of_account.clone().into_iter().chain(more).collect();
                match model.count(&usual, now) {
                    Ok(()) => counted = Some((usual, failures(Some(unclean)))),
                    Err(limit) if limit == "global" => match model.count(&clean, now) {
                        Ok(()) => counted = Some((clean, failures(None))),
                        Err(limit) => refused = Some(limit),
                    },
                    Err(limit) => refused = Some(limit),
                }
            }
            let limit = refused.map(|limit| match limit.split(' ').next() {
                Some("account") => "account",
                Some("global" | "reserve" | "unclean") => "global",
                _ => "address",
            });
            prop_assert_eq!(found.err().map(|many| many.limit), limit);
            let Some((at, failures)) = counted else { continue };
            match outcome {
                Outcome::Wrong => failures.iter().for_each(|at| model.fail(at, now)),
                Outcome::Unknown => at.iter().for_each(|at| model.take_back(at, Attempts::default(), now)),
                Outcome::Right => {
                    // The first is where failures are made up for, if the account has a name.
                    let own = failures.first().filter(|_| is_name).and_then(|(name, _)| model.0.remove(name));
                    for (nth, at) in at.iter().enumerate() {
                        let own = own.filter(|_| nth == 0).unwrap_or_default();
                        model.take_back(at, own, now);
                    }
                }
            }
        }
    }
}

//! The policy against a model of it: a list of every failure.

use super::*;
use countersign::allowance::{Allowance, Attempts};
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Clone, Debug)]
struct Step {
    name: usize,
    address: usize,
    device: Option<usize>,
    outcome: usize,
    pause: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let pause = prop_oneof![4 => Just(0_u64), 3 => 0..5_u64, 1 => 0..4_000_u64];
    (0..4_usize, 0..3_usize, prop::option::of(0..2_usize), 0..6_usize, pause)
        .prop_map(|(name, address, device, outcome, pause)| Step { name, address, device, outcome, pause })
}

const NAMES: [&str; 4] = ["ada", "eve", "bob", "no name"];

/// What there is of everything, by a name of it.
#[derive(Default)]
struct Model(HashMap<String, Attempts>);

impl Model {
    /// Counts at all of these or at none; `false`: somewhere one has to wait.
    fn count(&mut self, at: &[(String, Allowance)], now: UnixTime) -> bool {
        let more = at.iter().map(|(name, allowance)| {
            self.0.get(name).copied().unwrap_or_default().another(allowance, now).ok()
        });
        let Some(more) = more.collect::<Option<Vec<_>>>() else { return false };
        self.0.extend(at.iter().map(|(name, _)| name.clone()).zip(more));
        true
    }
}

proptest! {
    #[test]
    fn every_guess_is_answered_as_a_model_of_the_policy_says(steps in prop::collection::vec(step(), 1..150)) {
        let pairs = [("COUNTERSIGN_LOGIN__ADDRESS_FREE", "12"), ("COUNTERSIGN_LOGIN__GLOBAL_FREE", "25")];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let scene = runtime.block_on(Scene::set(&pairs));
        let allowed = settings(&pairs).login;
        let mut model = Model::default();
        for Step { name, address, device, outcome, pause } in steps {
            scene.wait(pause);
            let now = scene.clock.now();
            let (username, outcome) = (NAMES[name], [Outcome::Wrong, Outcome::Right, Outcome::Unknown][outcome.saturating_sub(3)]);
            let id = device.map(|device| DeviceId::from_bytes([device as u8; 16]));
            let from = IpAddr::from([192, 0, 2, address as u8]);
            let found = runtime.block_on(scene.guess(Guesser { username, address: Some(from), device: id }, outcome));

            let is_name = username != "no name";
            let own = device.filter(|_| is_name).map(|device| format!("device {device} of {username}"));
            let usual: Vec<_> = is_name.then(|| (format!("account {username}"), allowed.account)).into_iter()
                .chain([(format!("address {address}"), allowed.address), ("all".into(), allowed.everybody)])
                .collect();
            let counted = match own.map(|own| vec![(own, allowed.account)]) {
                Some(own) if model.count(&own, now) => Some(own),
                _ if model.count(&usual, now) => Some(usual),
                _ => None,
            };
            prop_assert_eq!(found.is_ok(), counted.is_some());
            for (at, (name, allowance)) in counted.into_iter().flatten().enumerate() {
                let kept = model.0[&name];
                match outcome {
                    Outcome::Wrong => {}
                    Outcome::Right if at == 0 && is_name => drop(model.0.remove(&name)),
                    _ => drop(model.0.insert(name, kept.without_one(&allowance, now))),
                }
            }
        }
    }
}

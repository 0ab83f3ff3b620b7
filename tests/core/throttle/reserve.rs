//! The global limit, and who gets through at it.

use super::*;
use proptest::prelude::*;

/// What an attacker does from one /48.
#[derive(Clone, Debug)]
struct Step {
    network: u16,
    name: u8,
    /// `None`: it stays in flight.
    outcome: Option<Outcome>,
    pause: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        6 => Just(Some(Outcome::Wrong)),
        1 => Just(Some(Outcome::Right)),
        1 => Just(Some(Outcome::Unknown)),
        2 => Just(None),
    ];
    let pause = prop_oneof![20 => Just(0_u64), 2 => 0..3_u64, 1 => 0..2_000_u64];
    (any::<u16>(), any::<u8>(), outcome, pause).prop_map(|(network, name, outcome, pause)| Step {
        network,
        name,
        outcome,
        pause,
    })
}

/// One /48 alone comes to the global limit.
const WEAK: &[(&str, &str)] = &[
    ("COUNTERSIGN_LOGIN__ADDRESS_FREE", "1000"),
    ("COUNTERSIGN_LOGIN__GLOBAL_FREE", "20"),
    ("COUNTERSIGN_LOGIN__GLOBAL_PER_DAY", "864"),
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

proptest! {
    #[test]
    fn whatever_one_network_does_others_log_in(steps in prop::collection::vec(step(), 1..150)) {
        runtime().block_on(async {
            let scene = Scene::set(WEAK).await;
            let mut in_flight = vec![];
            for (at, Step { network, name, outcome, pause }) in steps.into_iter().enumerate() {
                scene.wait(pause);
                let (name, address) = (format!("attacked{name}"), format!("2001:db8:0:{network:x}::1"));
                if let Ok(guess) = scene.throttle.login(guesser(&name, &address)).await {
                    match outcome {
                        Some(outcome) => scene.throttle.end(guess, outcome).await,
                        None => in_flight.push(guess),
                    }
                }
                for clean in ["192.0.2.1", "2001:db8:1::1"] {
                    let answer = scene.guess(guesser("ada", clean), Outcome::Right).await;
                    prop_assert_eq!(answer, Ok(()), "step {} from {}", at, clean);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn whatever_many_addresses_do_the_hashes_are_bounded(
        addresses in prop_oneof![Just(30_u32), Just(1_000), Just(1 << 24)],
        pauses in prop::collection::vec(prop_oneof![10 => Just(0_u64), 5 => 0..20_u64, 1 => 0..20_000_u64], 1..60),
    ) {
        runtime().block_on(async {
            let scene = Scene::set(WEAK).await;
            let (mut guesses, mut seconds, mut at) = (0_u32, 0, 0_u32);
            for pause in pauses {
                scene.wait(pause);
                seconds += pause;
                for _ in 0..20 {
                    at += 1;
                    let address = format!("10.{}", (at % addresses).to_be_bytes()[1..].iter().map(u8::to_string).collect::<Vec<_>>().join("."));
                    guesses += u32::from(scene.wrong(&format!("user{at}"), &address).await.is_ok());
                }
            }
            // As `allowance` says, of the global limit and of the reserve.
            let most = (20.0 + 900_f64.log2() + 2.0 + seconds as f64 / 100.0) + (10.0 + 2.0 + seconds as f64 / 1_000.0);
            prop_assert!(f64::from(guesses) <= most, "{} > {}", guesses, most);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn at_the_global_limit_a_block_has_one_failure_in_a_while_and_right_logins_cost_nothing() {
    let scene = Scene::set(WEAK).await;
    for at in 0..20 {
        scene.wrong(&format!("user{at}"), "2001:db8::1").await.expect("free");
    }
    assert_eq!(waits(scene.wrong("user", "2001:db8:0:ffff::1").await).0, "global", "it has failed");
    for _ in 0..50 {
        scene.guess(guesser("ada", "192.0.2.1"), Outcome::Right).await.expect("clean");
        scene.guess(guesser("ada", "192.0.2.1"), Outcome::Unknown).await.expect("clean");
    }
    scene.wrong("ada", "192.0.2.1").await.expect("clean so far");
    assert_eq!(waits(scene.guess(guesser("ada", "192.0.2.1"), Outcome::Right).await).0, "global");
    for at in 0..9 {
        scene.wrong(&format!("user{at}"), &format!("198.51.100.{at}")).await.expect("of the reserve");
    }
    let empty = scene.guess(guesser("eve", "203.0.113.1"), Outcome::Right).await;
    assert_eq!(waits(empty).0, "global", "the reserve is bounded too");
    scene.wait(1_000);
    for at in 0..20 {
        // Comes to the global limit again, if one has to wait for it.
        let _ = scene.wrong(&format!("again{at}"), "2001:db8::1").await;
    }
    scene.guess(guesser("eve", "203.0.113.1"), Outcome::Right).await.expect("and fills again");
}

#[tokio::test]
async fn blocks_of_an_address_have_allowances_that_grow() {
    let few = [("COUNTERSIGN_LOGIN__ADDRESS_FREE", "2")];
    // From how many networks of their own how many guesses are free.
    for (networks, most) in [
        (&[0_u16, 0] as &[u16], 2),
        (&[0, 1, 2, 3, 4, 5], 8),
        (&[0, 0x100, 0x200, 0x300, 0x400, 0x500, 0x600, 0x700, 0x800, 0x900], 20),
        (&(0..100).map(|at| at << 8).collect::<Vec<_>>(), 32),
    ] {
        let (scene, mut guesses) = (Scene::set(&few).await, 0);
        for network in networks.iter().chain(networks) {
            let address = format!("2001:db8:0:{network:x}::1");
            match scene.wrong(&format!("user{guesses}"), &address).await {
                Ok(()) => guesses += 1,
                Err(many) => assert_eq!(many.limit, "address"),
            }
        }
        assert_eq!(guesses, most, "{networks:?}");
        scene.wrong("ada", "2001:db8:1::1").await.expect("another's");
    }
}

#[tokio::test]
async fn passwords_that_cannot_be_right_count_at_their_address_alone() {
    let scene =
        Scene::set(&[("COUNTERSIGN_LOGIN__ADDRESS_FREE", "9"), ("COUNTERSIGN_LOGIN__GLOBAL_FREE", "3")])
            .await;
    let impossible = async |address: &str| {
        scene.throttle.impossible_login(Some(address.parse().expect("an address"))).await.is_ok()
    };
    for _ in 0..9 {
        assert!(impossible("2001:db8::1").await);
    }
    assert!(!impossible("2001:db8::2").await);
    assert_eq!(waits(scene.wrong("ada", "2001:db8::3").await), ("address", 1));
    for at in 0..3 {
        scene.wrong(&format!("user{at}"), "192.0.2.1").await.expect("nothing counted globally");
    }
    assert_eq!(waits(scene.wrong("user", "192.0.2.1").await), ("global", 1));
}

//! What a correct login forgets, and what it leaves.

use super::*;

#[tokio::test]
async fn a_correct_login_forgets_the_failures_of_its_own_address_alone() {
    let scene = Scene::set(&[]).await;
    for _ in 0..3 {
        scene.wrong("ada", "192.0.2.66").await.expect("free");
    }
    for _ in 0..4 {
        scene.wrong("ada", "192.0.2.1").await.expect("free");
        scene.guess(guesser("ada", "192.0.2.1"), Outcome::Right).await.expect("right");
    }
    for _ in 0..2 {
        scene.wrong("ada", "192.0.2.66").await.expect("free");
    }
    assert_eq!(waits(scene.wrong("ada", "192.0.2.66").await), ("account", 1));
}

#[tokio::test]
async fn a_right_user_gives_attackers_no_more_guesses() {
    for is_somebody in [true, false] {
        let scene = Scene::set(&[]).await;
        let mut guesses = 0;
        for at in 0..96 {
            guesses += u32::from(scene.wrong("ada", &format!("198.51.100.{at}")).await.is_ok());
            if is_somebody {
                // Refused while others attack, unless it is a device that is known.
                let _ = scene.guess(guesser("ada", "192.0.2.1"), Outcome::Right).await;
                let device = Some(DeviceId::from_bytes([7; 16]));
                let known = Guesser { device, ..guesser("ada", "192.0.2.1") };
                scene.guess(known, Outcome::Right).await.expect("a known device");
            }
        }
        assert_eq!(guesses, 5, "whether somebody logs in: {is_somebody}");
    }
}

#[tokio::test]
async fn a_correct_login_leaves_those_that_are_in_flight_counted() {
    for device in [None, Some(DeviceId::from_bytes([7; 16]))] {
        let scene = Scene::set(&[]).await;
        let ada = Guesser { device, ..guesser("ada", "192.0.2.1") };
        let mut in_flight = vec![];
        while let Ok(guess) = scene.throttle.login(ada).await {
            in_flight.push(guess);
        }
        let all = in_flight.len();
        assert_eq!(all, if device.is_some() { 10 } else { 5 }, "the device's, then the account's");
        for _ in 0..20 {
            scene.throttle.end(in_flight.remove(0), Outcome::Right).await;
            let next = scene.throttle.login(ada).await.expect("in its place");
            in_flight.push(next);
            assert!(scene.throttle.login(ada).await.is_err(), "no more than {all} are in flight");
        }
    }
}

#[tokio::test]
async fn logins_in_flight_whose_server_ended_are_forgotten_like_failures() {
    let scene = Scene::set(&[]).await;
    for _ in 0..5 {
        drop(scene.throttle.login(guesser("ada", "192.0.2.1")).await.expect("free"));
    }
    assert_eq!(waits(scene.guess(guesser("ada", "192.0.2.1"), Outcome::Right).await), ("account", 1));
    scene.wait(5 * 864);
    for _ in 0..5 {
        scene.wrong("ada", "192.0.2.1").await.expect("forgotten");
    }
}

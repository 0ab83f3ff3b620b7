//! Devices that are known.

use super::*;
use countersign::{
    jwt::{HmacSecret, KeyRing, SigningKey},
    session::SessionId,
    throttle::DeviceKeys,
};
use proptest::prelude::*;

const LIFE: Duration = Duration::from_secs(100);

fn key(text: &str) -> SigningKey {
    SigningKey::parse(text.as_bytes()).expect("a key")
}

fn keys() -> DeviceKeys {
    DeviceKeys::derive(&KeyRing::fixed(key(KEY.1), &[]).expect("a ring"), NOW)
}

fn name(text: &str) -> Username {
    text.parse().expect("a name")
}

#[test]
fn a_device_is_known_to_its_account_until_its_time_is_up() {
    let device = DeviceId::random().expect("randomness");
    let token = keys().seal(device, &name("ada"), NOW);
    let open =
        |who: &str, seconds| keys().open(&token, &name(who), NOW.plus(Duration::from_secs(seconds)), LIFE);
    assert_eq!((open("ada", 0), open("ADA", 99)), (Some(device), Some(device)));
    assert_eq!((open("ada", 100), open("eve", 0), open("ad", 0)), (None, None, None));
    assert_eq!(keys().open(&token, &name("ada"), NOW, Duration::ZERO), None);
    assert_eq!(keys().open(&token, &name("ada"), UnixTime(u64::MAX), LIFE), None);
    assert_ne!(token, keys().seal(DeviceId::random().expect("randomness"), &name("ada"), NOW));
    assert!(!token.contains("ada") && !format!("{:?}", keys()).contains("Key("));
}

#[test]
fn a_device_outlasts_the_key_that_made_it_and_no_other_key_makes_one() {
    let device = DeviceId::random().expect("randomness");
    let token = keys().seal(device, &name("ada"), NOW);
    let new = key("Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A");
    let replaced = KeyRing::fixed(new.clone(), &[key(KEY.1)]).expect("a ring");
    assert_eq!(DeviceKeys::derive(&replaced, NOW).open(&token, &name("ada"), NOW, LIFE), Some(device));
    let gone = KeyRing::fixed(new, &[]).expect("a ring");
    assert_eq!(DeviceKeys::derive(&gone, NOW).open(&token, &name("ada"), NOW, LIFE), None);
    assert!(HmacSecret::parse(token.as_bytes()).is_ok(), "it is long");
}

proptest! {
    #[test]
    fn no_text_is_known_but_the_one_that_was_given(text in "(csd_)?[A-Za-z0-9_=-]{0,90}", at in 5..80_usize, bit in 0..6_u8) {
        prop_assert_eq!(keys().open(&text, &name("ada"), NOW, LIFE), None);
        let mut token = keys().seal(DeviceId::from_bytes([7; 16]), &name("ada"), NOW).into_bytes();
        let at = at % token.len();
        token[at] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(token) {
            prop_assert_eq!(keys().open(&changed, &name("ada"), NOW, LIFE), None);
        }
    }
}

#[tokio::test]
async fn a_known_device_counts_by_itself_and_then_like_any_other() {
    let scene = Scene::set(&[]).await;
    let device = DeviceId::from(SessionId::random().expect("randomness"));
    let known = Guesser { device: Some(device), ..guesser("ada", "192.0.2.1") };
    for at in 0..5 {
        scene.wrong("ada", &format!("192.0.2.{at}")).await.expect("free");
    }
    for _ in 0..5 {
        scene.guess(known, Outcome::Wrong).await.expect("its own");
    }
    assert_eq!(waits(scene.guess(known, Outcome::Wrong).await), ("account", 1));
    scene.wait(1);
    scene.guess(known, Outcome::Right).await.expect("it has waited");
    // It was the device that was right, so the others still wait as they did.
    scene.wrong("ada", "192.0.2.1").await.expect("they have waited too");
    assert_eq!(waits(scene.wrong("ada", "192.0.2.1").await), ("account", 2));
    let elsewhere = Guesser { username: "eve", ..known };
    scene.guess(elsewhere, Outcome::Wrong).await.expect("another account's");
}

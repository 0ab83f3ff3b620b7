//! How a device is known again that has logged in to an account (OWASP's "device cookies").
//!
//! Wire form: `csd_` and the base64url of device id (16 random bytes), when it logged in (8) and
//! HMAC-SHA256(key, device id ‖ when ‖ user name) (32). It names nobody, is good for nothing but a count
//! of one's own, and is another after each login, so nobody is followed by it; no store holds it.

use crate::{clock::UnixTime, jwt::KeyRing, session::SessionId, user::Username};
use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{fmt, time::Duration};

const PREFIX: &str = "csd_";
const LENGTH: usize = 16 + 8 + 32;

crate::id::random_id! {
    /// Identifies a device that has logged in to an account: 128 random bits.
    DeviceId, DeviceIdError = "not a device id"
}

impl From<SessionId> for DeviceId {
    /// The device that has this session.
    fn from(session: SessionId) -> Self {
        Self(*session.as_bytes())
    }
}

/// Seals the names of devices with the first of its keys; takes the seal of any.
#[derive(Clone)]
pub struct DeviceKeys(Vec<hmac::Key>);

impl DeviceKeys {
    /// Keys derived from the ring's at `now`, and telling nothing about them.
    pub fn derive(ring: &KeyRing, now: UnixTime) -> Self {
        let child = |secret: &[u8]| {
            let parent = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&parent, b"countersign: known devices").as_ref())
        };
        Self(ring.seals(now).into_iter().map(|key| child(&key.secret())).collect())
    }

    /// What a device is given that has logged in to this account now.
    pub fn seal(&self, device: DeviceId, name: &Username, now: UnixTime) -> String {
        let mut bytes = [device.as_bytes(), &now.0.to_be_bytes()[..]].concat();
        if let Some(key) = self.0.first() {
            bytes.extend_from_slice(tag(key, device, now, name).as_ref());
        }
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The device that was given this, if it was for this account and less than `life` ago.
    pub fn open(&self, text: &str, name: &Username, now: UnixTime, life: Duration) -> Option<DeviceId> {
        let mut bytes = [0; LENGTH + 2];
        // A longer text does not fit into the buffer and is an error like any other.
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(PREFIX)?, &mut bytes).ok()?;
        let (device, rest) = bytes[..length].split_first_chunk()?;
        let (at, seal) = rest.split_first_chunk()?;
        let (device, at) = (DeviceId::from_bytes(*device), UnixTime(u64::from_be_bytes(*at)));
        let is_sealed = self.0.iter().fold(false, |good, key| {
            let expected = tag(key, device, at, name);
            good | constant_time::verify_slices_are_equal(expected.as_ref(), seal).is_ok()
        });
        (is_sealed && now < at.plus(life)).then_some(device)
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKeys")
    }
}

fn tag(key: &hmac::Key, device: DeviceId, at: UnixTime, name: &Username) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(device.as_bytes());
    context.update(&at.0.to_be_bytes());
    context.update(name.as_str().as_bytes());
    context.sign()
}

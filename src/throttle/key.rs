//! What guesses are counted at, under names that tell nothing.

use super::DeviceId;
use crate::{clock::UnixTime, jwt::KeyRing, store::AttemptKey, user::Username};
use aws_lc_rs::hmac;
use std::net::IpAddr;

/// What a guess counts at.
pub(super) enum Subject<'s> {
    Account(&'s Username),
    Device(&'s Username, DeviceId),
    Address(Option<IpAddr>),
    Everybody,
    PresentPassword(&'s Username),
    ClientsAt(Option<IpAddr>),
}

/// Makes a key of a store from a subject. It is the signing key's child, so after a change of
/// keys everything is counted anew.
pub(super) struct CounterKey(hmac::Key);

impl CounterKey {
    pub(super) fn derive(ring: &KeyRing, now: UnixTime) -> Self {
        let parent = hmac::Key::new(hmac::HMAC_SHA256, &ring.signing(now).secret());
        let child = hmac::sign(&parent, b"countersign: counted guesses");
        Self(hmac::Key::new(hmac::HMAC_SHA256, child.as_ref()))
    }

    pub(super) fn of(&self, subject: &Subject<'_>) -> AttemptKey {
        let mut context = hmac::Context::with_key(&self.0);
        let mut say = |kind: u8, parts: &[&[u8]]| {
            context.update(&[kind]);
            parts.iter().for_each(|part| context.update(part));
        };
        // One kind each, and the only part of no fixed length comes last.
        match subject {
            Subject::Account(name) => say(1, &[name.as_str().as_bytes()]),
            Subject::Device(name, device) => say(2, &[device.as_bytes(), name.as_str().as_bytes()]),
            Subject::Address(address) => say(3, &[&block(*address)]),
            Subject::Everybody => say(4, &[]),
            Subject::PresentPassword(name) => say(5, &[name.as_str().as_bytes()]),
            Subject::ClientsAt(address) => say(6, &[&block(*address)]),
        }
        let mut key = AttemptKey::default();
        key.copy_from_slice(context.sign().as_ref());
        key
    }
}

/// What one customer of a provider has: an IPv4 address, or the upper 64 bits of an IPv6 address.
fn block(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        None => vec![],
        Some(IpAddr::V4(four)) => four.octets().to_vec(),
        Some(IpAddr::V6(six)) => six.octets()[..8].to_vec(),
    }
}

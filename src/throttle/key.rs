//! What guesses are counted at, under names that tell nothing.

use super::DeviceId;
use crate::{clock::UnixTime, jwt::KeyRing, store::AttemptKey, user::Username};
use aws_lc_rs::hmac;
use std::net::IpAddr;

/// What a guess counts at.
pub(super) enum Subject<'s> {
    Account(&'s Username),
    /// Failures at the account from one block of addresses.
    AccountFrom(&'s Username, Block),
    Device(&'s Username, DeviceId),
    DeviceFailures(&'s Username, DeviceId),
    Block(Block),
    Global,
    /// What clean blocks are served from at the global limit.
    Reserve,
    /// Failures by which a block is not clean.
    Unclean(Block),
    PresentPassword(&'s Username),
    PresentPasswordFailures(&'s Username),
    ClientsIn(Block),
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
        // One kind each. A part of no fixed length comes last, or after its length.
        match subject {
            Subject::Account(name) => say(1, &[name.as_str().as_bytes()]),
            Subject::Device(name, device) => say(2, &[device.as_bytes(), name.as_str().as_bytes()]),
            Subject::Block(block) => say(3, &[block.bytes()]),
            Subject::Global => say(4, &[]),
            Subject::PresentPassword(name) => say(5, &[name.as_str().as_bytes()]),
            Subject::ClientsIn(block) => say(6, &[block.bytes()]),
            Subject::AccountFrom(name, block) => {
                say(7, &[&[block.length as u8], block.bytes(), name.as_str().as_bytes()]);
            }
            Subject::DeviceFailures(name, device) => say(8, &[device.as_bytes(), name.as_str().as_bytes()]),
            Subject::PresentPasswordFailures(name) => say(9, &[name.as_str().as_bytes()]),
            Subject::Reserve => say(10, &[]),
            Subject::Unclean(block) => say(11, &[block.bytes()]),
        }
        let mut key = AttemptKey::default();
        key.copy_from_slice(context.sign().as_ref());
        key
    }
}

/// An IPv4 address, or the first bytes of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    bytes: [u8; 8],
    length: usize,
}

impl Block {
    /// The blocks that an address lies in, the smallest first: an IPv4 address itself; the /64, the /56 and
    /// the /48 of an IPv6 address, which are what providers give to one customer (RFC 6177). An unknown address
    /// lies in one block with all that are unknown.
    pub(super) fn around(address: Option<IpAddr>) -> Vec<Self> {
        let block = |bytes: &[u8], length: usize| {
            let mut block = Self { bytes: [0; 8], length };
            block.bytes[..length].copy_from_slice(&bytes[..length]);
            block
        };
        match address.map(|address| address.to_canonical()) {
            None => vec![block(&[], 0)],
            Some(IpAddr::V4(four)) => vec![block(&four.octets(), 4)],
            Some(IpAddr::V6(six)) => [8, 7, 6].map(|length| block(&six.octets(), length)).into(),
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

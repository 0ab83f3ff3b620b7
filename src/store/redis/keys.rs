//! What the keys are called.

use crate::{session::SessionId, store::AttemptKey, user::UserId};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Names of keys, all under one hash tag.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    tag: String,
    pub(super) slots: String,
    /// Of how sessions were kept before: a sorted set of all of them.
    pub(super) old_ends: String,
    pub(super) revoked: String,
    pub(super) list: String,
    pub(super) position: String,
    pub(super) epoch: String,
    pub(super) live_since: String,
    pub(super) probe: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        let tag = format!("{{{namespace}}}:");
        let key = |name: &str| format!("{tag}{name}");
        Self {
            slots: key("slots"),
            old_ends: key("ends"),
            revoked: key("revoked"),
            list: key("list"),
            position: key("position"),
            epoch: key("epoch"),
            live_since: key("live-since"),
            probe: key("probe"),
            tag,
        }
    }

    pub(super) fn session(&self, id: SessionId) -> Vec<u8> {
        self.bytes(b"s", id.as_bytes())
    }

    /// How many access tokens of a session were revoked by themselves.
    pub(super) fn revoked_tokens(&self, id: SessionId) -> Vec<u8> {
        self.bytes(b"t", id.as_bytes())
    }

    /// The hash in which a user's sessions are, among those of others whose ids begin like theirs.
    pub(super) fn users(&self, id: UserId) -> Vec<u8> {
        self.bytes(b"u", &id.as_bytes()[..2])
    }

    /// The field of a session there.
    pub(super) fn field(user: UserId, id: SessionId) -> [u8; 32] {
        let mut field = [0; 32];
        field[..16].copy_from_slice(user.as_bytes());
        field[16..].copy_from_slice(id.as_bytes());
        field
    }

    /// Sessions that have to be looked at in this slot of time.
    pub(super) fn slot(&self, number: u64) -> String {
        format!("{}slot:{number}", self.tag)
    }

    pub(super) fn old_session(&self, id: &str) -> String {
        format!("{}session:{id}", self.tag)
    }

    pub(super) fn old_user(&self, id: UserId) -> String {
        format!("{}user:{id}", self.tag)
    }

    /// A short name, since there are as many as sessions.
    fn bytes(&self, kind: &[u8], name: &[u8]) -> Vec<u8> {
        [self.tag.as_bytes(), kind, name].concat()
    }

    pub(super) fn attempts(&self, key: &AttemptKey) -> String {
        format!("{}attempts:{}", self.tag, BASE64_URL_SAFE_NO_PAD.encode(key))
    }

    pub(super) fn revision(&self, id: UserId) -> String {
        format!("{}revision:{id}", self.tag)
    }
}

//! What the keys are called.

use crate::{session::SessionId, store::AttemptKey, user::UserId};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Names of keys, all under one hash tag.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    tag: String,
    pub(super) ends: String,
    pub(super) revoked: String,
    pub(super) list: String,
    pub(super) position: String,
    pub(super) epoch: String,
    pub(super) probe: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        let tag = format!("{{{namespace}}}:");
        let key = |name: &str| format!("{tag}{name}");
        Self {
            ends: key("ends"),
            revoked: key("revoked"),
            list: key("list"),
            position: key("position"),
            epoch: key("epoch"),
            probe: key("probe"),
            tag,
        }
    }

    pub(super) fn session(&self, id: SessionId) -> String {
        format!("{}session:{id}", self.tag)
    }

    pub(super) fn user(&self, id: UserId) -> String {
        format!("{}user:{id}", self.tag)
    }

    pub(super) fn attempts(&self, key: &AttemptKey) -> String {
        format!("{}attempts:{}", self.tag, BASE64_URL_SAFE_NO_PAD.encode(key))
    }

    pub(super) fn revision(&self, id: UserId) -> String {
        format!("{}revision:{id}", self.tag)
    }
}

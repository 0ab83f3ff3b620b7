//! Each key and each secret among the settings has material of its own.
//!
//! With a secret that is another key's public number, any client can sign; a secret for two purposes
//! gives a party that needs it for one the power of the other.

use super::{KeyPlace, KeySettings, reader::Reader};
use crate::{
    jwt::{HmacSecret, Material, SigningKey},
    password::FirebaseKey,
};

/// What is secret among the settings, each under its setting.
pub(super) struct Secrets<'a> {
    pub keys: Option<&'a KeySettings>,
    pub previous_signing_key: Option<&'a SigningKey>,
    pub feed_secret: Option<&'a HmacSecret>,
    pub firebase_key: Option<&'a FirebaseKey>,
}

impl Secrets<'_> {
    /// Those that sign, which a ring may have too.
    fn signing(&self) -> Vec<(&'static str, Material)> {
        let given = self.keys.and_then(|keys| match &keys.place {
            KeyPlace::Given(key) => Some(&**key),
            _ => None,
        });
        let keys = [("signing_key", given), ("previous_signing_key", self.previous_signing_key)];
        keys.into_iter().filter_map(|(setting, key)| Some((setting, key?.material()))).collect()
    }

    /// Those that sign nothing.
    pub fn others(&self) -> Vec<(&'static str, Material)> {
        let encryption = self.keys.map(|keys| &keys.encryption[..]).unwrap_or_default();
        let settings = ["keys.encryption_key", "keys.previous_encryption_key"];
        let encryption = settings.into_iter().zip(encryption.iter().map(HmacSecret::material));
        let feed = self.feed_secret.map(|secret| ("revocation.feed_secret", secret.material()));
        let firebase =
            self.firebase_key.map(|key| ("password.firebase_key", Material::of_secret(key.bytes())));
        encryption.chain(feed).chain(firebase).collect()
    }

    /// Reports those that share material with one before.
    pub fn check(&self, reader: &mut Reader) {
        let all: Vec<_> = self.signing().into_iter().chain(self.others()).collect();
        for (at, (setting, material)) in all.iter().enumerate() {
            if let Some((other, _)) = all[..at].iter().find(|(_, other)| other.shares(material)) {
                let other = super::environment::name(other);
                let text = format!(
                    "shares material with {other}; each key and each secret needs random bytes of its own"
                );
                reader.problem(setting, &text);
            }
        }
    }
}

//! Firebase's own scrypt: what scrypt makes of the password encrypts the project's signer key, and that is
//! the hash. Stored as `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$salt$hash`, which Supabase came up with; the
//! signer key, which it has in every hash, is a setting here.

use super::{scrypt::Work, text::base64};
use crate::password::{Cost, FirebaseKey};
use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    constant_time::verify_slices_are_equal,
    iv::FixedLength,
};
use zeroize::Zeroizing;

pub(in crate::password) struct Firebase {
    work: Work,
    /// With the project's separator behind it.
    salt: Vec<u8>,
    output: [u8; FirebaseKey::BYTES],
    key: Option<FirebaseKey>,
}

pub(super) fn parse(text: &str) -> Option<Firebase> {
    let fields: Vec<_> = text.strip_prefix("$fbscrypt$v=1,")?.split('$').collect();
    let [params, salt, output] = fields.try_into().ok()?;
    let params: Vec<_> = params.split(',').collect();
    let [n, r, p, separator] = params.try_into().ok()?;
    let log_n = super::text::decimal(n.strip_prefix("n=")?)?;
    let work = Work::new(log_n, r.strip_prefix("r=")?, p.strip_prefix("p=")?)?;
    let salt = [base64(salt)?, base64(separator.strip_prefix("ss=")?)?].concat();
    Some(Firebase { work, salt, output: base64(output)?.try_into().ok()?, key: None })
}

impl Firebase {
    /// Nothing matches without the key.
    pub(super) fn with(self, key: Option<&FirebaseKey>) -> Option<Self> {
        Some(Self { key: Some(key?.clone()), ..self })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let encrypted = self.key.as_ref().and_then(|key| self.encrypted(key, password));
        encrypted.is_some_and(|encrypted| verify_slices_are_equal(&encrypted, &self.output).is_ok())
    }

    fn encrypted(&self, key: &FirebaseKey, password: &[u8]) -> Option<Vec<u8>> {
        let mut derived = Zeroizing::new([0; 64]);
        self.work.derive(password, &self.salt, &mut *derived)?;
        let cipher = UnboundCipherKey::new(&AES_256, &derived[..32]).ok()?;
        let mut text = key.0.to_vec();
        // Each password and salt have a key of their own, so the counter begins at 0.
        let counter = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        EncryptingKey::ctr(cipher).ok()?.less_safe_encrypt(&mut text, counter).ok()?;
        Some(text)
    }

    pub(super) fn cost(&self) -> Cost {
        self.work.cost()
    }
}

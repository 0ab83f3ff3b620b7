//! What a store of key rings must do.

use super::StoreError;
use async_trait::async_trait;
use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// A key ring as a store keeps it: bytes that it does not understand.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptRing {
    /// A digest of the bytes, so that not even a database that was restored has another ring of
    /// the same version.
    pub version: u64,
    /// What was given to [`KeyRingStore::replace`].
    pub bytes: Zeroizing<Vec<u8>>,
}

impl KeptRing {
    /// These bytes and their version.
    pub fn of(bytes: Zeroizing<Vec<u8>>) -> Self {
        let digest = digest::digest(&digest::SHA256, &bytes);
        let head = digest.as_ref().first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        // Databases have signed integers.
        Self { version: head >> 1, bytes }
    }
}

/// Keeps one key ring.
///
/// Both methods are one atomic step across all processes. That
/// [`replace`](Self::replace) never replaces what its caller has not seen is critical: two
/// processes would each sign with a key that the other does not know.
#[async_trait]
pub trait KeyRingStore: Send + Sync + 'static {
    /// The ring, if there is one.
    async fn load(&self) -> Result<Option<KeptRing>, StoreError>;

    /// Puts a ring in the place of the one of version `seen`, or where there is none (`None`);
    /// says whether it did. `false`: it has changed meanwhile, and nothing was done.
    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError>;
}

impl std::fmt::Debug for KeptRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptRing").field("version", &self.version).finish_non_exhaustive()
    }
}

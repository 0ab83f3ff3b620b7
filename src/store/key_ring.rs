//! What a store of key rings must do.

use super::StoreError;
use async_trait::async_trait;
use zeroize::Zeroizing;

/// A key ring as a store keeps it: bytes that it does not understand.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptRing {
    /// Changes with every replacement by other bytes.
    pub version: u64,
    /// What was given to [`KeyRingStore::replace`].
    pub bytes: Zeroizing<Vec<u8>>,
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

//! What a store of audit trails must do.

use super::StoreError;
use crate::clock::UnixTime;
use async_trait::async_trait;

/// A line of the trail as a store keeps it: a text that it does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// When it happened.
    pub at: UnixTime,
    /// What happened, as JSON.
    pub text: String,
}

/// Keeps the audit trail: lines in the order in which they were appended.
///
/// It is append-only: nothing changes a line, and only [`remove`](Self::remove) takes any away. Each
/// method is one atomic step.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// The key by which ids become the pseudonyms of the trail: random, made when it is first asked for,
    /// and the same for all processes from then on.
    async fn pseudonym_key(&self) -> Result<[u8; 32], StoreError>;

    /// Appends these lines, all or none, in this order.
    async fn append(&self, lines: &[AuditLine]) -> Result<(), StoreError>;

    /// Up to `limit` lines behind this position, and the position of each. The first is behind 0. Whoever
    /// has read a line has missed none before it.
    async fn read(&self, after: u64, limit: u32) -> Result<Vec<(u64, AuditLine)>, StoreError>;

    /// Removes up to `limit` lines from before this time; says how many. A store may refuse to remove
    /// what is less than a day old.
    async fn remove(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError>;
}

/// A new key for [`AuditStore::pseudonym_key`].
pub(crate) fn random_key() -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(key)
}

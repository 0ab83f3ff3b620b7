//! Listening for revocations on a connection of one's own.

use super::RedisStore;
use crate::store::{RevocationFeed, StoreError};
use async_trait::async_trait;
use futures_util::StreamExt;
use redis::aio::PubSubStream;
use std::io::{Error, ErrorKind};

pub(super) struct Feed(PubSubStream);

impl RedisStore {
    pub(super) async fn subscribe(&self) -> Result<Feed, StoreError> {
        Ok(Feed(self.link.listen(&self.keys.list).await?))
    }
}

#[async_trait]
impl RevocationFeed for Feed {
    async fn changed(&mut self) -> Result<(), StoreError> {
        match self.0.next().await {
            Some(_) => Ok(()),
            None => Err(StoreError::Unavailable(Error::from(ErrorKind::ConnectionReset).into())),
        }
    }
}

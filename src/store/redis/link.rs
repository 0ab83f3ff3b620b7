//! The connection to Redis: one server, the master that Sentinels name, or a Cluster.
//!
//! One multiplexed connection for everybody. After whatever may have left it of no use it is
//! dropped, and the next caller makes a new one, so a server that is back is found at once and a
//! dead connection keeps nobody waiting twice.

use crate::{
    config::{RedisUrl, Topology},
    store::StoreError,
};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, Pipeline,
    RedisError, RedisFuture, RedisResult, ScriptInvocation, ServerErrorKind, TlsMode, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSub, PubSubStream},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::timeout};

/// Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

struct Shared {
    source: Source,
    /// Where we connect without TLS: `HOST` or `HOST:PORT`.
    plain: Vec<String>,
    deadline: Duration,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    /// Which connection this is, so that nobody drops a newer one than the one that failed them.
    number: u64,
    connection: Option<Connection>,
}

enum Source {
    One(Client),
    Sentinel(Mutex<SentinelClient>),
    /// And one client for each node, since a feed listens to a single one.
    Cluster(ClusterClient, Vec<Client>),
}

impl Link {
    /// Does not connect yet. Everything that is asked over it answers within `deadline`.
    pub(super) fn new(url: &RedisUrl, deadline: Duration) -> RedisResult<Self> {
        let source = Source::new(url, deadline)?;
        let plain = if url.is_tls() { vec![] } else { url.addresses().to_vec() };
        Ok(Self(Arc::new(Shared { source, plain, deadline, current: Mutex::default() })))
    }

    /// The addresses that are connected to without TLS, `HOST` or `HOST:PORT`, those included that
    /// Sentinels and a Cluster lead to, as far as they say.
    pub(super) async fn plain_addresses(&self) -> Vec<String> {
        let mut addresses = self.0.plain.clone();
        if addresses.is_empty() {
            return addresses;
        }
        match self.0.source {
            Source::One(_) => {}
            Source::Sentinel(_) => {
                let mut command = redis::cmd("CLIENT");
                let info: Result<String, _> = self.command(command.arg("INFO")).await;
                let info = info.unwrap_or_default();
                // Where the server that they name was reached.
                addresses
                    .extend(info.split(' ').filter_map(|field| field.strip_prefix("laddr=")).map(Into::into));
            }
            Source::Cluster(..) => {
                // A cluster answers with each node's.
                let times: Result<Value, _> = self.command(redis::cmd("INFO").arg("server")).await;
                let Ok(Value::Map(nodes)) = times else { return addresses };
                addresses
                    .extend(nodes.into_iter().filter_map(|(node, _)| String::from_redis_value(node).ok()));
            }
        }
        addresses
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.0.source, Source::Cluster(..))
    }

    pub(super) async fn script<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.within(async |mut connection: Connection| invocation.invoke_async(&mut connection).await).await
    }

    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.within(async |mut connection: Connection| command.query_async(&mut connection).await).await
    }

    /// What is published on a channel, over a connection of one's own.
    pub(super) async fn listen(&self, channel: &str) -> Result<PubSubStream, StoreError> {
        let listening = async {
            let mut listening = self.0.source.listen().await?;
            listening.subscribe(channel).await?;
            Ok(listening.into_on_message())
        };
        self.answered(listening).await
    }

    /// Drops the connection; the next caller makes a new one.
    pub(super) async fn close(&self) {
        self.0.current.lock().await.connection = None;
    }

    async fn within<T>(&self, work: impl AsyncFnOnce(Connection) -> RedisResult<T>) -> Result<T, StoreError> {
        let mut used = 0;
        let answer = self
            .answered(async {
                let (number, connection) = self.connection().await?;
                used = number;
                work(connection).await
            })
            .await;
        if let Err(error) = &answer
            && is_spoilt_by(error)
        {
            let mut current = self.0.current.lock().await;
            if current.number == used {
                current.connection = None;
            }
        }
        answer
    }

    /// The connection and its number. Whoever waits here waits for one attempt at a time.
    async fn connection(&self) -> RedisResult<(u64, Connection)> {
        let mut current = self.0.current.lock().await;
        if let Some(connection) = &current.connection {
            return Ok((current.number, connection.clone()));
        }
        let connection = self.0.source.connect(self.0.deadline).await?;
        current.number += 1;
        current.connection = Some(connection.clone());
        Ok((current.number, connection))
    }

    async fn answered<T>(&self, work: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
        let deadline = self.0.deadline;
        match timeout(deadline, work).await {
            Ok(answer) => answer.map_err(unavailable),
            Err(_) => Err(StoreError::Unavailable(Late(deadline).into())),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Source {
    fn new(url: &RedisUrl, deadline: Duration) -> RedisResult<Self> {
        let nodes = url.nodes().into_iter().map(|node| node.as_str().into_connection_info());
        let nodes: Vec<ConnectionInfo> = nodes.collect::<RedisResult<_>>()?;
        Ok(match url.topology() {
            Topology::One => {
                let only = nodes.into_iter().next();
                Self::One(Client::open(only.ok_or((redis::ErrorKind::InvalidClientConfig, "no address"))?)?)
            }
            Topology::Sentinel { master } => {
                // The credentials and the database are the servers'; Sentinels are asked without.
                let settings = nodes.first().map(ConnectionInfo::redis_settings).cloned().unwrap_or_default();
                let node = SentinelNodeConnectionInfo::default().set_redis_connection_info(settings);
                let node = if url.is_tls() { node.set_tls_mode(TlsMode::Secure) } else { node };
                let bare =
                    nodes.into_iter().map(|node| node.set_redis_settings(Default::default())).collect();
                let client = SentinelClient::build(bare, master, Some(node), SentinelServerType::Master)?;
                Self::Sentinel(Mutex::new(client))
            }
            Topology::Cluster => {
                let clients = nodes.iter().cloned().map(Client::open).collect::<RedisResult<_>>()?;
                // A call may be sent again after a lost connection; `advance.lua` knows its own.
                let builder = ClusterClient::builder(nodes).connection_timeout(deadline);
                Self::Cluster(builder.response_timeout(deadline).retries(4).build()?, clients)
            }
        })
    }

    async fn connect(&self, deadline: Duration) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(deadline))
            .set_response_timeout(Some(deadline))
            .set_pipeline_buffer_size(1_000);
        Ok(match self {
            Self::One(client) => {
                Connection::One(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Self::Sentinel(sentinel) => {
                let mut sentinel = sentinel.lock().await;
                Connection::One(sentinel.get_async_connection_with_config(&config).await?)
            }
            Self::Cluster(client, _) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

impl Source {
    async fn listen(&self) -> RedisResult<PubSub> {
        match self {
            Self::One(client) => client.get_async_pubsub().await,
            Self::Sentinel(sentinel) => {
                sentinel.lock().await.async_get_client().await?.get_async_pubsub().await
            }
            // What is published on one node of a cluster is heard on all.
            Self::Cluster(_, nodes) => {
                let mut listening = Err((redis::ErrorKind::Client, "a cluster without nodes").into());
                for node in nodes {
                    listening = node.get_async_pubsub().await;
                    if listening.is_ok() {
                        break;
                    }
                }
                listening
            }
        }
    }
}

#[derive(Clone)]
enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// There was no answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} ms", .0.as_millis())]
struct Late(Duration);

/// What `lib.lua` answers where the store has no epoch.
const FORGOTTEN: &str = "FORGOTTEN";

fn unavailable(error: RedisError) -> StoreError {
    if error.code() == Some(FORGOTTEN) {
        StoreError::Forgetful
    } else {
        StoreError::Unavailable(error.into())
    }
}

/// Whether the connection, or the server behind it, may be of no more use.
fn is_spoilt_by(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else { return false };
    let Some(error) = source.downcast_ref::<RedisError>() else { return true };
    let is_replica = error.kind() == redis::ErrorKind::Server(ServerErrorKind::ReadOnly);
    is_replica || error.is_io_error() || error.is_unrecoverable_error()
}

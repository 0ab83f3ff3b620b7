//! The script of `advance` by the client library alone.

use countersign::{
    clock::{Clock, SystemClock},
    store::Session,
};
use redis::{Script, aio::MultiplexedConnection};
use std::sync::Arc;

pub struct Bare {
    connection: MultiplexedConnection,
    script: Script,
    tag: String,
}

impl Bare {
    pub async fn open(url: &str, namespace: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        let lib = include_str!("../../src/store/redis/lib.lua");
        let code = include_str!("../../src/store/redis/advance.lua");
        Self {
            connection: client.get_multiplexed_async_connection().await.expect("Redis"),
            script: Script::new(&format!("{lib}{code}")),
            tag: format!("{{{namespace}}}:"),
        }
    }

    pub async fn advance(self: Arc<Self>, session: Session, times: u64) {
        let mut connection = self.connection.clone();
        let key = |name: &[u8]| [self.tag.as_bytes(), name].concat();
        let session_key = key(&[b"s", &session.id.as_bytes()[..]].concat());
        let keys = [session_key, key(b"revoked"), key(b"list"), key(b"position")];
        let (id, now) = (session.id.to_string(), SystemClock.now().0);
        for generation in 0..times {
            let mut invocation = self.script.prepare_invoke();
            for key in &keys {
                invocation.key(key);
            }
            invocation
                .arg(&id)
                .arg(generation)
                .arg(now)
                .arg(10)
                .arg((generation + 1).to_be_bytes().as_slice());
            let (answer, current): (String, u64) =
                invocation.invoke_async(&mut connection).await.expect("an answer");
            assert_eq!((&*answer, current), ("advanced", generation + 1));
        }
    }
}

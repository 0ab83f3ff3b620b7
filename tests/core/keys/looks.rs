//! Looks at a keystore that overlap.

use async_trait::async_trait;
use countersign::{
    audit::Trail,
    clock::{Clock, SystemClock},
    config::{Environment, Settings},
    keys::{Keys, Keystore},
    store::{KeptRing, KeyRingStore, StoreError, Stores, memory::MemoryStore},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// Answers late, once: with what was there when it was asked.
#[derive(Default)]
struct Late {
    store: Arc<MemoryStore>,
    is_late: AtomicBool,
    answer: Notify,
}

#[async_trait]
impl KeyRingStore for Late {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        let kept = self.store.load().await;
        if self.is_late.swap(false, Ordering::SeqCst) {
            self.answer.notified().await;
        }
        kept
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        self.store.replace(seen, bytes).await
    }
}

/// Keys in a database, those of another server on it, and what they are opened with.
async fn opened(late: &Arc<Late>) -> (Arc<Keys>, Keystore, Settings) {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A"),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let elsewhere = Stores::all_in(late.store.clone());
    let here = Stores { keys: Some(late.clone()), ..elsewhere.clone() };
    let trail = Trail::open(None, Arc::new(SystemClock)).await.expect("a trail");
    let keys = Keys::open(&settings, &here, Arc::new(SystemClock), &trail).await.expect("keys");
    let keystore = Keystore::of(&settings, &elsewhere).expect("kept").expect("a keystore");
    (Arc::new(keys), keystore, settings)
}

fn signing(keys: &Keys) -> String {
    keys.tokens().ring().signing(SystemClock.now()).kid().to_owned()
}

#[tokio::test]
async fn a_key_that_is_newer_than_the_last_look_is_found_however_recent_that_was() {
    let (keys, keystore, settings) = opened(&Arc::default()).await;
    for _ in 0..3 {
        let old = signing(&keys);
        assert!(!keys.look_again().await, "nothing is new");
        keystore.revoke(&old, SystemClock.now(), false, settings.lives()).await.expect("revoked");
        assert!(keys.look_again().await, "another key signs");
        assert_ne!(signing(&keys), old);
    }
}

#[tokio::test]
async fn a_look_that_was_slow_does_not_put_back_a_revoked_key() {
    let late = Arc::new(Late::default());
    let (keys, keystore, settings) = opened(&late).await;
    let revoked = signing(&keys);

    late.is_late.store(true, Ordering::SeqCst);
    let look = || {
        tokio::spawn({
            let keys = keys.clone();
            async move { keys.reload().await }
        })
    };
    let slow = look();
    sleep(Duration::from_millis(50)).await;
    keystore.revoke(&revoked, SystemClock.now(), false, settings.lives()).await.expect("revoked");
    let quick = look();
    sleep(Duration::from_millis(50)).await;
    late.answer.notify_one();
    for look in [slow, quick] {
        look.await.expect("it ends").expect("it was read");
    }
    assert_ne!(signing(&keys), revoked);
}

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

#[tokio::test]
async fn a_look_that_was_slow_does_not_put_back_a_revoked_key() {
    let environment = Environment::from_pairs([
        ("COUNTERSIGN_DATABASE_URL", "memory:"),
        ("COUNTERSIGN_KEYS__STORE", "database"),
        ("COUNTERSIGN_KEYS__ENCRYPTION_KEY", "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A"),
    ]);
    let settings = Settings::load(&rocket::Config::figment(), environment).expect("good settings");
    let late = Arc::new(Late::default());
    let elsewhere = Stores::all_in(late.store.clone());
    let here = Stores { keys: Some(late.clone()), ..elsewhere.clone() };
    let trail = Trail::open(None, Arc::new(SystemClock)).await.expect("a trail");
    let keys = Arc::new(Keys::open(&settings, &here, Arc::new(SystemClock), &trail).await.expect("keys"));
    let signing = || keys.tokens().ring().signing(SystemClock.now()).kid().to_owned();
    let revoked = signing();

    late.is_late.store(true, Ordering::SeqCst);
    let look = || {
        tokio::spawn({
            let keys = keys.clone();
            async move { keys.reload().await }
        })
    };
    let slow = look();
    sleep(Duration::from_millis(50)).await;
    let keystore = Keystore::of(&settings, &elsewhere).expect("kept").expect("a keystore");
    let lives = settings.lives();
    keystore.revoke(&revoked, SystemClock.now(), false, lives).await.expect("revoked");
    let quick = look();
    sleep(Duration::from_millis(50)).await;
    late.answer.notify_one();
    for look in [slow, quick] {
        look.await.expect("it ends").expect("it was read");
    }
    assert_ne!(signing(), revoked);
}

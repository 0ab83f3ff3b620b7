//! What logins do with it.

use super::*;
use async_trait::async_trait;
use countersign::{
    audit::Actor,
    grant::{Authority, Caller, GrantError, TokenRequest, Tokens},
    password::Password,
    store::{Attempt, AttemptKey, Count, Device, StoreError},
};
use std::sync::atomic::AtomicBool;

/// Counts, until it does not answer any more.
#[derive(Default)]
struct Failing {
    store: LocalAttempts,
    fails: AtomicBool,
}

impl Failing {
    fn answers(&self) -> Result<(), StoreError> {
        let fails = self.fails.load(SeqCst);
        if fails { Err(StoreError::Unavailable("it does not answer".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl AttemptStore for Failing {
    async fn attempt(&self, counts: &[Count]) -> Result<Attempt, StoreError> {
        self.answers()?;
        self.store.attempt(counts).await
    }
    async fn fail(&self, counts: &[Count]) -> Result<(), StoreError> {
        self.answers()?;
        self.store.fail(counts).await
    }
    async fn take_back(&self, counts: &[Count], own: Option<&AttemptKey>) -> Result<(), StoreError> {
        self.answers()?;
        self.store.take_back(counts, own).await
    }
    async fn forget(&self, key: &AttemptKey) -> Result<bool, StoreError> {
        self.answers()?;
        self.store.forget(key).await
    }
    async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        self.store.purge(limit).await
    }
}

async fn server(attempts: Option<Arc<dyn AttemptStore>>) -> (Authority, Arc<ManualClock>) {
    let stores = Stores { attempts, ..Stores::of(Arc::new(MemoryStore::new())) };
    let clock = Arc::new(ManualClock::new(NOW));
    let authority = Authority::open(&settings(&[]), stores, clock.clone()).await.expect("opened");
    let password = Password::parse("correct horse").expect("a password");
    let name = "ada".parse().expect("a name");
    authority.accounts(Actor::Server).add(name, password, Default::default(), NOW).await.expect("added");
    (authority, clock)
}

async fn login(server: &Authority, password: &str, device: Option<&str>) -> Result<Tokens, GrantError> {
    let request = TokenRequest {
        username: Some("ada".into()),
        password: Some(password.to_owned().into()),
        ..TokenRequest::default()
    };
    let address = Some(IpAddr::from([192, 0, 2, 1]));
    let caller = Caller {
        known_device: device.map(str::to_owned),
        device: Device { address, ..Device::default() },
        ..Caller::default()
    };
    server.token(request, caller).await
}

#[tokio::test]
async fn nothing_is_let_through_that_cannot_be_counted() {
    let store = Arc::new(Failing::default());
    let (server, _) = server(Some(store.clone())).await;
    let device =
        login(&server, "correct horse", None).await.expect("a login").known_device.expect("a device");
    store.fails.store(true, SeqCst);
    for password in ["correct horse", "battery staple"] {
        for device in [None, Some(&*device.token)] {
            let answer = login(&server, password, device).await;
            assert!(matches!(answer, Err(GrantError::Store(_))), "{answer:?}");
        }
    }
    store.fails.store(false, SeqCst);
    login(&server, "correct horse", None).await.expect("a login");
}

#[tokio::test]
async fn stores_that_do_not_count_leave_it_to_the_process() {
    let (server, clock) = server(None).await;
    for _ in 0..5 {
        let answer = login(&server, "battery staple", None).await;
        assert!(matches!(answer, Err(GrantError::InvalidGrant)), "{answer:?}");
    }
    let answer = login(&server, "correct horse", None).await;
    assert!(matches!(answer, Err(GrantError::TooMany(_))), "{answer:?}");
    clock.advance(Duration::from_secs(1));
    login(&server, "correct horse", None).await.expect("a login");
    login(&server, "correct horse", None).await.expect("and all is forgotten");
}

#[tokio::test]
async fn a_device_is_known_for_as_long_as_is_set() {
    let (server, clock) = server(None).await;
    let device =
        login(&server, "correct horse", None).await.expect("a login").known_device.expect("a device");
    let attacked = async || {
        while !matches!(login(&server, "battery staple", None).await, Err(GrantError::TooMany(_))) {}
    };
    clock.advance(device.expires_in - Duration::from_secs(1));
    attacked().await;
    login(&server, "correct horse", Some(&device.token)).await.expect("it is known");
    attacked().await;
    clock.advance(Duration::from_secs(1));
    attacked().await;
    let answer = login(&server, "correct horse", Some(&device.token)).await;
    assert!(matches!(answer, Err(GrantError::TooMany(_))), "{answer:?}");
}

//! Where a key ring is kept, and the steps by which it changes there.

use super::{
    file::KeyFile,
    seal::{SealError, Seals},
};
use crate::{
    clock::UnixTime,
    config::{Database, KeyPlace, Settings},
    jwt::{Algorithm, KeyError, KeyRing, Lives, Material, RingError, RingKey, SigningKey},
    store::{Finding, KeptRing, KeyRingStore, StoreError, Stores},
};
use std::{fmt, sync::Arc, time::Duration};
use thiserror::Error;
use zeroize::Zeroizing;

/// How often a change is tried again that another process has overtaken.
const ATTEMPTS: u32 = 5;

/// Keeps the ring of one issuer. Any number of processes may change it at once: each change
/// is made to the ring as it is, or not at all.
pub struct Keystore {
    place: Arc<dyn KeyRingStore>,
    seals: Option<Seals>,
    name: String,
    file: Option<KeyFile>,
    /// Secrets of the settings that no key may share material with.
    secrets: Vec<(String, Material)>,
    /// The settings' key from before, which may be in the ring too.
    previous: Option<SigningKey>,
    /// Whether a server changes the ring, and not only the command line.
    changes: bool,
}

/// Why there are no keys, or they did not change.
#[derive(Debug, Error)]
pub enum KeysError {
    /// They are kept nowhere.
    #[error(
        "the signing key is given by the settings and does not rotate; \
         COUNTERSIGN_KEYS__STORE says where keys are kept that do"
    )]
    Given,
    /// The application's own stores keep no keys.
    #[error("COUNTERSIGN_KEYS__STORE: this application's stores keep no keys")]
    NotKept,
    /// There is no ring yet.
    #[error("there are no keys in {0}; make the first with: countersign keys generate")]
    Missing(String),
    /// There is a ring already.
    #[error("there are keys in {0} already; `countersign keys rotate` adds another")]
    Exist(String),
    /// Others change it all the time.
    #[error("{0} is being changed by others; try again")]
    Contended(String),
    /// What is kept is not one.
    #[error("the keys in {place} cannot be used")]
    Ring {
        /// Where they are.
        place: String,
        /// What is wrong with them.
        #[source]
        source: RingError,
    },
    /// A key is made of the same as a secret of the settings.
    #[error(
        "the key {kid} in {place} shares material with {setting}; \
         each key and each secret needs random bytes of its own"
    )]
    Shared {
        /// Where it is.
        place: String,
        /// Its name.
        kid: String,
        /// What the other is called in the environment.
        setting: String,
    },
    /// It cannot be opened.
    #[error("the keys in {place} cannot be used")]
    Seal {
        /// Where they are.
        place: String,
        /// Why.
        #[source]
        source: SealError,
    },
    /// It cannot be read or written.
    #[error("the keys in {place} cannot be read or written")]
    Store {
        /// Where they are.
        place: String,
        /// What happened.
        #[source]
        source: StoreError,
    },
    /// The clocks of this machine and of a store differ too much.
    #[error("the clocks of this machine and of a store are {} s apart", .0.as_secs())]
    ClocksDiffer(Duration),
    /// A store does not say what time it is.
    #[error("a store does not say what time it is")]
    Clock(#[source] StoreError),
    /// It cannot be changed so.
    #[error(transparent)]
    Change(#[from] RingError),
}

impl Keystore {
    /// The place that the settings name; `None` if they give the key itself.
    ///
    /// # Errors
    /// [`KeysError::NotKept`] when the stores cannot keep a ring.
    pub fn of(settings: &Settings, stores: &Stores) -> Result<Option<Self>, KeysError> {
        match &settings.keys.place {
            KeyPlace::Given(_) | KeyPlace::Fresh | KeyPlace::File { .. } => Ok(Self::in_file(settings)),
            KeyPlace::Database { .. } => {
                let name = match &settings.database {
                    Database::Sqlite(path) => path.display().to_string(),
                    Database::Postgres(url) => url.to_string(),
                    Database::Memory => "memory".into(),
                };
                let place = stores.keys.clone().ok_or(KeysError::NotKept)?;
                let seals = Some(Seals::new(&settings.keys.encryption));
                Ok(Some(Self::new(settings, place, seals, name, None)))
            }
        }
    }

    /// The file that the settings name; `None` if they name none.
    pub fn in_file(settings: &Settings) -> Option<Self> {
        let KeyPlace::File { path, .. } = &settings.keys.place else { return None };
        let file = KeyFile::new(path);
        Some(Self::new(settings, Arc::new(file.clone()), None, path.display().to_string(), Some(file)))
    }

    fn new(
        settings: &Settings,
        place: Arc<dyn KeyRingStore>,
        seals: Option<Seals>,
        name: String,
        file: Option<KeyFile>,
    ) -> Self {
        let (secrets, previous) = (settings.secrets(), settings.previous_signing_key.clone());
        let changes = settings.keys.period.is_some() || settings.keys.place.is_made();
        Self { place, seals, name, file, secrets, previous, changes }
    }

    /// Where it is, as one says it to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What there is to say about the file, if it is one.
    pub fn findings(&self) -> Vec<Finding> {
        self.file.as_ref().map(|file| file.findings(self.changes)).unwrap_or_default()
    }

    /// Whether it is kept on this machine, and not by a server that can be out of reach.
    pub fn is_local(&self) -> bool {
        self.file.is_some()
    }

    /// The ring and its version, if there is one.
    pub async fn load(&self) -> Result<Option<(u64, KeyRing)>, KeysError> {
        let Some(KeptRing { version, bytes }) = self.kept().await? else { return Ok(None) };
        Ok(Some((version, self.ring(bytes)?)))
    }

    /// What is kept, as it is kept.
    pub(super) async fn kept(&self) -> Result<Option<KeptRing>, KeysError> {
        self.place.load().await.map_err(self.failed())
    }

    pub(super) fn ring(&self, kept: Zeroizing<Vec<u8>>) -> Result<KeyRing, KeysError> {
        let json = match &self.seals {
            Some(seals) => {
                seals.open(&kept).map_err(|source| KeysError::Seal { place: self.name.clone(), source })?
            }
            None => kept,
        };
        // What is not text is no JSON either.
        let ring = KeyRing::from_json(std::str::from_utf8(&json).unwrap_or_default())
            .map_err(|source| KeysError::Ring { place: self.name.clone(), source })?;
        self.keep_apart(&ring)?;
        Ok(ring)
    }

    /// Refuses a key that shares material with a secret of the settings.
    fn keep_apart(&self, ring: &KeyRing) -> Result<(), KeysError> {
        let shared = |key: &SigningKey, setting: &str| KeysError::Shared {
            place: self.name.clone(),
            kid: key.kid().to_owned(),
            setting: setting.to_owned(),
        };
        for key in ring.keys().iter().map(RingKey::key) {
            let material = key.material();
            if let Some((setting, _)) = self.secrets.iter().find(|(_, secret)| secret.shares(&material)) {
                return Err(shared(key, setting));
            }
            let previous = self.previous.as_ref().filter(|previous| previous.kid() != key.kid());
            if previous.is_some_and(|previous| previous.material().shares(&material)) {
                return Err(shared(key, "COUNTERSIGN_PREVIOUS_SIGNING_KEY"));
            }
        }
        Ok(())
    }

    /// Makes a ring of one new key, which signs from `now` on.
    ///
    /// # Errors
    /// [`KeysError::Exist`] if there is one already; it is left alone.
    pub async fn generate(&self, algorithm: Algorithm, now: UnixTime) -> Result<KeyRing, KeysError> {
        let ring = KeyRing::new(made(algorithm).await?, now);
        if self.replace(None, &ring).await? { Ok(ring) } else { Err(KeysError::Exist(self.name.clone())) }
    }

    /// Adds a successor, which signs `after` some time from `now` on; of the algorithm of the
    /// newest key unless told otherwise.
    pub async fn rotate(
        &self,
        algorithm: Option<Algorithm>,
        now: UnixTime,
        after: Duration,
        lives: Lives,
    ) -> Result<KeyRing, KeysError> {
        let algorithm = match algorithm {
            Some(algorithm) => algorithm,
            None => self.present().await?.signing(now).algorithm(),
        };
        let successor = made(algorithm).await?;
        self.change(|ring| Ok(Some(ring.rotate(successor.clone(), now, now.plus(after), lives)?))).await
    }

    /// Revokes a key; see [`KeyRing::revoke`]. If it was the last, a new one of the same
    /// algorithm signs from `now` on.
    pub async fn revoke(
        &self,
        kid: &str,
        now: UnixTime,
        keep_sessions: bool,
        lives: Lives,
    ) -> Result<KeyRing, KeysError> {
        let fresh = made(self.present().await?.signing(now).algorithm()).await?;
        self.change(|ring| Ok(Some(ring.revoke(kid, now, keep_sessions, fresh.clone(), lives)?))).await
    }

    /// The ring, which has to be there.
    pub async fn present(&self) -> Result<KeyRing, KeysError> {
        let kept = self.load().await?;
        kept.map(|(_, ring)| ring).ok_or_else(|| KeysError::Missing(self.name.clone()))
    }

    /// Changes the ring as it is at that moment; `None` changes nothing.
    pub(super) async fn change(
        &self,
        change: impl Fn(&KeyRing) -> Result<Option<KeyRing>, KeysError>,
    ) -> Result<KeyRing, KeysError> {
        for _ in 0..ATTEMPTS {
            let Some((version, ring)) = self.load().await? else {
                return Err(KeysError::Missing(self.name.clone()));
            };
            let Some(changed) = change(&ring)? else { return Ok(ring) };
            if self.replace(Some(version), &changed).await? {
                return Ok(changed);
            }
        }
        Err(KeysError::Contended(self.name.clone()))
    }

    async fn replace(&self, seen: Option<u64>, ring: &KeyRing) -> Result<bool, KeysError> {
        let json = ring.to_json();
        let done = match &self.seals {
            Some(seals) => {
                let sealed = seals.seal(json.as_bytes());
                let sealed = sealed.map_err(|source| KeysError::Seal { place: self.name.clone(), source })?;
                self.place.replace(seen, &sealed).await
            }
            None => self.place.replace(seen, json.as_bytes()).await,
        };
        done.map_err(self.failed())
    }

    fn failed(&self) -> impl FnOnce(StoreError) -> KeysError {
        let place = self.name.clone();
        move |source| KeysError::Store { place, source }
    }
}

/// A new key, made where it keeps nobody waiting: finding the primes of RSA takes a while.
pub(super) async fn made(algorithm: Algorithm) -> Result<SigningKey, RingError> {
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await;
    Ok(made.unwrap_or(Err(KeyError::Making))?)
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore").field("name", &self.name).finish_non_exhaustive()
    }
}

//! `countersign keys …`.

use super::{Failure, print, session::shown, warn};
use clap::Subcommand;
use countersign::{
    audit::{Action, Actor, Event, Trail, Witness},
    clock::{Clock, SystemClock, UnixTime},
    config::{KeyPlace, Settings},
    jwt::{Algorithm, KeyRing, RingError, RingKey, SigningKey},
    keys::{KeysError, Keystore},
};
use std::{sync::Arc, time::Duration};

/// The furthest that a successor is announced ahead, in seconds: 30 days.
const MAX_ANNOUNCE: u64 = 30 * 86_400;

/// How long counting sessions may take: no request waits for it, and there may be millions.
const COUNTING: Duration = Duration::from_secs(30);

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the keys, in the order in which they sign, and what each is at this moment.
    List {
        /// Prints a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Makes the first key; it signs at once.
    Generate {
        /// EdDSA, ES256, RS256 or HS256.
        #[arg(long, default_value_t = Algorithm::EdDsa)]
        algorithm: Algorithm,
        /// Prints the key, for COUNTERSIGN_SIGNING_KEY or a file that COUNTERSIGN_SIGNING_KEY_FILE
        /// names, and keeps it nowhere.
        #[arg(long)]
        print: bool,
    },
    /// Publishes a successor, which signs later: when everybody has had the time to hear of it.
    Rotate {
        /// EdDSA, ES256, RS256 or HS256; that of the present key unless it is given.
        #[arg(long)]
        algorithm: Option<Algorithm>,
        /// How many seconds later; COUNTERSIGN_KEYS__ANNOUNCE unless it is given, and not less
        /// than COUNTERSIGN_KEYS__MAX_AGE.
        #[arg(long = "in", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=MAX_ANNOUNCE))]
        after: Option<u64>,
    },
    /// Revokes a key that others know: everything that it signed is refused at once, everywhere.
    ///
    /// If it is the signing key, its successor signs from now on, or a new one. Afterwards it counts the
    /// sessions that are affected; the exit code is 0 if the key is revoked, even if they cannot be counted.
    Revoke {
        /// The key's name, as `keys list` shows it.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Only counts the sessions that would be affected.
        #[arg(long)]
        dry_run: bool,
        /// Ends no session: their access tokens are refused and their refresh tokens good. To
        /// forge one of these takes what is in the store, besides the key.
        #[arg(long)]
        keep_sessions: bool,
    },
}

/// A key that is printed needs no settings, which may not be complete without it.
pub(super) fn printed(command: &Command) -> Option<Result<(), Failure>> {
    let Command::Generate { algorithm, print: true } = command else { return None };
    Some(SigningKey::generate(*algorithm).map_err(|error| Failure::failed(&error)).and_then(|key| {
        let text = key.to_text().unwrap_or_default();
        print(text.trim_end())
    }))
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Failure> {
    let desk = Desk::open(settings).await?;
    let now = SystemClock.now();
    match command {
        Command::List { json } => {
            let ring = desk.ring().await?;
            if json {
                let keys: Vec<_> = ring.keys().iter().map(|key| as_json(&ring, key, now)).collect();
                return print(&format!("{:#}", serde_json::Value::from(keys)));
            }
            ring.keys().iter().try_for_each(|key| print(&as_line(&ring, key, now)))
        }
        Command::Generate { algorithm, .. } => {
            let ring = desk.keystore()?.generate(algorithm, now).await?;
            desk.tell(Action::KeyGenerate, ring.keys()[0].key().kid()).await;
            print(&as_line(&ring, &ring.keys()[0], now))
        }
        Command::Rotate { algorithm, after } => {
            let after = after.map_or(settings.keys.announce, Duration::from_secs);
            if after < settings.keys.max_age {
                let text = format!(
                    "--in: others may keep the published keys for {} seconds (COUNTERSIGN_KEYS__MAX_AGE); \
                     a key that signs sooner meets those that do not have it",
                    settings.keys.max_age.as_secs()
                );
                return Err(Failure::Refused(text));
            }
            let ring = desk.keystore()?.rotate(algorithm, now, after, settings.lives()).await?;
            let newest = ring.keys().iter().rfind(|key| key.life().revoked_at.is_none());
            let Some(newest) = newest else { return Ok(()) };
            desk.tell(Action::KeyRotate, newest.key().kid()).await;
            print(&as_line(&ring, newest, now))
        }
        Command::Revoke { kid, dry_run, keep_sessions } => {
            let ring = desk.keystore()?.present().await?;
            let key = ring.keys().iter().find(|key| key.key().kid() == kid);
            let key = key.ok_or_else(|| KeysError::from(RingError::NoSuchKey(kid.clone())))?;
            let consequence = if keep_sessions { "refresh" } else { "log in again" };
            if dry_run {
                let count = desk.sessions_of(key, now).await?;
                return print(&format!("sessions that have to {consequence}: {count}"));
            }
            // Nothing that only informs may delay or prevent the revocation, so it comes first.
            let revoked = desk.keystore()?.revoke(&kid, now, keep_sessions, settings.lives()).await?;
            desk.tell(Action::KeyRevoke, &kid).await;
            let signing = revoked.keys().iter().find(|key| key.key().kid() == revoked.signing(now).kid());
            if let Some(key) = signing {
                print(&as_line(&revoked, key, now))?;
            }
            match desk.sessions_of(key, now).await {
                Ok(count) => print(&format!("sessions that have to {consequence}: {count}")),
                Err(Failure::Refused(text) | Failure::Failed(text)) => {
                    warn(&format!("the key is revoked; its sessions could not be counted: {text}"));
                    Ok(())
                }
            }
        }
    }
}

/// The keys that a server with these settings has.
pub(super) async fn ring(settings: &Settings) -> Result<KeyRing, Failure> {
    Ok(Desk::open(settings).await?.ring().await?)
}

/// What the commands on keys work with. Only the keys have to be in reach.
struct Desk<'a> {
    settings: &'a Settings,
    keystore: Option<Keystore>,
}

impl<'a> Desk<'a> {
    async fn open(settings: &'a Settings) -> Result<Self, Failure> {
        let keystore = match &settings.keys.place {
            KeyPlace::File { .. } => Keystore::in_file(settings),
            KeyPlace::Database { .. } => Keystore::of(settings, &super::database(settings).await?)?,
            _ => None,
        };
        Ok(Self { settings, keystore })
    }

    /// Records in the audit log what was done to a key, or says on standard error that it could not.
    async fn tell(&self, action: Action, kid: &str) {
        let recorded = async {
            let stores = super::database(self.settings).await?;
            let audit = Trail::open(stores.audit.clone(), Arc::new(SystemClock)).await?;
            Witness::of(Actor::CommandLine, &audit).tell(Event::new(action).detail(kid));
            Ok(audit.flush().await?)
        };
        if let Err(Failure::Refused(text) | Failure::Failed(text)) = recorded.await {
            warn(&format!("done, but not recorded in the audit log: {text}"));
        }
    }

    fn keystore(&self) -> Result<&Keystore, KeysError> {
        self.keystore.as_ref().ok_or(KeysError::Given)
    }

    async fn ring(&self) -> Result<KeyRing, KeysError> {
        match (&self.keystore, &self.settings.keys.place) {
            (Some(keystore), _) => keystore.present().await,
            (None, KeyPlace::Given(key)) => {
                let previous: Vec<_> = self.settings.previous_signing_key.iter().cloned().collect();
                Ok(KeyRing::fixed(SigningKey::clone(key), &previous)?)
            }
            (None, _) => Err(KeysError::Given),
        }
    }

    /// How many live sessions have a refresh token that this key sealed: they were last used
    /// while it signed.
    async fn sessions_of(&self, key: &RingKey, now: UnixTime) -> Result<u64, Failure> {
        let life = key.life();
        // What has been ended before needs no ending.
        if life.seals_until.is_some_and(|until| until <= now) {
            return Ok(0);
        }
        let until = life.retires_at.unwrap_or(UnixTime(u64::MAX));
        let mut settings = self.settings.clone();
        settings.store.deadline = settings.store.deadline.max(COUNTING);
        Ok(super::stores(&settings).await?.sessions.count(life.signs_from..until, now).await?)
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Given | KeysError::NotKept => Self::refused(error),
            _ => Self::failed(&error),
        }
    }
}

fn as_json(ring: &KeyRing, key: &RingKey, now: UnixTime) -> serde_json::Value {
    let mut json = serde_json::json!(key.life());
    json["kid"] = key.key().kid().into();
    json["alg"] = key.key().algorithm().name().into();
    json["stage"] = ring.stage(key, now).as_str().into();
    json
}

fn as_line(ring: &KeyRing, key: &RingKey, now: UnixTime) -> String {
    let life = key.life();
    let mut line =
        format!("{}  {}  {}", key.key().kid(), key.key().algorithm(), ring.stage(key, now).as_str());
    let times = [
        ("published", Some(life.published_at)),
        ("signs from", Some(life.signs_from)),
        ("retires", life.retires_at),
        ("verifies until", life.verifies_until),
        ("revoked", life.revoked_at),
    ];
    for (what, time) in times {
        // A key from the settings has no times.
        if let Some(time) = time.filter(|time| time.0 > 1) {
            line.push_str(&format!("  {what} {}", shown(time)));
        }
    }
    line
}

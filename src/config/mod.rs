//! Settings: read by figment, checked once, and from then on of a type with no unsafe state.
//!
//! Later sources win: the defaults written here, `Rocket.toml`'s `[<profile>.auth]`, the
//! environment's `COUNTERSIGN_*`. [`Settings::load`] reports everything that is wrong together.

mod apart;
mod database;
mod environment;
mod keys;
mod login;
mod metrics;
mod postgres;
mod proxies;
mod rate;
mod reader;
mod redis;
mod scopes;
mod site_names;

pub use self::redis::{RedisUrl, RedisUrlError, Topology};
pub use database::Database;
pub use environment::Environment;
pub use keys::{KeyPlace, KeySettings};
pub use login::LoginSettings;
pub use metrics::MetricsPlace;
pub use postgres::{PostgresUrl, PostgresUrlError};
pub use proxies::TrustedProxies;
pub use rate::RateSettings;
pub use reader::{Problem, SettingsError};
pub use scopes::ScopeSettings;

use crate::{
    jwt::{HmacSecret, Lives, MAX_LEEWAY, MAX_LIFETIME, Material, Rules, SigningKey},
    password::{Argon2Params, FirebaseKey, Hasher, Policy},
};
use apart::Secrets;
use figment::Figment;
use reader::Reader;
use std::{net::IpAddr, time::Duration};

/// Everything that can be set, checked. There is one way to make it, [`Settings::load`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// `DATABASE_URL`: where users live.
    pub database: Database,
    /// `REDIS_URL`: where sessions and revocations live if not there too.
    pub redis: Option<RedisUrl>,
    /// `STORE__…`: how stores that are not in this process are talked to.
    pub store: StoreSettings,
    /// `SIGNING_KEY` or `KEYS__…`: what tokens are signed with, and how that changes.
    pub keys: KeySettings,
    /// `PREVIOUS_SIGNING_KEY`: verifies tokens that were signed before the key was changed.
    pub previous_signing_key: Option<SigningKey>,
    /// `ISSUER`, `AUDIENCE`, `LEEWAY` and `ACCESS_TTL`: what an access token has to say.
    pub access: Rules,
    /// `SCOPES` and `ROLE_SCOPES`: what can be granted, and to whom.
    pub scopes: ScopeSettings,
    /// `PASSWORD__…`: what hashing costs, and which passwords can be chosen.
    pub password: PasswordSettings,
    /// `LOGIN__…`: how many logins may fail.
    pub login: LoginSettings,
    /// `RATE__…`: how often sessions and clients may get tokens and revoke them.
    pub rate: RateSettings,
    /// `REFRESH__…`: how long sessions live.
    pub refresh: RefreshSettings,
    /// `REVOCATION__…`: how long access tokens are taken without word of what was revoked, and
    /// who else may have word of it.
    pub revocation: RevocationSettings,
    /// `AUDIT__RETENTION`: how long the audit trail is kept, in whole seconds.
    pub audit_retention: Duration,
    /// `ORIGINS`: origins besides the server's own whose pages may use the refresh cookie and read answers.
    pub origins: Vec<String>,
    /// `DOCS`: whether `/docs` and `/openapi.json` are served. By default only in the debug profile, and
    /// only by a build that has the feature `docs`.
    pub docs: bool,
    /// `ACCOUNT_PAGE`: whether there is a page at `/account`.
    pub account_page: bool,
    /// `TRUSTED_PROXIES`: who is believed when they say whose request they pass on. By default nobody.
    pub trusted_proxies: TrustedProxies,
    /// `METRICS`: where the metrics are, if anywhere.
    pub metrics: MetricsPlace,
    /// `DRAIN`: how long the server goes on serving after SIGTERM, in whole seconds. Zero by default.
    pub drain: Duration,
    /// Those of [`UNNAMED`] that are not set.
    unnamed: Vec<(&'static str, &'static str)>,
}

/// How stores that are not in this process are talked to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// `STORE__DEADLINE_MS`: whatever takes longer has failed, in milliseconds.
    pub deadline: Duration,
    /// `STORE__CONNECTIONS`: connections to PostgreSQL, or connections that read from an SQLite file, of which
    /// there are at most 8.
    pub connections: u32,
    /// `STORE__NAMESPACE`: what stands in braces before every key in Redis.
    pub namespace: String,
}

/// How long sessions live, in whole seconds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshSettings {
    /// `REFRESH__IDLE`: a session not refreshed for this long is over.
    pub idle: Duration,
    /// `REFRESH__ABSOLUTE`: a session as old as this is over, however much it is used.
    pub absolute: Duration,
    /// `REFRESH__GRACE`: how long a token that was just replaced is answered with its successor.
    pub grace: Duration,
    /// `REFRESH__SESSIONS_PER_USER`: beyond it, the session used longest ago ends.
    pub sessions_per_user: u32,
}

/// What becomes of access tokens while the store of sessions does not say what was revoked, and
/// who else is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RevocationSettings {
    /// `REVOCATION__MAX_STALENESS`: how long they are taken all the same, in whole seconds.
    pub max_staleness: Duration,
    /// `REVOCATION__WHEN_STALE`: what happens then.
    pub when_stale: WhenStale,
    /// `REVOCATION__FEED_SECRET`: by it, resource servers may follow what is revoked here.
    /// Without it there is no such route.
    pub feed_secret: Option<HmacSecret>,
}

/// What becomes of an access token that may have been revoked without our hearing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStale {
    /// `refuse`: 503 until there is word again.
    Refuse,
    /// `accept`: it is taken until it expires, so a revocation may come too late.
    Accept,
}

/// What a password hash costs, how many are computed at a time, and which passwords can be chosen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PasswordSettings {
    /// `PASSWORD__MEMORY_KIB`, `PASSWORD__ITERATIONS`, `PASSWORD__LANES`.
    pub params: Argon2Params,
    /// `PASSWORD__PERMITS`: hashes at a time; each costs the memory of one.
    pub permits: usize,
    /// `PASSWORD__QUEUE`: how many may wait for a permit; beyond it, logins answer 503 at once.
    pub queue: usize,
    /// `PASSWORD__SITE_NAMES`, and what `ISSUER` and `ORIGINS` are called: not inside a password.
    pub policy: Policy,
    /// `PASSWORD__FIREBASE_KEY`: verifies the hashes of users who come from that project.
    pub firebase_key: Option<FirebaseKey>,
}

/// Settings whose value is a secret: never in `Rocket.toml`, never shown, readable from a file
/// named by `COUNTERSIGN_<NAME>_FILE`.
const SECRETS: [&str; 8] = [
    "signing_key",
    "previous_signing_key",
    "keys.encryption_key",
    "keys.previous_encryption_key",
    "revocation.feed_secret",
    "password.firebase_key",
    "database_url",
    "redis_url",
];

/// Settings whose default is for development only, and why.
const UNNAMED: [(&str, &str); 2] = [
    (
        "issuer",
        "is not set, so tokens name \"countersign\" as their issuer, like those of every other server \
         without it; set it to the URL of this server, such as https://login.example.org",
    ),
    (
        "audience",
        "is not set, so tokens are for the audience \"countersign\", like those of every other server \
         without it; set it to the name of what accepts them, such as https://api.example.org",
    ),
];

/// The least and the usual retention of the audit trail, in seconds: a day, beneath which no store lets
/// lines go, and 90.
const MIN_RETENTION: u64 = 86_400;
const USUAL_RETENTION: u64 = 90 * MIN_RETENTION;

impl WhenStale {
    /// As it is set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Accept => "accept",
        }
    }
}

impl Settings {
    /// Reads and checks all settings. `figment` is Rocket's: its `auth` table, its profile and
    /// its address count here. The address matters because a development key is made only
    /// where nobody else can reach the server.
    ///
    /// ```
    /// use countersign::config::{Environment, Settings};
    ///
    /// let environment = Environment::from_pairs([
    ///     ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"),
    ///     ("COUNTERSIGN_LEEWAY", "3600"),
    /// ]);
    /// let error = Settings::load(&rocket::Config::figment(), environment).unwrap_err();
    /// assert_eq!(error.to_string(), "COUNTERSIGN_LEEWAY: must be a whole number from 0 to 60");
    /// ```
    pub fn load(figment: &Figment, environment: Environment) -> Result<Self, SettingsError> {
        let development = figment.profile() == "debug" && is_loopback(figment);
        let mut reader = Reader::new(figment, environment);

        let database = reader.parsed("database_url", Database::parse).unwrap_or_default();
        let redis = reader.parsed("redis_url", RedisUrl::parse);
        let store = store(&mut reader);
        let previous_signing_key = reader.signing_key("previous_signing_key");
        let keys = keys::read(&mut reader, &database, development);
        let unnamed = UNNAMED.iter().filter(|(setting, _)| !reader.is_set(setting)).copied().collect();
        let access = Rules {
            issuer: reader.name("issuer").unwrap_or_else(|| "countersign".into()),
            audience: reader.name("audience").unwrap_or_else(|| "countersign".into()),
            leeway: Duration::from_secs(reader.integer("leeway", 0..=MAX_LEEWAY.as_secs()).unwrap_or(5)),
            max_lifetime: Duration::from_secs(
                reader.integer("access_ttl", 30..=MAX_LIFETIME.as_secs()).unwrap_or(900),
            ),
        };
        let scopes = scopes::read(&mut reader);
        let mut password = password(&mut reader);
        let login = login::read(&mut reader);
        let rate = rate::read(&mut reader);
        let refresh = refresh(&mut reader);
        let revocation = revocation(&mut reader);
        let secrets = Secrets {
            keys: keys.as_ref(),
            previous_signing_key: previous_signing_key.as_ref(),
            feed_secret: revocation.feed_secret.as_ref(),
            firebase_key: password.firebase_key.as_ref(),
        };
        secrets.check(&mut reader);
        let audit_retention = reader.integer("audit.retention", MIN_RETENTION..=34_560_000);
        let audit_retention = Duration::from_secs(audit_retention.unwrap_or(USUAL_RETENTION));
        let origins = reader.origins("origins");
        password.policy = site_names::read(&mut reader, &access.issuer, &origins);
        let account_page = reader.switch("account_page").unwrap_or(true);
        let trusted_proxies = reader.list("trusted_proxies", TrustedProxies::parse).unwrap_or_default();
        let metrics = metrics::read(&mut reader, figment.profile() == "debug");
        let drain = Duration::from_secs(reader.integer("drain", 0..=3_600).unwrap_or(0));
        let debug = figment.profile() == "debug" && cfg!(feature = "docs");
        let docs = reader.switch("docs").unwrap_or(debug);
        let problems = reader.finish();
        match keys {
            Some(keys) if problems.is_empty() => Ok(Self {
                database,
                redis,
                store,
                keys,
                previous_signing_key,
                access,
                scopes,
                password,
                login,
                rate,
                refresh,
                revocation,
                audit_retention,
                origins,
                docs,
                account_page,
                trusted_proxies,
                metrics,
                drain,
                unnamed,
            }),
            _ => Err(SettingsError(problems)),
        }
    }

    /// What should be set in production and is not.
    pub fn warnings(&self) -> Vec<Problem> {
        self.unnamed.iter().map(|(setting, text)| Problem::of_environment(setting, text)).collect()
    }

    /// What is secret here and signs nothing: the setting and the material of each.
    pub(crate) fn secrets(&self) -> Vec<(String, Material)> {
        let secrets = Secrets {
            keys: Some(&self.keys),
            previous_signing_key: self.previous_signing_key.as_ref(),
            feed_secret: self.revocation.feed_secret.as_ref(),
            firebase_key: self.password.firebase_key.as_ref(),
        };
        secrets.others().into_iter().map(|(key, material)| (environment::name(key), material)).collect()
    }

    /// How long what a key has made may be good for.
    pub fn lives(&self) -> Lives {
        // The longest that any process may be set to, since whoever rotates need not be set like
        // whoever signs; and clocks differ for those that sign and for those that verify.
        Lives { access: MAX_LIFETIME + MAX_LEEWAY + MAX_LEEWAY, session: self.refresh.idle }
    }
}

fn is_loopback(figment: &Figment) -> bool {
    // An address that is none keeps Rocket from launching, and Rocket says so best.
    figment.extract_inner::<IpAddr>("address").map_or(true, |address| address.is_loopback())
}

fn store(reader: &mut Reader) -> StoreSettings {
    let namespace = reader.parsed("store.namespace", |text| {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if fits { Ok(text.to_owned()) } else { Err("must be 1 to 64 letters, digits, '-', '_' or '.'") }
    });
    StoreSettings {
        deadline: Duration::from_millis(reader.integer("store.deadline_ms", 50..=30_000).unwrap_or(500)),
        connections: reader.integer("store.connections", 1..=500).unwrap_or(10) as u32,
        namespace: namespace.unwrap_or_else(|| "countersign".into()),
    }
}

fn refresh(reader: &mut Reader) -> RefreshSettings {
    const DAY: u64 = 86_400;
    let idle = reader.integer("refresh.idle", 60..=400 * DAY).unwrap_or(14 * DAY);
    let absolute = reader.integer("refresh.absolute", 60..=400 * DAY).unwrap_or(90 * DAY);
    let grace = reader.integer("refresh.grace", 0..=300).unwrap_or(10);
    let sessions_per_user = reader.integer("refresh.sessions_per_user", 1..=10_000).unwrap_or(50);
    if idle > absolute {
        reader.problem("refresh.idle", "must not be longer than the absolute lifetime");
    }
    RefreshSettings {
        idle: Duration::from_secs(idle),
        absolute: Duration::from_secs(absolute),
        grace: Duration::from_secs(grace),
        sessions_per_user: sessions_per_user as u32,
    }
}

fn revocation(reader: &mut Reader) -> RevocationSettings {
    let max_staleness = reader.integer("revocation.max_staleness", 1..=86_400).unwrap_or(30);
    let when_stale = reader.parsed("revocation.when_stale", |text| match text {
        "refuse" => Ok(WhenStale::Refuse),
        "accept" => Ok(WhenStale::Accept),
        _ => Err("must be refuse or accept"),
    });
    RevocationSettings {
        max_staleness: Duration::from_secs(max_staleness),
        when_stale: when_stale.unwrap_or(WhenStale::Refuse),
        feed_secret: feed_secret(reader),
    }
}

/// It travels in a header (RFC 6750 §2.1), so it has to fit into one.
fn feed_secret(reader: &mut Reader) -> Option<HmacSecret> {
    let secret = reader.secret("revocation.feed_secret")?;
    if secret.bytes().iter().all(u8::is_ascii_graphic) {
        return Some(secret);
    }
    reader.problem("revocation.feed_secret", "must be visible ASCII characters, to be sent in a header");
    None
}

fn password(reader: &mut Reader) -> PasswordSettings {
    let usual = Argon2Params::default();
    let mut number = |key, range, usual: u32| match reader.integer(key, range) {
        Some(number) => number as u32,
        None => usual,
    };
    let memory_kib = number("password.memory_kib", Argon2Params::MEMORY_KIB, usual.memory_kib());
    let iterations = number("password.iterations", Argon2Params::ITERATIONS, usual.iterations());
    let lanes = number("password.lanes", Argon2Params::LANES, usual.lanes());
    let params = Argon2Params::new(memory_kib, iterations, lanes).unwrap_or_else(|error| {
        reader.problem("password.memory_kib", &error.to_string());
        usual
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let permits = reader.integer("password.permits", 1..=1024);
    let permits = permits.map_or(cores.saturating_sub(1).max(1), |permits| permits as usize);
    let queue = reader.integer("password.queue", 1..=65_536);
    let queue = queue.map_or(permits * Hasher::QUEUE_PER_PERMIT, |queue| queue as usize);
    let firebase_key = reader.parsed("password.firebase_key", |text| {
        FirebaseKey::parse(text).ok_or("must be the project's base64_signer_key, 64 bytes in Base64")
    });
    PasswordSettings { params, permits, queue, policy: Policy::default(), firebase_key }
}

//! The fairing that puts everything into a Rocket.

use super::{admin, bearer, catcher, health, me, pool, token};
use crate::{
    clock::{Clock, SystemClock},
    config::{Database, Environment, Settings},
    grant::Authority,
    jwt::{AccessTokens, SigningKey},
    password::Hasher,
    store::{UserStore, memory::MemoryStore},
};
use rocket::{
    Build, Request, Response, Rocket, async_trait,
    data::Data,
    fairing::{self, Fairing, Info, Kind},
    routes,
};
use rocket_db_pools::Database as _;
use std::{error::Error, sync::Arc};

/// Countersign as a fairing: routes, guards, catchers and the store behind them.
///
/// ```
/// # use rocket::{get, routes};
/// use countersign::{CurrentUser, stage};
///
/// #[get("/hello")]
/// fn hello(user: &CurrentUser) -> String {
///     format!("Hello, {}", user.username())
/// }
///
/// let rocket = rocket::build().attach(stage()).mount("/", routes![hello]);
/// ```
///
/// Settings come from Rocket's figment (the table `auth`) and from the environment. An error in
/// them, or a store that cannot be opened, aborts the launch.
pub fn stage() -> Stage {
    Stage { base: "/".into(), settings: None, clock: None, users: None }
}

/// What [`stage()`] makes: a fairing whose parts can be replaced before it is attached.
pub struct Stage {
    base: String,
    settings: Option<Settings>,
    clock: Option<Arc<dyn Clock>>,
    users: Option<Arc<dyn UserStore>>,
}

impl Stage {
    /// Mounts the routes below `base` instead of `/`.
    pub fn mounted_at(mut self, base: &str) -> Self {
        self.base = base.into();
        self
    }

    /// Takes these settings instead of reading them.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Takes the time from `clock` instead of the operating system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Keeps users in a store of your own instead of the one that `DATABASE_URL` names.
    pub fn users(mut self, users: Arc<dyn UserStore>) -> Self {
        self.users = Some(users);
        self
    }

    fn settings_for(&self, rocket: &Rocket<Build>) -> Result<Settings, Box<dyn Error>> {
        match &self.settings {
            Some(settings) => Ok(settings.clone()),
            None => Ok(Settings::load(rocket.figment(), Environment::of_process())?),
        }
    }
}

#[async_trait]
impl Fairing for Stage {
    fn info(&self) -> Info {
        Info { name: "Countersign", kind: Kind::Ignite | Kind::Request | Kind::Response }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let settings = match self.settings_for(&rocket) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!("the settings are wrong:\n{error}");
                return Err(rocket);
            }
        };
        let rocket = mount(rocket, &self.base);
        let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        match (&self.users, &settings.database) {
            (Some(users), _) => manage(rocket, &settings, users.clone(), clock),
            (None, Database::Memory) => manage(rocket, &settings, Arc::new(MemoryStore::new()), clock),
            (None, Database::Sqlite(path)) => {
                let url = (format!("databases.{}.url", pool::Sqlite::NAME), path);
                let figment = rocket.figment().clone().merge(url);
                let rest = fairing::AdHoc::try_on_ignite("Countersign's store", move |rocket| async move {
                    match pool::Sqlite::fetch(&rocket).map(|database| database.store()) {
                        Some(store) => manage(rocket, &settings, Arc::new(store), clock),
                        None => Err(rocket),
                    }
                });
                Ok(rocket.configure(figment).attach(pool::Sqlite::init()).attach(rest))
            }
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        bearer::note_token_in_body(request, data).await;
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        catcher::challenge(request, response);
    }
}

fn mount(rocket: Rocket<Build>, base: &str) -> Rocket<Build> {
    let routes = routes![token::token, me::me, admin::users, health::live, health::ready,];
    let rocket = rocket.mount(base, routes);
    // An application that has catchers of its own keeps them.
    let taken = rocket.catchers().any(|catcher| catcher.base == "/" && catcher.code.is_none());
    if taken { rocket } else { rocket.register("/", catcher::catchers()) }
}

#[expect(clippy::result_large_err, reason = "it is the result that Rocket's fairings have")]
fn manage(
    rocket: Rocket<Build>,
    settings: &Settings,
    users: Arc<dyn UserStore>,
    clock: Arc<dyn Clock>,
) -> fairing::Result {
    match authority(settings, users, clock) {
        Ok(authority) => Ok(rocket.manage(authority)),
        Err(error) => {
            tracing::error!("{error}");
            Err(rocket)
        }
    }
}

fn authority(
    settings: &Settings,
    users: Arc<dyn UserStore>,
    clock: Arc<dyn Clock>,
) -> Result<Authority, Box<dyn Error>> {
    let signing = SigningKey::hs256(&settings.signing_secret()?);
    let previous: Vec<_> = settings.previous_signing_key.iter().map(SigningKey::hs256).collect();
    Ok(Authority {
        users,
        hasher: Hasher::new(settings.password.params, settings.password.permits)?,
        tokens: AccessTokens::new(signing, &previous, settings.access.clone())?,
        scopes: settings.scopes.clone(),
        clock,
    })
}

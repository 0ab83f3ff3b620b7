//! The fairing that puts everything into a Rocket.

use super::{
    account, admin, bearer, catcher, cors,
    drain::{self, Drain},
    form_method::{self, OurRoutes},
    guard,
    health::{self, HealthCheck},
    housekeeping, introspect, logout, malformed, me,
    metrics::{self, LogLines, Metrics},
    openapi, pool, revocations, revoke, sessions,
    started::Started,
    token, well_known,
};
use crate::{
    account::Accounts,
    audit::Actor,
    clock::{Clock, SystemClock},
    config::{Environment, MetricsPlace, Settings, WhenStale},
    grant::Authority,
    store::{Severity, Stores, causes},
};
use rocket::{
    Build, Config, Orbit, Request, Response, Rocket, Shutdown, async_trait,
    data::Data,
    fairing::{self, AdHoc, Fairing, Info, Kind},
    routes, tokio,
};
use std::{error::Error, sync::Arc, time::Duration};
use utoipa::openapi::OpenApi;

/// How often hashes are looked through for the slowest.
const SET_FLOOR_EVERY: Duration = Duration::from_secs(3_600);

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
    Stage {
        base: "/".into(),
        settings: None,
        clock: None,
        stores: None,
        openapi: None,
        is_strict: false,
        log_lines: None,
    }
}

/// What [`stage()`] makes: a fairing whose parts can be replaced before it is attached.
pub struct Stage {
    base: String,
    settings: Option<Settings>,
    clock: Option<Arc<dyn Clock>>,
    stores: Option<Stores>,
    openapi: Option<OpenApi>,
    is_strict: bool,
    log_lines: Option<LogLines>,
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

    /// Keeps users and sessions in stores of your own instead of the one that `DATABASE_URL` names.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Serves this document of the app's own routes and [ours](super::openapi::document) as one, where the
    /// setting `DOCS` is on. What stands in both is taken from the app's.
    ///
    /// ```
    /// use countersign::{stage, web::openapi::utoipa};
    /// use utoipa::OpenApi;
    ///
    /// #[derive(utoipa::OpenApi)]
    /// #[openapi(info(title = "Orders"))]
    /// struct Mine;
    ///
    /// let rocket = rocket::build().attach(stage().openapi(Mine::openapi()));
    /// ```
    pub fn openapi(mut self, document: OpenApi) -> Self {
        self.openapi = Some(document);
        self
    }

    /// Holds all requests to HTTP, those of the app's own routes too.
    ///
    /// - The field `_method` of a form does not change the request's method. Without this, Rocket's
    ///   rewriting stays as it is on the app's own routes, but for `HEAD`, whose answer would never
    ///   arrive. On Countersign's routes it never counts.
    /// - A request without the header `Host` is answered 400 (RFC 9112 §3.2), by HTTP/1.0 too, since
    ///   Rocket does not tell the versions apart. Rocket's own test client sends none.
    ///
    /// A request with two `Host` headers is always answered 400, and so is one whose body breaks off. Attach
    /// the stage before fairings of your own that look at the body.
    pub fn strict_http(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Shows how many lines of the app's log were dropped as `countersign_log_lines_dropped_total` in
    /// the metrics, for a log that drops what it cannot write in time. `count` returns how many.
    pub fn dropped_log_lines(mut self, count: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.log_lines = Some(LogLines::dropped(count));
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
        Info {
            name: "Countersign",
            kind: Kind::Ignite | Kind::Liftoff | Kind::Request | Kind::Response | Kind::Shutdown,
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let settings = match self.settings_for(&rocket) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!("the settings are wrong:\n{error}");
                return Err(rocket);
            }
        };
        if rocket.figment().profile() != Config::DEBUG_PROFILE {
            for warning in settings.warnings() {
                tracing::warn!("{warning}");
            }
        }
        let others = rocket.routes().count();
        let rocket = mount(rocket, &self.base, &settings);
        // A second stage is refused later, and with a sentence.
        let is_first = rocket.state::<Drain>().is_none();
        let rocket = if is_first { drain::prepare(rocket, settings.drain) } else { rocket };
        let rocket = if settings.docs {
            openapi::mount(rocket, &settings, &self.base, self.openapi.as_ref())
        } else {
            rocket
        };
        let ours = OurRoutes::mounted_after(others, &rocket);
        let rocket = if is_first { rocket.manage(ours) } else { rocket };
        let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        if let Some(stores) = &self.stores {
            return manage(rocket, settings, stores.clone(), clock, self.log_lines.clone()).await;
        }
        let rest = AdHoc::try_on_ignite("Countersign's stores", {
            let (settings, log_lines) = (settings.clone(), self.log_lines.clone());
            |rocket| async move {
                match pool::stores(&rocket, &settings) {
                    Some(stores) => manage(rocket, settings, stores, clock, log_lines).await,
                    None => Err(rocket),
                }
            }
        });
        Ok(pool::attach(rocket, &settings).attach(rest))
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        drain::follow(rocket);
        if let Some(metrics) = rocket.state::<Metrics>() {
            metrics.know_routes(rocket);
        }
        if let Some(authority) = rocket.state::<Authority>() {
            let (revocations, keys) = (authority.revocations.clone(), authority.keys.clone());
            let tidied = authority.clone();
            let mut end = rocket.shutdown();
            let patience = authority.revocation.max_staleness;
            let consequence = match authority.revocation.when_stale {
                WhenStale::Refuse => "access tokens are refused (503) until there is",
                WhenStale::Accept => "access tokens are taken all the same, as the settings say",
            };
            let audit = authority.audit.clone();
            // Not ended with the others: requests that are answered last are told of too, and may leave
            // something to be revoked.
            tokio::spawn(async move { audit.follow().await });
            let (owing, clients) = (authority.revocations.clone(), authority.stores.clients.clone());
            tokio::spawn(async move { owing.retry(clients.as_deref()).await });
            tokio::spawn(keep_floor(authority.accounts(Actor::Server), rocket.shutdown()));
            tokio::spawn(async move {
                let following = revocations.follow(patience, consequence);
                let work = async { tokio::join!(following, keys.follow(), housekeeping::run(&tidied)) };
                tokio::select! { _ = work => {}, _ = &mut end => {} }
            });
        }
    }

    async fn on_shutdown(&self, rocket: &Rocket<Orbit>) {
        if let Some(drain) = rocket.state::<Drain>() {
            drain.begin();
        }
        if let Some(authority) = rocket.state::<Authority>() {
            authority.revocations.end(authority.stores.clients.as_deref()).await;
            authority.audit.end().await;
        }
        if let Some(listener) = rocket.state::<metrics::Listener>() {
            listener.end();
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        if request.rocket().state::<Metrics>().is_some() {
            Started::of(request);
        }
        if !malformed::check(request, data, self.is_strict).await {
            form_method::undo(request, data, self.is_strict).await;
            bearer::note_token_in_body(request, data).await;
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        malformed::answer(request, response);
        catcher::challenge(request, response);
        if let Some(settings) = request.rocket().state::<Settings>() {
            cors::allow(request, response, &settings.origins);
        }
        account::shield(request, response);
        if let Some(drain) = request.rocket().state::<Drain>() {
            drain.part(response);
        }
        if let Some(metrics) = request.rocket().state::<Metrics>() {
            metrics.note(request, response);
        }
    }
}

/// What Rocket runs on, which a blocking client keeps to itself.
#[cfg(feature = "testing")]
pub(crate) struct Runtime(pub(crate) tokio::runtime::Handle);

fn mount(rocket: Rocket<Build>, base: &str, settings: &Settings) -> Rocket<Build> {
    let mut routes = routes![
        token::token,
        logout::logout,
        me::me,
        me::password,
        revoke::revoke,
        introspect::introspect,
        sessions::list,
        sessions::end,
        sessions::end_all,
        admin::users::list,
        admin::users::show,
        admin::users::add,
        admin::users::change,
        admin::users::delete,
        admin::users::password::set,
        admin::users::sessions::list,
        admin::users::sessions::end,
        admin::users::sessions::end_all,
        admin::clients::list,
        admin::clients::show,
        admin::clients::add,
        admin::clients::change,
        admin::clients::rotate_secret,
        admin::clients::delete,
        health::live,
        health::ready,
        well_known::jwks,
    ];
    if settings.metrics == MetricsPlace::Here {
        routes.extend(routes![metrics::metrics]);
    }
    if settings.revocation.feed_secret.is_some() {
        routes.extend(routes![revocations::revocations]);
    }
    if settings.account_page {
        routes.extend(routes![account::page, account::file]);
    }
    let rocket = well_known::mount(catcher::register(rocket.mount(base, routes)), settings, base);
    // A second stage is refused later, and with a sentence.
    let is_first = rocket.state::<revocations::Waiting>().is_none();
    if is_first { rocket.manage(revocations::Waiting::default()) } else { rocket }
}

async fn manage(
    rocket: Rocket<Build>,
    settings: Settings,
    stores: Stores,
    clock: Arc<dyn Clock>,
    log_lines: Option<LogLines>,
) -> fairing::Result {
    if !guard::is_free(&rocket) {
        return Err(rocket);
    }
    match stores.checkup(clock.now(), settings.access.leeway).await {
        Ok(findings) => {
            for finding in &findings {
                match finding.severity {
                    Severity::Warning => tracing::warn!("{finding}"),
                    Severity::Refusal => tracing::error!("{finding}"),
                }
            }
            if findings.iter().any(|finding| finding.severity == Severity::Refusal) {
                return Err(rocket);
            }
        }
        Err(error) => {
            tracing::error!("a store does not say how it is set up: {}", causes(&error));
            return Err(rocket);
        }
    }
    match Authority::open(&settings, stores, clock).await {
        Ok(authority) => {
            #[cfg(feature = "testing")]
            let rocket = rocket.manage(Runtime(tokio::runtime::Handle::current()));
            let drain = rocket.state().cloned().unwrap_or_default();
            let health = HealthCheck::of(&authority, &drain, settings.metrics == MetricsPlace::Here);
            let rocket = count(rocket, &settings, &authority, &health, log_lines).await?;
            Ok(rocket.manage(authority).manage(health).manage(settings))
        }
        Err(error) => {
            tracing::error!("{}", causes(&*error));
            Err(rocket)
        }
    }
}

/// Counts requests for whoever watches, if the settings say so.
async fn count(
    rocket: Rocket<Build>,
    settings: &Settings,
    authority: &Authority,
    health: &HealthCheck,
    log_lines: Option<LogLines>,
) -> fairing::Result {
    if settings.metrics == MetricsPlace::Off {
        return Ok(rocket);
    }
    let metrics = Metrics::of(authority, health, log_lines);
    let MetricsPlace::At(address) = settings.metrics else { return Ok(rocket.manage(metrics)) };
    match metrics::Listener::start(address, metrics.clone()).await {
        Ok(listener) => {
            tracing::info!("the metrics are at http://{}/metrics", listener.address);
            Ok(rocket.manage(metrics).manage(listener))
        }
        Err(error) => {
            tracing::error!("METRICS: the address {address} cannot be used: {error}");
            Err(rocket)
        }
    }
}

/// Lets failed logins take as long as the slowest hash that is there, now and as these are replaced.
async fn keep_floor(accounts: Accounts, mut end: Shutdown) {
    loop {
        if let Err(error) = accounts.set_floor().await {
            tracing::warn!("what the present hashes cost is not known: {}", causes(&error));
        }
        tokio::select! { _ = tokio::time::sleep(SET_FLOOR_EVERY) => {}, _ = &mut end => return }
    }
}

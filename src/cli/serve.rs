//! `countersign serve`.

use super::{Failure, log, settings};
use countersign::{
    account::AccountError,
    audit::Actor,
    grant::Authority,
    keys::{KeysError, Keystore},
    password::Password,
    stage,
    user::{RoleName, Username},
    web::{RequestLog, SecurityHeaders},
};
use rocket::{
    Config, Orbit, Rocket,
    config::Ident,
    error::ErrorKind,
    fairing::AdHoc,
    figment::{
        Error, Figment, Profile,
        error::Kind,
        providers::{Env, Format, Toml},
    },
};
use std::io::Write;

/// Rocket's own configuration, with quieter defaults: no `Server` header, and no header that
/// lets a client say what its address is.
pub(super) fn figment() -> Figment {
    Figment::from(Config::default())
        .merge((Config::IDENT, Ident::none()))
        .merge(("ip_header", false))
        .merge(("cli_colors", false))
        .merge(Toml::file(Env::var_or("ROCKET_CONFIG", "Rocket.toml")).nested())
        .merge(Env::prefixed("ROCKET_").ignore(&["PROFILE"]).global())
        .select(Profile::from_env_or("ROCKET_PROFILE", Config::DEFAULT_PROFILE))
}

/// Rocket's own settings, checked here since Rocket panics over them, and shows their values.
pub(super) fn check(figment: &Figment) -> Result<(), Failure> {
    let Err(errors) = figment.extract::<Config>() else {
        return match figment.find_value("tls") {
            Ok(_) => Err(Failure::Refused("tls: this server speaks none; put a proxy in front".into())),
            Err(_) => Ok(()),
        };
    };
    let lines: Vec<_> = errors.into_iter().map(|error| sentence(&error)).collect();
    Err(Failure::Refused(format!("Rocket's settings are wrong:\n{}", lines.join("\n"))))
}

/// What is wrong, where, and not what the value was.
fn sentence(error: &Error) -> String {
    let source = error.metadata.as_ref().map_or("Rocket's settings".into(), |metadata| {
        metadata.source.as_ref().map_or(metadata.name.to_string(), ToString::to_string)
    });
    let path = error.path.join(".");
    match &error.kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            let expected = if expected == "usize" { "a whole number" } else { expected };
            format!("{path} ({source}): must be {expected}")
        }
        Kind::UnknownVariant(_, expected) => {
            format!("{path} ({source}): must be one of {}", expected.join(", "))
        }
        // A message may quote the lines around it; the first says where they are.
        kind => {
            let text = kind.to_string();
            let first = text.lines().next().unwrap_or_default().to_owned();
            let place = if path.is_empty() { source } else { format!("{path} ({source})") };
            format!("{place}: {first}")
        }
    }
}

pub(super) async fn run(figment: Figment) -> Result<(), Failure> {
    let settings = settings(&figment)?;
    let address = format!(
        "{}:{}",
        figment.extract_inner::<String>("address").unwrap_or_default(),
        figment.extract_inner::<u16>("port").unwrap_or_default()
    );
    // Asked for here so that a key file that cannot be used is a sentence and not a failed launch.
    if let Some(keystore) = Keystore::in_file(&settings)
        && keystore.load().await.map_err(|error| Failure::failed(&error))?.is_none()
        && !settings.keys.place.is_made()
    {
        return Err(Failure::failed(&KeysError::Missing(keystore.name().to_owned())));
    }
    let development = figment.profile() == Config::DEBUG_PROFILE;
    let rocket = rocket::custom(figment)
        .attach(stage().settings(settings).strict_http().dropped_log_lines(log::lost))
        .attach(AdHoc::on_liftoff("Countersign is up", move |rocket| {
            Box::pin(announce(rocket, development))
        }));
    let rocket = rocket.attach(AdHoc::on_liftoff("Reloading on SIGHUP", |rocket| {
        Box::pin(async move { reload_on_hangup(rocket) })
    }));
    let rocket = rocket.attach(AdHoc::on_response("Chunked requests are last", |request, response| {
        Box::pin(async move {
            // RFC 9112 §6.3: hyper reads a request with both a length and chunks by its chunks and
            // hides the length; whoever sends such a thing gets no second request on the connection.
            if request.headers().contains("Transfer-Encoding") {
                response.set_raw_header("Connection", "close");
            }
        })
    }));
    // After all others, so that they see the answer as it is sent.
    let rocket = rocket.attach(SecurityHeaders).attach(RequestLog);
    match rocket.launch().await {
        Ok(rocket) => last_words(rocket.state()).await,
        Err(error) => match error.kind() {
            ErrorKind::Shutdown(rocket, None) => {
                tracing::warn!("ended before all requests were answered: they took longer than Rocket waits");
                last_words(rocket.state()).await;
            }
            kind => return Err(refusal(kind, &address)),
        },
    }
    Ok(())
}

/// What was answered last is told of too.
async fn last_words(authority: Option<&Authority>) {
    if let Some(authority) = authority {
        authority.revocations.end(authority.stores.clients.as_deref()).await;
        authority.audit.end().await;
    }
}

/// Reads the keys again whenever it is told to (SIGHUP), as servers do.
#[cfg(unix)]
fn reload_on_hangup(rocket: &Rocket<Orbit>) {
    use rocket::tokio::{
        self,
        signal::unix::{SignalKind, signal},
    };
    let Some(keys) = rocket.state::<Authority>().map(|authority| authority.keys.clone()) else { return };
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::error!("SIGHUP will end the server: {error}"),
    };
    let mut end = rocket.shutdown();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = hangups.recv() => {}
                () = &mut end => return,
            }
            match keys.reload().await {
                Ok(true) => {}
                Ok(false) => tracing::info!("SIGHUP: the keys are as they were"),
                Err(error) => tracing::error!("SIGHUP: {}", countersign::store::causes(&error)),
            }
        }
    });
}

#[cfg(not(unix))]
fn reload_on_hangup(_: &Rocket<Orbit>) {}

/// What kept Rocket from launching.
fn refusal(kind: &ErrorKind, address: &str) -> Failure {
    match kind {
        ErrorKind::Bind(error) => Failure::Failed(format!("the address {address} cannot be used: {error}")),
        ErrorKind::Io(error) => Failure::Failed(error.to_string()),
        ErrorKind::Config(error) => Failure::Refused(format!("Rocket's configuration is wrong: {error}")),
        ErrorKind::FailedFairings(_) => Failure::Failed("could not start; the log says why".into()),
        kind => Failure::Failed(kind.to_string()),
    }
}

async fn announce(rocket: &Rocket<Orbit>, development: bool) {
    if let Some(authority) = rocket.state::<Authority>()
        && let Err(error) = first_admin(authority, development).await
    {
        tracing::error!(error = &error as &dyn std::error::Error, "the first admin could not be made");
    }
    let Config { address, port, .. } = rocket.config();
    let address = std::net::SocketAddr::new(*address, *port);
    // Whoever started the server may not be listening; that is no reason to stop.
    let _ = writeln!(std::io::stdout(), "countersign: listening on http://{address}");
}

/// Makes the first admin of an empty store, in development; elsewhere says how it is done.
async fn first_admin(authority: &Authority, development: bool) -> Result<(), AccountError> {
    let accounts = authority.accounts(Actor::Server);
    if !accounts.list(None, 1).await?.is_empty() {
        return Ok(());
    }
    if !development {
        tracing::warn!("there are no users yet; add one with: countersign user add NAME --role admin");
        return Ok(());
    }
    let username: Username = "admin".parse().expect("a user name");
    let role: RoleName = "admin".parse().expect("a role's name");
    let Ok(password) = Password::random() else { return Ok(()) };
    // Not through the log, which may be kept: this is shown once, to whoever started the server,
    // and before the account is made, so that there is none whose password nobody was told.
    let line = format!("countersign: first admin: username admin, password {}\n", password.reveal());
    if !log::write_now(&line) {
        tracing::error!("the first admin's password could not be shown, so there is no first admin");
        return Ok(());
    }
    match accounts.add(username, password, [role].into(), authority.clock.now()).await {
        Ok(_) => Ok(()),
        Err(AccountError::NameTaken) => {
            log::write("countersign: another instance has made the first admin; use its password\n");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

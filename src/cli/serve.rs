//! `countersign serve`.

use super::{Failure, settings};
use countersign::{
    account::AccountError,
    grant::Authority,
    password::Password,
    stage,
    user::{RoleName, Username},
};
use rocket::{
    Config, Orbit, Rocket,
    config::Ident,
    fairing::AdHoc,
    figment::{
        Figment, Profile,
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

pub(super) async fn run(figment: Figment) -> Result<(), Failure> {
    let settings = settings(&figment)?;
    // Asked for here so that a key file that cannot be used is a sentence and not a failed launch.
    settings.signing_secret()?;
    let development = figment.profile() == Config::DEBUG_PROFILE;
    let rocket = rocket::custom(figment)
        .attach(stage().settings(settings))
        .attach(AdHoc::on_liftoff("Countersign is up", move |rocket| {
            Box::pin(announce(rocket, development))
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
    match rocket.launch().await {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal(&error)),
    }
}

/// What kept Rocket from launching. Asking for the kind keeps the error from panicking.
fn refusal(error: &rocket::Error) -> Failure {
    use rocket::error::ErrorKind;
    match error.kind() {
        ErrorKind::Bind(error) => Failure::Failed(format!("the address cannot be used: {error}")),
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
    let accounts = authority.accounts();
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
    match accounts.add(username, password.clone(), [role].into(), authority.clock.now()).await {
        // Another instance was first, and has told.
        Err(AccountError::NameTaken) => return Ok(()),
        added => added?,
    };
    // Not through the log, which may be kept: this is shown once, to whoever started the server.
    let line = format!("countersign: first admin: username admin, password {}\n", password.reveal());
    let _ = std::io::stderr().write_all(line.as_bytes());
    Ok(())
}

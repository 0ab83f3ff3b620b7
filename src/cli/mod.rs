//! The program's commands. What they do is done by the library; here is how it is asked for.

mod attack;
mod audit;
mod client;
mod doctor;
mod health;
mod import;
mod keys;
mod log;
mod manual;
mod openapi;
mod password;
mod serve;
mod session;
mod user;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use countersign::{
    account::{AccountError, Accounts},
    audit::{Actor, Trail, Witness},
    clock::SystemClock,
    config::{Database, Environment, Settings, SettingsError},
    keys::Keys,
    password::Hasher,
    registration::{Clients, Limits},
    revocation::Revocations,
    store::{StoreError, Stores, causes},
    throttle::Throttle,
};
use rocket::figment::Figment;
use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

/// Authentication for Rocket: log in, be recognised, be refused.
///
/// Settings come from Rocket.toml (the table `auth`) and from COUNTERSIGN_* in the environment;
/// address and port are Rocket's own (ROCKET_ADDRESS, ROCKET_PORT). Without a command it serves.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server until it is told to stop (SIGTERM or Ctrl-C).
    Serve,
    /// Says what a start would find wrong with the settings and the stores, without starting.
    ///
    /// It opens the stores as a start does, so it brings the tables of a database up to date.
    Doctor {
        /// Prints a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Adds, shows and changes users.
    #[command(subcommand)]
    User(user::Command),
    /// Shows and ends sessions, the logins of users.
    #[command(subcommand)]
    Session(session::Command),
    /// Registers, shows and changes clients, the applications that ask for tokens.
    #[command(subcommand)]
    Client(client::Command),
    /// Shows and changes the keys that tokens are signed with.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Shows the audit trail: who did what, and what came of it.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Prints the OpenAPI 3.1 document of the server's routes, as the settings have them.
    Openapi,
    /// Sends bad tokens of every kind to a protected route and says which answers are wrong.
    ///
    /// Exit code 1 if one is. A good token is needed besides, or a route that refuses everything
    /// would look well protected; with it the route does, some times over, whatever it does.
    Attack(attack::Arguments),
    /// Asks a server that runs whether it is ready; exit code 1 if it is not.
    Health(health::Arguments),
    /// Prints what a shell needs to complete the commands.
    Completions { shell: Shell },
    /// Prints the manual page, or writes that of each command into a folder.
    Man {
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// Why a command did not do what it should.
enum Failure {
    /// Bad usage or settings: exit code 2.
    Refused(String),
    /// It could not be done: exit code 1.
    Failed(String),
}

impl Failure {
    fn refused(error: impl fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }

    /// With all causes, since this is for the person who runs the program.
    fn failed(error: &dyn std::error::Error) -> Self {
        Self::Failed(causes(error))
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::TooManyRoles => Self::refused(error),
            // No process is left to retry it.
            error @ AccountError::NotRevoked(_) => Self::Failed(format!(
                "{}; run countersign session revoke-all NAME when the store answers",
                causes(&error)
            )),
            error => Self::failed(&error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::failed(&error)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Refused(format!("the settings are wrong:\n{error}"))
    }
}

/// Runs the command. Exit codes: 0 done or stopped, 1 could not run, 2 bad usage or settings.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let _log = log::start(matches!(arguments.command, None | Some(Command::Serve)));
    let done = match arguments.command {
        // These are the same whatever the settings say.
        Some(Command::Completions { shell }) => manual::completions(shell),
        Some(Command::Man { folder }) => manual::pages(folder.as_deref()),
        command => {
            let figment = serve::figment();
            // Before Rocket makes its runtime, which reads the same settings.
            serve::check(&figment).and_then(|()| rocket::async_main(dispatch(command, figment)))
        }
    };
    let (code, text) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Refused(text)) => (2, text),
        Err(Failure::Failed(text)) => (1, text),
    };
    warn(&text);
    ExitCode::from(code)
}

/// To standard error. If nobody reads it, the exit code still counts.
fn warn(text: &str) {
    log::write(&format!("countersign: {text}\n"));
}

async fn dispatch(command: Option<Command>, figment: Figment) -> Result<(), Failure> {
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(figment).await,
        Command::Doctor { json } => {
            let environment = Environment::of_process();
            let warnings = environment.warnings().to_vec();
            doctor::run(&Settings::load(&figment, environment)?, &warnings, json).await
        }
        Command::User(command) => {
            let mut settings = settings(&figment)?;
            settings.store.deadline = command.deadline(settings.store.deadline);
            at_desk(&settings, |desk| user::run(command, desk)).await
        }
        Command::Session(command) => at_desk(&settings(&figment)?, |desk| session::run(command, desk)).await,
        Command::Client(command) => at_desk(&settings(&figment)?, |desk| client::run(command, desk)).await,
        Command::Audit(command) => at_desk(&settings(&figment)?, |desk| audit::run(command, desk)).await,
        Command::Keys(command) => match keys::printed(&command) {
            Some(done) => done,
            None => keys::run(command, &settings(&figment)?).await,
        },
        Command::Openapi => openapi::run(&settings(&figment)?),
        Command::Attack(arguments) => attack::run(arguments, &figment).await,
        Command::Health(arguments) => health::run(arguments, &figment).await,
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::pages(folder.as_deref()),
    }
}

/// Does some work, and leaves none of what it did untold.
async fn at_desk<W>(settings: &Settings, work: impl FnOnce(Desk) -> W) -> Result<(), Failure>
where
    W: Future<Output = Result<(), Failure>>,
{
    let desk = Desk::open(settings).await?;
    let audit = desk.audit.clone();
    let done = work(desk).await;
    audit.end().await;
    done
}

/// What the commands on users, sessions and clients work with.
struct Desk {
    settings: Settings,
    stores: Stores,
    accounts: Accounts,
    revocations: Arc<Revocations>,
    limits: Limits,
    audit: Trail,
    witness: Witness,
}

impl Desk {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let stores = stores(settings).await?;
        let token_life = settings.access.max_lifetime + settings.access.leeway;
        let revocations = Revocations::open(stores.sessions.clone(), Arc::new(SystemClock), token_life);
        let revocations = Arc::new(revocations.await?);
        // It only ever makes hashes, one after the other.
        let hasher = Hasher::new(settings.password.params, 1).map_err(|error| Failure::failed(&error))?;
        let audit = Trail::open(stores.audit.clone(), Arc::new(SystemClock)).await?;
        let witness = Witness::of(Actor::CommandLine, &audit);
        let accounts = Accounts::new(stores.users.clone(), hasher, revocations.clone(), witness.clone());
        let limits = Limits::of(&settings.scopes, settings.access.max_lifetime, &settings.refresh);
        Ok(Self { settings: settings.clone(), stores, accounts, revocations, limits, audit, witness })
    }

    /// What counts failed logins, as the server does.
    async fn throttle(&self) -> Result<Throttle, Failure> {
        let clock = Arc::new(SystemClock);
        let keys = Keys::open(&self.settings, &self.stores, clock.clone(), &self.audit).await;
        let keys = Arc::new(keys.map_err(|error| Failure::failed(&error))?);
        let attempts = self.stores.attempts.clone().ok_or(StoreError::NotBuilt)?;
        Ok(Throttle::new(attempts, self.settings.login.clone(), keys, clock))
    }

    fn clients(&self) -> Result<Clients, Failure> {
        let store = self.stores.clients.clone().ok_or(StoreError::NotBuilt)?;
        Ok(Clients::new(store, self.revocations.clone(), self.limits.clone(), self.witness.clone()))
    }
}

/// The stores, which have to be there without the server too.
async fn stores(settings: &Settings) -> Result<Stores, Failure> {
    is_kept(settings)?;
    Stores::open(settings).await.map_err(|error| Failure::failed(&error))
}

/// The database alone: users, clients, keys and the audit log.
async fn database(settings: &Settings) -> Result<Stores, Failure> {
    is_kept(settings)?;
    Stores::open_database(settings).await.map_err(|error| Failure::failed(&error))
}

fn is_kept(settings: &Settings) -> Result<(), Failure> {
    if settings.database == Database::Memory {
        let text = "COUNTERSIGN_DATABASE_URL: memory: is gone with the process; there is nothing to manage";
        return Err(Failure::Refused(text.into()));
    }
    Ok(())
}

/// To standard output; whoever reads it may stop early (`| head`).
fn print(line: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(&error)),
        _ => Ok(()),
    }
}

/// How many of a list are read at a time.
const PAGE: u32 = 500;

/// Prints all of a list that is read page by page, each of at most [`PAGE`], as lines or as one JSON
/// array.
async fn print_all<T, Name, Page: Future<Output = Result<Vec<T>, Failure>>>(
    json: bool,
    page: impl Fn(Option<Name>) -> Page,
    name: impl Fn(&T) -> Name,
    as_json: impl Fn(&T) -> serde_json::Value,
    as_line: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    let mut after = None;
    let mut all = vec![];
    loop {
        let found = page(after).await?;
        after = found.last().map(&name);
        if json {
            all.extend(found.iter().map(&as_json));
        } else {
            found.iter().try_for_each(|one| print(&as_line(one)))?;
        }
        if found.len() < PAGE as usize {
            return if json { print(&format!("{:#}", serde_json::Value::from(all))) } else { Ok(()) };
        }
    }
}

fn settings(figment: &Figment) -> Result<Settings, Failure> {
    Ok(Settings::load(figment, Environment::of_process())?)
}

//! `countersign client …`.

use super::{Desk, Failure, PAGE, print, print_all, session::shown};
use clap::{Args, Subcommand};
use countersign::{
    client::{ClientId, ClientSecret, GrantType},
    clock::{Clock, SystemClock, UnixTime},
    registration::{ClientError, Proof, Registration, Rotation, Terms},
    scope::Scope,
    store::{Authentication, Client, Lifetimes, causes},
};
use std::{path::PathBuf, time::Duration};

/// The longest that a secret that is being replaced may stay good, in seconds.
const MAX_OVERLAP: u64 = 90 * 86_400;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Registers a client: an application through which people log in, or a service.
    ///
    /// Its secret is printed once. A public client (--public) has none, and one that signs (--jwks)
    /// needs none.
    Add {
        /// What it is called in requests (`client_id`).
        id: ClientId,
        /// A front end, which cannot keep a secret; people log in through it.
        #[arg(long, conflicts_with = "jwks")]
        public: bool,
        /// A file with its public keys, a JWK Set: it proves who it is by `private_key_jwt`.
        #[arg(long, value_name = "FILE")]
        jwks: Option<PathBuf>,
        #[command(flatten)]
        terms: TermArguments,
    },
    /// Lists all clients, by id.
    List {
        /// Prints a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Shows one client.
    Show {
        id: ClientId,
        /// Prints a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Changes what is named and leaves the rest. Access tokens from before are refused.
    Set {
        id: ClientId,
        /// A file with its next public keys, for a client that signs; with the present ones too if it is
        /// to change over without a break. Not together with other changes.
        #[arg(long, value_name = "FILE", conflicts_with = "TermArguments")]
        jwks: Option<PathBuf>,
        #[command(flatten)]
        terms: TermArguments,
    },
    /// Gives a client another secret, which is printed once; the present one stays good for a while.
    RotateSecret {
        id: ClientId,
        /// How long the present one stays good; 0 for one that somebody else may have: it ends now,
        /// and so do all access tokens of the client.
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 86_400,
            value_parser = clap::value_parser!(u64).range(..=MAX_OVERLAP),
            allow_negative_numbers = true
        )]
        overlap: u64,
        /// Instead replaces the newest secret, which never reached the client; one that it was to
        /// replace stays good for as long as was said.
        #[arg(long, conflicts_with = "overlap")]
        replace_newest: bool,
    },
    /// Shuts a client out, with all access tokens that it got.
    Disable { id: ClientId },
    /// Lets a disabled client in again.
    Enable { id: ClientId },
    /// Removes a client for good, with all that it got.
    Delete { id: ClientId },
}

#[derive(Args)]
pub(super) struct TermArguments {
    /// What people call it.
    #[arg(long)]
    name: Option<String>,
    /// How it may get tokens: password, refresh_token, client_credentials; may be repeated. By default
    /// the first two for a public client, the last for any other.
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<GrantType>,
    /// What its tokens may be used for at most, with spaces between; '' for nothing. Of COUNTERSIGN_SCOPES,
    /// and countersign:account (a user's sessions and password), countersign:admin (the admin API),
    /// countersign:roles (the user's roles stand in the token).
    #[arg(long, value_parser = scope)]
    scope: Option<Scope>,
    /// How long its access tokens are good for; 0 for as long as the server's settings say, as in the
    /// next two.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    access_ttl: Option<u64>,
    /// When a session through it ends that is not used.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    idle: Option<u64>,
    /// When a session through it ends in any case.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    absolute: Option<u64>,
    /// Whether it may ask about other clients' tokens (POST /introspect).
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    introspects: Option<bool>,
}

fn scope(text: &str) -> Result<Scope, String> {
    if text.is_empty() {
        Ok(Scope::default())
    } else {
        text.parse::<Scope>().map_err(|error| error.to_string())
    }
}

impl TermArguments {
    fn apply(&self, terms: &mut Terms) {
        if let Some(name) = &self.name {
            terms.name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if !self.grants.is_empty() {
            terms.grants = self.grants.iter().copied().collect();
        }
        if let Some(scope) = &self.scope {
            terms.scope = scope.clone();
        }
        let Lifetimes { access, idle, absolute } = &mut terms.lifetimes;
        for (time, seconds) in [(access, self.access_ttl), (idle, self.idle), (absolute, self.absolute)] {
            if let Some(seconds) = seconds {
                *time = (seconds != 0).then(|| Duration::from_secs(seconds));
            }
        }
        if let Some(introspects) = self.introspects {
            terms.introspects = introspects;
        }
    }
}

pub(super) async fn run(command: Command, desk: Desk) -> Result<(), Failure> {
    let clients = desk.clients()?;
    let now = SystemClock.now();
    match command {
        Command::Add { id, public, jwks, terms } => {
            let secret = ClientSecret::random().map_err(|error| Failure::failed(&error))?;
            let proof = match jwks {
                Some(path) => Proof::Keys(read(&path)?),
                None if public => Proof::Public,
                None => Proof::Secret(secret.hash()),
            };
            let has_secret = matches!(proof, Proof::Secret(_));
            let mut wanted = Terms { grants: proof.usual_grants(), ..Terms::default() };
            terms.apply(&mut wanted);
            let client = clients.add(Registration { id, proof, terms: wanted }, now).await?;
            if has_secret { tell(&client.id, &secret) } else { Ok(()) }
        }
        Command::List { json } => {
            let page = |after: Option<ClientId>| {
                let clients = clients.clone();
                async move { Ok(clients.list(after.as_ref(), PAGE).await?) }
            };
            print_all(json, page, |client| client.id.clone(), Client::shown, |client| as_line(client, now))
                .await
        }
        Command::Show { id, json } => {
            let client = clients.find(&id).await?;
            if json { print(&format!("{:#}", client.shown())) } else { print(&as_line(&client, now)) }
        }
        Command::Set { id, jwks, terms } => {
            if let Some(path) = jwks {
                clients.set_keys(&id, &read(&path)?).await?;
            }
            Ok(clients.set_terms(&id, |changed| terms.apply(changed)).await.map(drop)?)
        }
        Command::RotateSecret { id, overlap, replace_newest } => {
            let secret = ClientSecret::random().map_err(|error| Failure::failed(&error))?;
            let rotation = if replace_newest { Rotation::ReplaceNewest } else { Rotation::after(overlap) };
            clients.rotate_secret(&id, secret.hash(), rotation, now).await?;
            tell(&id, &secret)?;
            match rotation {
                Rotation::Overlap(time) => {
                    print(&format!("the one before is good until {}", shown(now.plus(time))))
                }
                Rotation::AtOnce | Rotation::ReplaceNewest => Ok(()),
            }
        }
        Command::Disable { id } => Ok(clients.set_disabled(&id, true).await.map(drop)?),
        Command::Enable { id } => Ok(clients.set_disabled(&id, false).await.map(drop)?),
        Command::Delete { id } => Ok(clients.delete(&id).await?),
    }
}

fn read(path: &std::path::Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path);
    text.map_err(|error| Failure::Refused(format!("--jwks: {} cannot be read: {error}", path.display())))
}

/// To be told this once. Whoever could not be told can be given another.
fn tell(id: &ClientId, secret: &ClientSecret) -> Result<(), Failure> {
    print(&format!("secret: {}", secret.reveal())).map_err(|_| {
        let way = format!("countersign client rotate-secret {id} --replace-newest");
        Failure::Failed(format!("{id} has a new secret, and it could not be written; for another: {way}"))
    })
}

fn as_line(client: &Client, now: UnixTime) -> String {
    let grants: Vec<_> = client.grants.iter().map(|grant| grant.as_str()).collect();
    let state = if client.disabled { "disabled" } else { "enabled" };
    let proof = match &client.authentication {
        Authentication::None => "public".into(),
        Authentication::Secrets(kept) => {
            let live = kept.iter().filter(|secret| secret.ends_at.is_none_or(|end| now < end));
            match live.count() {
                1 => "secret".into(),
                count => format!("{count} secrets"),
            }
        }
        Authentication::Keys(_) => "keys".into(),
    };
    let introspects = if client.introspects { "  introspects" } else { "" };
    format!("{}  {state}  {proof}  {}  {}{introspects}", client.id, grants.join(","), client.scope)
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(_) | ClientError::Keys(_) => Self::refused(error),
            // No process is left to retry it.
            error @ ClientError::NotRevoked(_) => {
                Self::Failed(format!("{}; run the same command again when the store answers", causes(&error)))
            }
            error => Self::failed(&error),
        }
    }
}

//! `countersign user …`.

use super::{Desk, Failure, PAGE, import, password::NewPassword, print, print_all};
use clap::Subcommand;
use countersign::{
    audit::{Action, Event},
    clock::{Clock, SystemClock},
    store::User,
    user::{RoleName, Username},
};
use std::time::Duration;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a user.
    ///
    /// The password is read from standard input (--password-stdin), asked for on a terminal
    /// without showing it, or else generated and printed once.
    Add {
        /// The name to log in with.
        name: Username,
        /// A role; may be repeated.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<RoleName>,
        /// Reads the password from standard input; a newline at its end does not count.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Adds users of other software, with their password hashes.
    ///
    /// Hashes of argon2, bcrypt, PBKDF2 and scrypt as passlib, Django, Werkzeug and others store them
    /// are known, and replaced when their users log in. What is wrong is said by the number of the
    /// line, and the rest is added; to run it again does no harm and goes on where it stopped.
    Import(import::Arguments),
    /// Lists all users, by name.
    List {
        /// Prints a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Shows one user.
    Show {
        name: Username,
        /// Prints a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Gives a user another password, taken as `add` takes it.
    SetPassword {
        name: Username,
        /// Reads the password from standard input; a newline at its end does not count.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Replaces all roles of a user; none are named to take all away.
    SetRoles {
        name: Username,
        #[arg(value_name = "ROLE")]
        roles: Vec<RoleName>,
    },
    /// Shuts a user out at once.
    Disable { name: Username },
    /// Lets a disabled user in again.
    Enable { name: Username },
    /// Lets logins to an account be tried again at once, however many have failed.
    Unlock { name: Username },
    /// Removes a user for good.
    Delete { name: Username },
}

impl Command {
    /// How long a store may take, where `usual` is what the settings say.
    pub(super) fn deadline(&self, usual: Duration) -> Duration {
        match self {
            // No request waits for it, and a disk that is busy must not end it.
            Self::Import(_) => usual.max(Duration::from_secs(30)),
            _ => usual,
        }
    }
}

pub(super) async fn run(command: Command, desk: Desk) -> Result<(), Failure> {
    let accounts = &desk.accounts;
    match command {
        Command::Add { name, roles, password_stdin } => {
            let password = NewPassword::read(password_stdin, &name, &desk.settings.password.policy)?;
            let roles = roles.into_iter().collect();
            password.print_if_generated()?;
            accounts.add(name, password.password, roles, SystemClock.now()).await?;
            Ok(())
        }
        Command::Import(arguments) => import::run(arguments, &desk).await,
        Command::List { json } => {
            let page = |after: Option<Username>| {
                let accounts = accounts.clone();
                async move { Ok(accounts.list(after.as_ref(), PAGE).await?) }
            };
            print_all(json, page, |user| user.username.clone(), as_json, as_line).await
        }
        Command::Show { name, json } => {
            let user = accounts.find(&name).await?;
            if json { print(&format!("{:#}", as_json(&user))) } else { print(&as_line(&user)) }
        }
        Command::SetPassword { name, password_stdin } => {
            let user = accounts.find(&name).await?;
            let password = NewPassword::read(password_stdin, &name, &desk.settings.password.policy)?;
            password.print_if_generated()?;
            Ok(accounts.set_password(user.id, password.password).await?)
        }
        Command::SetRoles { name, roles } => {
            let user = accounts.find(&name).await?;
            Ok(accounts.set_roles(user.id, &roles.into_iter().collect()).await?)
        }
        Command::Disable { name } => Ok(accounts.set_disabled(accounts.find(&name).await?.id, true).await?),
        Command::Enable { name } => Ok(accounts.set_disabled(accounts.find(&name).await?.id, false).await?),
        Command::Unlock { name } => {
            let user = accounts.find(&name).await?;
            if !desk.throttle().await?.unlock(&name).await? {
                return print("was not locked");
            }
            desk.witness.tell(Event::new(Action::UserUnlock).user(user.id));
            print("unlocked")
        }
        Command::Delete { name } => Ok(accounts.delete(accounts.find(&name).await?.id).await?),
    }
}

fn as_json(user: &User) -> serde_json::Value {
    serde_json::json!({
        "id": user.id,
        "username": user.username,
        "roles": user.roles,
        "disabled": user.disabled,
        "created_at": user.created_at,
    })
}

fn as_line(user: &User) -> String {
    let roles: Vec<_> = user.roles.iter().map(RoleName::as_str).collect();
    let state = if user.disabled { "disabled" } else { "enabled" };
    format!("{}  {}  {state}  {}", user.username, user.id, roles.join(","))
}

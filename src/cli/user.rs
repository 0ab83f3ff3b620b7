//! `countersign user …`.

use super::Failure;
use clap::Subcommand;
use countersign::{
    account::{AccountError, Accounts},
    clock::{Clock, SystemClock},
    config::{Database, Settings},
    password::{Hasher, Password},
    store::{self, User},
    user::{RoleName, Username},
};
use std::io::{self, IsTerminal, Read, Write};
use zeroize::Zeroizing;

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
    /// Removes a user for good.
    Delete { name: Username },
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        Self::failed(&error)
    }
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Failure> {
    if settings.database == Database::Memory {
        let text =
            "COUNTERSIGN_DATABASE_URL: memory: is gone with the process, so there are no users to manage";
        return Err(Failure::Refused(text.into()));
    }
    let users = store::open(&settings.database).await.map_err(|error| Failure::failed(&error))?;
    let hasher = Hasher::new(settings.password.params, 1).map_err(|error| Failure::failed(&error))?;
    let accounts = Accounts::new(users, hasher);
    match command {
        Command::Add { name, roles, password_stdin } => {
            let password = NewPassword::read(password_stdin)?;
            let roles = roles.into_iter().collect();
            accounts.add(name, password.password.clone(), roles, SystemClock.now()).await?;
            password.print_if_generated()
        }
        Command::List { json } => list(&accounts, json).await,
        Command::Show { name, json } => {
            let user = accounts.find(&name).await?;
            if json { print(&format!("{:#}", as_json(&user))) } else { print(&as_line(&user)) }
        }
        Command::SetPassword { name, password_stdin } => {
            accounts.find(&name).await?;
            let password = NewPassword::read(password_stdin)?;
            accounts.set_password(&name, password.password.clone()).await?;
            password.print_if_generated()
        }
        Command::SetRoles { name, roles } => {
            Ok(accounts.set_roles(&name, &roles.into_iter().collect()).await?)
        }
        Command::Disable { name } => Ok(accounts.set_disabled(&name, true).await?),
        Command::Enable { name } => Ok(accounts.set_disabled(&name, false).await?),
        Command::Delete { name } => Ok(accounts.delete(&name).await?),
    }
}

async fn list(accounts: &Accounts, json: bool) -> Result<(), Failure> {
    const PAGE: u32 = 500;
    let mut after = None;
    let mut all = vec![];
    loop {
        let page = accounts.list(after.as_ref(), PAGE).await?;
        after = page.last().map(|user| user.username.clone());
        let is_last = page.len() < PAGE as usize;
        if json {
            all.extend(page.iter().map(as_json));
        } else {
            page.iter().try_for_each(|user| print(&as_line(user)))?;
        }
        if is_last {
            return if json { print(&format!("{:#}", serde_json::Value::from(all))) } else { Ok(()) };
        }
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

/// To standard output; whoever reads it may stop early (`| head`).
fn print(line: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(&error)),
        _ => Ok(()),
    }
}

struct NewPassword {
    password: Password,
    generated: bool,
}

impl NewPassword {
    fn read(from_stdin: bool) -> Result<Self, Failure> {
        let text = if from_stdin {
            // One byte more than could be right, so that a longer one is refused and not cut.
            let limit = 4 * Password::MAX_BYTES as u64 + 3;
            let mut text = Zeroizing::new(String::new());
            let read = io::stdin().take(limit).read_to_string(&mut text);
            read.map_err(|error| Failure::Refused(format!("the password could not be read: {error}")))?;
            let end = text.trim_end_matches(['\r', '\n']).len();
            Zeroizing::new(text[..end].to_owned())
        } else if io::stdin().is_terminal() {
            let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
            let first = ask("Password: ").map_err(|error| Failure::failed(&error))?;
            let second = ask("Once more: ").map_err(|error| Failure::failed(&error))?;
            if first != second {
                return Err(Failure::Refused("the two passwords differ; nothing was changed".into()));
            }
            first
        } else {
            let password = Password::random().map_err(Failure::refused)?;
            return Ok(Self { password, generated: true });
        };
        let password = Password::choose(&text).map_err(Failure::refused)?;
        Ok(Self { password, generated: false })
    }

    fn print_if_generated(&self) -> Result<(), Failure> {
        if self.generated { print(&format!("password: {}", self.password.reveal())) } else { Ok(()) }
    }
}

//! `countersign audit …`.

use super::{Desk, Failure, print};
use clap::{Args, Subcommand};
use countersign::{
    store::{AuditLine, AuditStore, StoreError},
    user::Username,
};
use std::{collections::VecDeque, time::Duration};

/// How many lines are read at a time.
const PAGE: u32 = 1_000;
/// How often `--follow` looks for more.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prints the newest lines, a JSON object each.
    Tail {
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
        /// Goes on with those that are yet to come, until it is interrupted.
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        about: About,
    },
    /// Prints all lines that are kept, a JSON object each, the oldest first.
    Export {
        #[command(flatten)]
        about: About,
    },
}

#[derive(Args)]
pub(super) struct About {
    /// Only what is about this user, or was done by them.
    #[arg(long, value_name = "NAME")]
    user: Option<Username>,
}

pub(super) async fn run(command: Command, desk: Desk) -> Result<(), Failure> {
    let store = &*desk.stores.audit.clone().ok_or(StoreError::NotBuilt)?;
    match command {
        Command::Export { about } => {
            let wanted = about.wanted(&desk).await?;
            read(store, 0, |line| if wanted(&line) { print(&line.text) } else { Ok(()) }).await.map(drop)
        }
        Command::Tail { lines, follow, about } => {
            let wanted = about.wanted(&desk).await?;
            let mut last = VecDeque::new();
            let collect = |line: AuditLine| {
                if wanted(&line) {
                    last.push_back(line);
                    last.drain(..last.len().saturating_sub(lines));
                }
                Ok(())
            };
            let mut position = read(store, 0, collect).await?;
            last.iter().try_for_each(|line| print(&line.text))?;
            if !follow {
                return Ok(());
            }
            loop {
                tokio::time::sleep(LOOK).await;
                let tell = |line: AuditLine| if wanted(&line) { print(&line.text) } else { Ok(()) };
                position = read(store, position, tell).await?;
            }
        }
    }
}

/// Reads all lines behind a position; says the position of the last.
async fn read(
    store: &dyn AuditStore,
    mut position: u64,
    mut with: impl FnMut(AuditLine) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    loop {
        let page = store.read(position, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        for (at, line) in page {
            position = at;
            with(line)?;
        }
        if is_last {
            return Ok(position);
        }
    }
}

impl About {
    /// Whether a line is asked for.
    async fn wanted(self, desk: &Desk) -> Result<impl Fn(&AuditLine) -> bool + use<>, Failure> {
        let pseudonyms = desk.audit.pseudonyms();
        let names = match &self.user {
            None => None,
            // Who failed too often is known by name alone, and so is whom nobody knows any more.
            Some(name) => {
                let user = match desk.accounts.find(name).await {
                    Ok(user) => Some(pseudonyms.user(user.id)),
                    Err(countersign::account::AccountError::Unknown) => None,
                    Err(error) => return Err(error.into()),
                };
                Some((user, pseudonyms.name(name)))
            }
        };
        Ok(move |line: &AuditLine| {
            let Some((user, name)) = &names else { return true };
            let Ok(line) = serde_json::from_str::<serde_json::Value>(&line.text) else { return false };
            let is = |member: &str, pseudonym: &str| line[member].as_str() == Some(pseudonym);
            is("name", name) || user.as_ref().is_some_and(|user| is("user", user) || is("by", user))
        })
    }
}

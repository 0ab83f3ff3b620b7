//! `countersign session …`.

use super::{Desk, Failure, print};
use clap::Subcommand;
use countersign::{
    audit::{Action, Event},
    clock::{Clock, SystemClock, UnixTime},
    session::SessionId,
    store::Session,
    user::Username,
};
use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists a user's live sessions, the last used first.
    List {
        name: Username,
        /// Prints a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Ends one session and its access tokens at once.
    Revoke {
        #[arg(value_parser = session_id, allow_hyphen_values = true)]
        id: SessionId,
    },
    /// Ends all sessions of a user and all their access tokens at once.
    RevokeAll { name: Username },
    /// Removes sessions that are over; the server does so by itself once a minute.
    Purge,
}

fn session_id(text: &str) -> Result<SessionId, String> {
    text.parse().map_err(|_| "not a session id as `session list` shows it".into())
}

pub(super) async fn run(command: Command, desk: Desk) -> Result<(), Failure> {
    match command {
        Command::List { name, json } => {
            let user = desk.accounts.find(&name).await?;
            let sessions = desk.stores.sessions.sessions_of(user.id, SystemClock.now()).await?;
            if json {
                let all: Vec<_> = sessions.iter().map(as_json).collect();
                return print(&format!("{:#}", serde_json::Value::from(all)));
            }
            sessions.iter().try_for_each(|session| print(&as_line(session)))
        }
        Command::Revoke { id } => match desk.revocations.session(id).await? {
            true => {
                desk.witness.tell(Event::new(Action::SessionEnd).session(id));
                Ok(())
            }
            false => Err(Failure::Failed("there is no such session, or it is over already".into())),
        },
        Command::RevokeAll { name } => {
            let user = desk.accounts.find(&name).await?;
            let ended = desk.accounts.end_sessions(user.id).await?;
            print(&format!("sessions ended: {ended}"))
        }
        Command::Purge => print(&format!("sessions removed: {}", desk.revocations.purge().await?)),
    }
}

fn as_json(session: &Session) -> serde_json::Value {
    serde_json::json!({
        "id": session.id.to_string(),
        "client_id": session.client_id,
        "scope": session.scope.to_string(),
        "user_agent": session.device.user_agent,
        "address": session.device.address,
        "name": session.device.name,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.ends_at(),
        "refreshes": session.generation,
    })
}

fn as_line(session: &Session) -> String {
    let address = session.device.address.map_or("-".into(), |address| address.to_string());
    let device = session.device.name.as_deref().or(session.device.user_agent.as_deref()).unwrap_or("-");
    let (created, used) = (shown(session.created_at), shown(session.last_used_at));
    format!("{}  created {created}  last used {used}  {address}  {device}", session.id)
}

/// In UTC (RFC 3339).
pub(super) fn shown(time: UnixTime) -> impl fmt::Display {
    // The last second that this form has, for a time that somebody planted.
    const YEAR_9999: u64 = 253_402_300_799;
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(time.0.min(YEAR_9999)))
}

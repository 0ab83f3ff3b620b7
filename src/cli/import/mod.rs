//! `countersign user import`: users of other software, with their password hashes.

mod lines;
mod record;

use super::{Desk, Failure, print};
use clap::Args;
use countersign::{
    account::Imported,
    clock::{Clock, SystemClock},
    store::User,
};
use lines::Lines;
use record::{Form, Wrong};
use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::PathBuf,
};

/// How many users are added at a time: within the deadline of any store.
const BATCH: usize = 500;

#[derive(Args)]
pub(super) struct Arguments {
    /// CSV with the columns username, password_hash and, as you like, roles (with spaces between),
    /// disabled (true or false) and created_at (seconds since 1970); or a JSON object of these in
    /// each line. `-` is standard input.
    file: PathBuf,
    /// Adds nobody; says what would be.
    #[arg(long)]
    dry_run: bool,
    /// Prints the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// What became of the lines so far.
#[derive(Default)]
struct Summary {
    added: u64,
    there_already: u64,
    refused: u64,
}

pub(super) async fn run(arguments: Arguments, desk: &Desk) -> Result<(), Failure> {
    let file: Box<dyn Read + Send> = if arguments.file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let unreadable = |error| Failure::Refused(format!("{}: {error}", arguments.file.display()));
        Box::new(File::open(&arguments.file).map_err(unreadable)?)
    };
    let mut import = Import { desk, is_dry: arguments.dry_run, summary: Summary::default(), batch: vec![] };
    let read = import.read(Lines::new(file)).await;
    // Whatever has kept the rest from being read, what was done is told.
    let Summary { added, there_already, refused } = import.summary;
    if arguments.json {
        let summary = serde_json::json!({
            "added": added, "there_already": there_already, "refused": refused, "dry_run": arguments.dry_run
        });
        print(&summary.to_string())?;
    } else {
        let would = if arguments.dry_run { "would be " } else { "" };
        print(&format!("{added} {would}added, {there_already} there already, {refused} refused"))?;
    }
    match read {
        Ok(()) if refused > 0 => Err(Failure::Failed(format!("{refused} lines were refused"))),
        read => read,
    }
}

struct Import<'d> {
    desk: &'d Desk,
    is_dry: bool,
    summary: Summary,
    /// Those that are still to be added, and their lines.
    batch: Vec<(u64, User)>,
}

impl Import<'_> {
    async fn read(&mut self, mut lines: Lines<impl Read>) -> Result<(), Failure> {
        let mut form = None;
        let now = SystemClock.now();
        while let Some((number, line)) = lines.next().map_err(|error| Failure::failed(&error))? {
            let user = match (line, &form) {
                (Err(text), _) => Err(Wrong::Line(text)),
                (Ok(text), Some(form)) => Form::user(form, text, now),
                (Ok(text), None) => {
                    let first = Form::of_first_line(text);
                    let first = first.map_err(|error| Failure::Refused(format!("line {number}: {error}")))?;
                    match form.insert(first) {
                        Form::Csv(_) => continue,
                        Form::Json => Form::Json.user(text, now),
                    }
                }
            };
            if let Err(Wrong::Unclosed) = user {
                // What follows may be the rest of the field, and is not to be taken for lines.
                self.add().await?;
                return Err(Failure::Failed(format!("stopped at line {number}: {}", Wrong::Unclosed)));
            }
            self.take(number, user).await?;
        }
        self.add().await
    }

    async fn take(&mut self, number: u64, user: Result<User, Wrong>) -> Result<(), Failure> {
        match user {
            Ok(user)
                if user.password.needs_firebase_key()
                    && self.desk.settings.password.firebase_key.is_none() =>
            {
                self.refuse(
                    number,
                    "password_hash: is Firebase's, and COUNTERSIGN_PASSWORD__FIREBASE_KEY is not set",
                );
            }
            Ok(user) => self.batch.push((number, user)),
            Err(wrong) => self.refuse(number, &wrong.to_string()),
        }
        if self.batch.len() < BATCH { Ok(()) } else { self.add().await }
    }

    async fn add(&mut self) -> Result<(), Failure> {
        let (numbers, users): (Vec<_>, Vec<_>) = self.batch.drain(..).unzip();
        let accounts = &self.desk.accounts;
        let done =
            if self.is_dry { accounts.would_import(&users).await } else { accounts.import(&users).await };
        let done = done.map_err(|error| {
            let first = numbers.first().copied().unwrap_or_default();
            let Failure::Failed(text) = Failure::failed(&error) else { return error.into() };
            Failure::Failed(format!("stopped at line {first}: {text}; run it again to go on"))
        })?;
        for (number, done) in numbers.into_iter().zip(done) {
            match done {
                Imported::Added => self.summary.added += 1,
                Imported::ThereAlready => self.summary.there_already += 1,
                Imported::NameTaken => {
                    self.refuse(
                        number,
                        "username: there is a user of that name already, with another password hash",
                    );
                }
            }
        }
        self.show_progress();
        // Told at once: whoever interrupts the rest has added these.
        Ok(self.desk.audit.flush().await?)
    }

    fn refuse(&mut self, number: u64, text: &str) {
        self.summary.refused += 1;
        let end = if io::stderr().is_terminal() { "\x1b[K" } else { "" };
        // In one write, since the log writes to stderr too, from a thread of its own. An error is ignored:
        // the exit code says that lines were refused.
        let _ = io::stderr().write_all(format!("line {number}: {text}{end}\n").as_bytes());
    }

    fn show_progress(&self) {
        let Summary { added, there_already, refused } = self.summary;
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "{} lines\x1b[K\r", added + there_already + refused);
        }
    }
}

//! Where a new password comes from: standard input, a terminal, or chance.

use super::{Failure, print};
use countersign::{
    password::{Password, Policy},
    user::Username,
};
use std::io::{self, IsTerminal, Read};
use zeroize::Zeroizing;

/// A password for an account, and whether its owner has yet to be told.
pub(super) struct NewPassword {
    pub(super) password: Password,
    generated: bool,
}

impl NewPassword {
    /// A password that this user may have.
    pub(super) fn read(from_stdin: bool, username: &Username, policy: &Policy) -> Result<Self, Failure> {
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
        let password = policy.accept(&text, username).map_err(Failure::refused)?;
        Ok(Self { password, generated: false })
    }

    /// Before it is set, so that no account has a password that nobody was told.
    pub(super) fn print_if_generated(&self) -> Result<(), Failure> {
        if self.generated { print(&format!("password: {}", self.password.reveal())) } else { Ok(()) }
    }
}

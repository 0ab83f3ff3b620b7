//! `countersign completions` and `countersign man`: what shells and `man` have to know of the commands.

use super::{Arguments, Failure};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// What the shell is told goes to standard output.
pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Arguments::command(), "countersign", &mut script);
    write(&script)
}

/// A page for each command goes into the folder, or the first page to standard output.
pub(super) fn pages(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let mut page = vec![];
        let rendered = Man::new(command()).render(&mut page);
        return rendered.map_err(|error| Failure::failed(&error)).and_then(|()| write(&page));
    };
    let named = |error: io::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(named)?;
    let mut command = command();
    command.build();
    pages_of(&command, folder).map_err(named)
}

fn pages_of(command: &clap::Command, folder: &Path) -> io::Result<()> {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        pages_of(command, folder)?;
    }
    let man = Man::new(command.clone());
    let mut page = vec![];
    man.render(&mut page)?;
    replace(folder, &man.get_filename(), &page)
}

/// Replaces the file or link of this name. It is never written to: another user may have put a link
/// there.
fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    // An earlier run may have left one behind.
    let _ = fs::remove_file(&new);
    // `create_new` follows no links.
    OpenOptions::new().write(true).create_new(true).open(&new)?.write_all(bytes)?;
    fs::rename(&new, folder.join(name))
}

/// Without `help`, of which there would be a page for each command it explains.
fn command() -> clap::Command {
    Arguments::command().disable_help_subcommand(true)
}

fn write(text: &[u8]) -> Result<(), Failure> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(&error)),
        _ => Ok(()),
    }
}

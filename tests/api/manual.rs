//! Shell completions and manual pages, in the eyes of the shells and of `man`.

use crate::{
    server::{program, run},
    servers::program::{command, find},
};
use std::{path::Path, process::Output};
use tempfile::TempDir;

fn succeeds(output: &Output, what: &str) {
    let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{what}: {said}");
}

fn completions(shell: &str) -> Output {
    let folder = TempDir::new().expect("a folder");
    // Settings that no server would start with are nothing to a shell.
    run(
        folder.path(),
        &[("ROCKET_PORT", "none"), ("COUNTERSIGN_LEEWAY", "long")],
        &["completions", shell],
        "",
    )
}

#[test]
fn a_shell_that_is_not_known_is_refused() {
    for arguments in [&["completions"][..], &["completions", "tcsh"]] {
        let output = run(Path::new("/"), &[], arguments, "");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
}

#[test]
fn every_shell_takes_its_completions() {
    let folder = TempDir::new().expect("a folder");
    for (shell, package) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        let output = completions(shell);
        succeeds(&output, shell);
        let script = String::from_utf8(output.stdout).expect("text");
        for word in ["import", "set-password", "rotate-secret", "completions"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        let file = folder.path().join(shell);
        std::fs::write(&file, script).expect("written");
        let checked = command(&find(shell, package), folder.path()).arg("-n").arg(&file).output();
        let checked = checked.expect("the shell runs");
        succeeds(&checked, shell);
        assert!(checked.stderr.is_empty(), "{shell}: {checked:?}");
    }
    for shell in ["elvish", "powershell"] {
        let output = completions(shell);
        succeeds(&output, shell);
        assert!(String::from_utf8_lossy(&output.stdout).contains("set-password"), "{shell}");
    }
}

/// A reader who has read enough is no failure.
#[test]
fn a_reader_may_stop_early() {
    let folder = TempDir::new().expect("a folder");
    for arguments in [["completions", "bash"], ["man", ""]] {
        let arguments: Vec<_> = arguments.into_iter().filter(|word| !word.is_empty()).collect();
        let mut child = program(folder.path(), &[], &arguments).spawn().expect("started");
        drop(child.stdout.take());
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{arguments:?}");
    }
}

/// The commands below this one, as its own help lists them.
fn commands(of: &[String]) -> Vec<Vec<String>> {
    let folder = TempDir::new().expect("a folder");
    let mut arguments: Vec<_> = of.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = String::from_utf8(run(folder.path(), &[], &arguments, "").stdout).expect("text");
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned));
    let mut all = vec![];
    for name in names.filter(|name| !name.is_empty() && name != "help") {
        let below = [of, &[name]].concat();
        all.extend(commands(&below));
        all.push(below);
    }
    all
}

#[test]
fn every_command_has_a_page_that_man_shows_without_a_warning() {
    let folder = TempDir::new().expect("a folder");
    let pages = folder.path().join("share/man/man1");
    let pages_text = pages.to_str().expect("a path");
    succeeds(&run(folder.path(), &[("ROCKET_PORT", "none")], &["man", pages_text], ""), "man");
    let commands = commands(&[]);
    assert!(commands.len() > 30, "{commands:?}");
    let names = commands.iter().map(|command| format!("countersign-{}.1", command.join("-")));
    let mut names: Vec<_> = names.chain(["countersign.1".into()]).collect();
    let mut found: Vec<_> = std::fs::read_dir(&pages)
        .expect("the folder")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    found.sort();
    assert_eq!(found, names);
    let man = find("man", "man-db");
    for name in names {
        let mut show = command(&man, folder.path());
        show.args(["--warnings=w", "-l"]).arg(pages.join(&name)).env("MANPAGER", "cat").env("MANWIDTH", "80");
        let shown = show.output().expect("man runs");
        succeeds(&shown, &name);
        let warnings = String::from_utf8_lossy(&shown.stderr);
        assert!(warnings.is_empty(), "{name}: {warnings}");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("NAME"), "{name}");
    }

    let first = run(folder.path(), &[], &["man"], "");
    assert_eq!(first.stdout, std::fs::read(pages.join("countersign.1")).expect("a page"));
}

#[test]
fn a_folder_that_cannot_be_made_is_a_sentence() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("file"), "").expect("written");
    let output = run(folder.path(), &[], &["man", "file/below"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("countersign: file/below: "), "{said}");
}

#[test]
fn pages_replace_what_has_their_name_and_follow_no_link() {
    let folder = TempDir::new().expect("a folder");
    let pages = folder.path().join("pages");
    std::fs::create_dir(&pages).expect("made");
    let victims = ["soft", "hard", "new"].map(|name| folder.path().join(name));
    for victim in &victims {
        std::fs::write(victim, "somebody's").expect("written");
    }
    std::os::unix::fs::symlink(&victims[0], pages.join("countersign.1")).expect("linked");
    std::fs::hard_link(&victims[1], pages.join("countersign-user.1")).expect("linked");
    std::os::unix::fs::symlink(&victims[2], pages.join(".countersign-keys.1.new")).expect("linked");
    succeeds(&run(folder.path(), &[], &["man", "pages"], ""), "man");
    for victim in &victims {
        assert_eq!(std::fs::read(victim).expect("it is there"), b"somebody's", "{}", victim.display());
    }
    for page in ["countersign.1", "countersign-user.1", "countersign-keys.1"] {
        let data = pages.join(page).symlink_metadata().expect("a page");
        assert!(data.is_file() && data.len() > 100, "{page}");
    }
    assert!(!pages.join(".countersign-keys.1.new").exists());
}

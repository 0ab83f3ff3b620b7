//! A key ring in a file: whose it is, and what is left of it whatever happens.
//!
//! What needs a process of its own starts this very program again, for the same test, which then
//! finds [`FILE`] set and plays the other part.
#![cfg(unix)]

use crate::servers::eventually;
use countersign::{
    keys::KeyFile,
    store::{KeyRingStore, StoreError, causes},
};
use std::{
    env, fs,
    io::Read,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// The file that a process which a test has started is to write.
const FILE: &str = "COUNTERSIGN_TEST_KEY_FILE";

/// A folder and a key file in it that is not there yet.
fn new_file() -> (TempDir, KeyFile) {
    let folder = TempDir::new().expect("a folder");
    let file = KeyFile::new(folder.path().join("keys.json"));
    (folder, file)
}

fn beside(file: &KeyFile, extension: &str) -> PathBuf {
    format!("{}{extension}", file.path().display()).into()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode is set");
}

async fn loaded(file: &KeyFile) -> Vec<u8> {
    file.load().await.expect("load").expect("there is a ring").bytes.to_vec()
}

/// Replaces whatever is there.
async fn put(file: &KeyFile, bytes: &[u8]) {
    let seen = file.load().await.expect("load").map(|kept| kept.version);
    assert!(file.replace(seen, bytes).await.expect("replace"), "nobody else has replaced it");
}

fn text(error: &StoreError) -> String {
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    causes(error)
}

/// Bytes of which one sees whether they are all there.
fn ring(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(1 + (number * 7_919 % 5_000) as usize)
}

fn number(bytes: &[u8]) -> u64 {
    let number = bytes.first_chunk().map(|head| u64::from_be_bytes(*head)).expect("more than a part");
    assert!(ring(number) == bytes, "{} bytes of number {number} are a part, or a mixture", bytes.len());
    number
}

/// This test again, in a process of its own that is to write that file under that umask.
fn again(test: &str, umask: &str, file: &KeyFile) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", "umask $0 && exec \"$@\"", umask]).arg(env::current_exe().expect("this program"));
    command.args(["--exact", &format!("key_file::{test}")]).env(FILE, file.path());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts")
}

#[tokio::test]
async fn the_file_is_its_owners_alone_whatever_the_umask() {
    if let Some(path) = env::var_os(FILE) {
        return put(&KeyFile::new(path), b"ring").await;
    }
    for umask in ["000", "022", "077", "277", "777"] {
        let (_folder, file) = new_file();
        let test = "the_file_is_its_owners_alone_whatever_the_umask";
        assert!(again(test, umask, &file).wait().expect("it ends").success(), "umask {umask}");
        assert_eq!(loaded(&file).await, b"ring", "umask {umask}");
        assert_eq!(mode(file.path()), 0o600, "umask {umask}");
        assert_eq!(mode(&beside(&file, ".lock")), 0o600, "umask {umask}");
        assert!(!file.is_open_to_others());
    }
}

#[tokio::test]
async fn a_file_that_was_open_to_others_is_not_once_it_is_replaced() {
    let (_folder, file) = new_file();
    fs::write(file.path(), "ring").expect("written");
    fs::write(beside(&file, ".lock"), "").expect("written");
    for path in [file.path(), &beside(&file, ".lock")] {
        set_mode(path, 0o666);
    }
    assert!(file.is_open_to_others());
    put(&file, b"another").await;
    assert_eq!((mode(file.path()), mode(&beside(&file, ".lock"))), (0o600, 0o600));
    assert!(!file.is_open_to_others());
}

#[tokio::test]
async fn what_a_crash_has_left_beside_it_does_not_matter() {
    let (folder, file) = new_file();
    let new = beside(&file, ".new");
    fs::write(&new, "half a ri").expect("written");
    set_mode(&new, 0o644);
    assert!(file.load().await.expect("load").is_none(), "half a ring is none");
    put(&file, b"ring").await;
    assert_eq!((loaded(&file).await, mode(file.path())), (b"ring".to_vec(), 0o600));
    assert!(!new.exists());

    let other = folder.path().join("other");
    fs::write(&other, "not ours").expect("written");
    symlink(&other, &new).expect("linked");
    put(&file, b"another").await;
    assert_eq!(loaded(&file).await, b"another");
    assert!(fs::symlink_metadata(file.path()).expect("it is there").is_file());
    assert_eq!(fs::read(&other).expect("it is there"), b"not ours", "a link is not followed");
}

#[tokio::test]
async fn a_file_that_is_too_long_is_an_error_and_none_is_written() {
    const MOST: usize = 1024 * 1024;
    let (_folder, file) = new_file();
    put(&file, &vec![b'x'; MOST]).await;
    assert_eq!(loaded(&file).await.len(), MOST);
    let seen = file.load().await.expect("load").map(|kept| kept.version);
    let refused = file.replace(seen, &vec![b'y'; MOST + 1]).await.expect_err("too long to be read again");
    assert!(text(&refused).contains("more than 1048576 bytes"), "{}", text(&refused));
    assert_eq!(loaded(&file).await[0], b'x', "a refused replacement changes nothing");

    fs::write(file.path(), vec![b'z'; MOST + 1]).expect("written");
    let name = file.path().display().to_string();
    for refused in [file.load().await.map(drop), file.replace(seen, b"ring").await.map(drop)] {
        let text = text(&refused.expect_err("too long"));
        assert!(text.contains("more than 1048576 bytes") && text.contains(&name), "{text}");
    }
}

#[tokio::test]
async fn a_folder_that_is_missing_is_an_error_that_names_it() {
    let folder = TempDir::new().expect("a folder");
    let missing = folder.path().join("missing");
    let file = KeyFile::new(missing.join("keys.json"));
    for refused in [file.load().await.map(drop), file.replace(None, b"ring").await.map(drop)] {
        let text = text(&refused.expect_err("there is no folder"));
        assert!(text.contains(&format!("{}: No such file", missing.display())), "{text}");
    }
    assert!(!missing.exists(), "nobody has asked for one");
}

#[tokio::test]
async fn what_is_no_file_is_an_error_that_names_it() {
    let (_folder, file) = new_file();
    fs::create_dir(file.path()).expect("made");
    for refused in [file.load().await.map(drop), file.replace(None, b"ring").await.map(drop)] {
        let text = text(&refused.expect_err("a folder"));
        assert!(text.contains(&file.path().display().to_string()), "{text}");
    }
    fs::remove_dir(file.path()).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(file.path()).status().expect("mkfifo runs");
    assert!(made.success());
    let text = text(&file.load().await.map(drop).expect_err("a pipe, which nobody writes to"));
    assert!(text.contains("not a file"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_never_sees_anything_but_whole_versions() {
    const LAST: u64 = 200;
    let (_folder, file) = new_file();
    put(&file, &ring(0)).await;
    let writing = tokio::spawn({
        let file = file.clone();
        async move {
            for next in 1..=LAST {
                put(&file, &ring(next)).await;
            }
        }
    });
    let (mut last, mut under_way) = (0, true);
    while under_way {
        under_way = !writing.is_finished();
        let seen = number(&fs::read(file.path()).expect("it is there at every moment"));
        let next = number(&loaded(&file).await);
        assert!(last <= seen && seen <= next, "what was replaced does not come back");
        last = next;
    }
    assert_eq!(last, LAST);
    writing.await.expect("the task ends");
}

#[tokio::test]
async fn a_kill_in_the_middle_leaves_a_whole_version_that_can_be_replaced() {
    if let Some(path) = env::var_os(FILE) {
        // To the end of the process that started this one, if not to its own.
        std::thread::spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            std::process::exit(0);
        });
        let file = KeyFile::new(path);
        loop {
            put(&file, &ring(number(&loaded(&file).await) + 1)).await;
        }
    }
    let (_folder, file) = new_file();
    put(&file, &ring(0)).await;
    for round in 0..12 {
        let before = number(&loaded(&file).await);
        let mut writer =
            again("a_kill_in_the_middle_leaves_a_whole_version_that_can_be_replaced", "022", &file);
        eventually("it writes", || number(&fs::read(file.path()).expect("it is there")) > before + 1);
        // Not a measurement: only where in its work it is killed.
        std::thread::sleep(Duration::from_micros(700 * round));
        writer.kill().expect("killed");
        writer.wait().expect("it ends");
        let left = number(&loaded(&file).await);
        put(&file, &ring(left + 1)).await;
        assert_eq!(loaded(&file).await, ring(left + 1));
    }
}

/// A user of this machine who is neither root nor the service's.
const OTHER: u32 = 65_534;

/// Gives a file or a folder away, which only root can.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).expect("run these tests as root: they need files of other users");
}

fn owner(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").uid()
}

/// A folder with a file of root's, and a ring beside it or not.
fn with_victim(ring: bool) -> (TempDir, KeyFile, PathBuf) {
    let (folder, file) = new_file();
    let victim = folder.path().join("victim");
    fs::write(&victim, "root's").expect("written");
    set_mode(&victim, 0o644);
    if ring {
        fs::write(file.path(), "ring").expect("written");
    }
    (folder, file, victim)
}

async fn refuses(file: &KeyFile, path: &Path, why: &str) {
    let seen = file.load().await.ok().flatten().map(|kept| kept.version);
    let refused = file.replace(seen, b"another").await.expect_err("refused");
    let text = text(&refused);
    assert!(text.contains(&format!("{}: {why}", path.display())), "{text}");
}

#[tokio::test]
async fn links_are_not_followed() {
    for (extension, is_hard) in [("", false), ("", true), (".lock", false), (".lock", true)] {
        let (folder, file, victim) = with_victim(!extension.is_empty());
        // The service's folder, in which a command of root's runs.
        give(folder.path(), OTHER);
        if !extension.is_empty() {
            give(file.path(), OTHER);
        }
        let link = beside(&file, extension);
        if is_hard { fs::hard_link(&victim, &link) } else { symlink(&victim, &link) }.expect("linked");
        let why = if is_hard { "has another hard link" } else { "is a symbolic link" };
        refuses(&file, &link, why).await;
        if extension.is_empty() {
            let text = text(&file.load().await.expect_err("refused"));
            assert!(text.contains(why), "{text}");
        } else {
            let found = file.findings(true);
            assert!(found.iter().any(|finding| finding.text.contains(why)), "{found:?}");
            assert_eq!(loaded(&file).await, b"ring", "it is there to be read");
        }
        assert_eq!((owner(&victim), mode(&victim)), (0, 0o644), "{extension} {why}");
        assert_eq!(fs::read(&victim).expect("it is there"), b"root's");
    }
    // One that leads to nothing makes nothing either.
    let (folder, file, _) = with_victim(true);
    let target = folder.path().join("made");
    symlink(&target, beside(&file, ".lock")).expect("linked");
    refuses(&file, &beside(&file, ".lock"), "is a symbolic link").await;
    assert!(!target.exists());
}

#[tokio::test]
async fn a_file_of_another_user_is_refused_unless_the_folder_is_theirs() {
    for extension in ["", ".lock"] {
        let (_folder, file, _) = with_victim(true);
        let path = beside(&file, extension);
        fs::write(&path, "ring").expect("written");
        give(&path, OTHER);
        refuses(&file, &path, "belongs to user 65534").await;
    }
    let (folder, file, _) = with_victim(true);
    for path in [folder.path(), file.path()] {
        give(path, OTHER);
    }
    put(&file, b"another").await;
    assert_eq!((owner(file.path()), owner(&beside(&file, ".lock"))), (OTHER, OTHER), "as it was");
    assert_eq!((mode(file.path()), mode(&beside(&file, ".lock"))), (0o600, 0o600));
    put(&file, b"a third").await;
    assert_eq!(loaded(&file).await, b"a third");
}

#[tokio::test]
async fn a_file_of_roots_that_was_moved_to_the_lock_is_not_given_away() {
    let (folder, file, victim) = with_victim(true);
    for path in [folder.path(), file.path()] {
        give(path, OTHER);
    }
    fs::rename(&victim, beside(&file, ".lock")).expect("moved");
    put(&file, b"another").await;
    assert_eq!((owner(file.path()), owner(&beside(&file, ".lock"))), (OTHER, 0));
    assert_eq!(fs::read(beside(&file, ".lock")).expect("it is there"), b"root's");
}

#[tokio::test]
async fn findings_name_a_folder_that_every_user_may_write_to() {
    let (folder, file, _) = with_victim(true);
    set_mode(file.path(), 0o600);
    let found = |mode: u32| {
        set_mode(folder.path(), mode);
        file.findings(true).into_iter().map(|finding| finding.text).collect::<Vec<_>>()
    };
    for mode in [0o700, 0o755, 0o775, 0o1777] {
        assert_eq!(found(mode), [""; 0], "{mode:o}");
    }
    for mode in [0o777, 0o702] {
        let found = found(mode);
        assert!(found.len() == 1 && found[0].contains("chmod the folder to 700"), "{mode:o}: {found:?}");
    }
}

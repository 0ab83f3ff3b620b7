//! An SQLite file whose folder others may write to, and what is refused and said of it.
#![cfg(unix)]

use countersign::store::{StoreError, UserStore, causes, conformance::NOW, sqlite::SqliteStore};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

async fn open(path: &Path, timeout: Duration) -> Result<(), StoreError> {
    SqliteStore::open(path, 1, timeout).await?.ping().await
}

/// A user of this machine who is neither root nor the service's.
const OTHER: u32 = 65_534;

/// A database that is closed, with the files that SQLite keeps beside it, so that each can be replaced.
async fn closed() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    SqliteStore::open(&path, 1, Duration::from_secs(5)).await.expect("open").close().await;
    (folder, path)
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    format!("{}{extension}", path.display()).into()
}

fn give(path: &Path) {
    chown(path, Some(OTHER), Some(OTHER)).expect("run these tests as root: they need files of other users");
}

async fn refused(path: &Path) -> String {
    causes(&open(path, Duration::from_secs(1)).await.expect_err("refused"))
}

const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_followed_to_a_file_of_root() {
    for extension in FILES {
        for is_hard in [false, true] {
            let (folder, path) = closed().await;
            // The service's folder, in which a command of root's runs.
            give(folder.path());
            give(&path);
            let (victim, link) = (folder.path().join("victim"), beside(&path, extension));
            fs::write(&victim, "").expect("written");
            let _ = fs::remove_file(&link);
            if is_hard { fs::hard_link(&victim, &link) } else { symlink(&victim, &link) }.expect("linked");
            let (text, why) =
                (refused(&path).await, if is_hard { "has another hard link" } else { "is a symbolic link" });
            assert!(text.contains(&format!("users.db{extension} {why}")), "{text}");
            let data = fs::metadata(&victim).expect("it is there");
            assert_eq!((data.uid(), data.len()), (0, 0), "{extension} {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_user_is_refused_unless_the_folder_is_theirs() {
    for extension in FILES {
        let (_folder, path) = closed().await;
        fs::OpenOptions::new().append(true).create(true).open(beside(&path, extension)).expect("made");
        give(&beside(&path, extension));
        let text = refused(&path).await;
        assert!(text.contains(&format!("users.db{extension} belongs to user 65534")), "{text}");
    }
    let (folder, path) = closed().await;
    give(folder.path());
    give(&path);
    open(&path, Duration::from_secs(5)).await.expect("a command of root's, on the service's file");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_name_files_that_every_user_can_read() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("users.db");
    let store = SqliteStore::open(&path, 1, Duration::from_secs(5)).await.expect("open");
    let found = async || {
        let found = UserStore::checkup(&store, NOW, Duration::ZERO).await.expect("it answers");
        found.into_iter().map(|finding| finding.text).collect::<Vec<_>>()
    };
    let set = |path: &Path, mode: u32| fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
    assert_eq!(found().await, [""; 0], "as it was made");
    for (extension, mode) in [("", 0o644), ("", 0o602), ("-wal", 0o604), ("-shm", 0o644)] {
        set(&beside(&path, extension), mode);
        let text = format!(
            "{} can be read or changed by every user of this machine; chmod it to 600",
            beside(&path, extension).display()
        );
        assert_eq!(found().await, [text], "{extension} {mode:o}");
        set(&beside(&path, extension), 0o600);
    }
    set(&path, 0o640);
    assert_eq!(found().await, [""; 0], "a group is meant");
    set(folder.path(), 0o777);
    let all = found().await;
    assert!(all.len() == 1 && all[0].contains("chmod the folder to 700"), "{all:?}");
    set(folder.path(), 0o1777);
    assert_eq!(found().await, [""; 0], "as in /tmp");
}

//! A key ring in a file: a private JWK Set, readable by its owner alone.

use crate::{
    private_file::{self, Folder, Owner},
    store::{Finding, KeptRing, KeyRingStore, StoreError, causes},
};
use async_trait::async_trait;
use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest file that is read or written, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// How long another process may hold the lock, and how often it is tried.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(20);

/// Keeps the ring in one file, which is replaced as a whole. Processes on one machine take turns
/// by a lock on the file beside it that ends in `.lock`. Both can be read by their owner alone, and a
/// ring may be 1 MiB long.
///
/// Neither may be a symbolic link, have a second hard link or belong to a user who is not trusted:
/// trusted are the user of this process, root, and, for a process of root's, the owner of the folder.
/// A process of root's leaves the file to the owner that it had.
#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The file at this path; its folder has to be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether anybody but its owner may read or write the file.
    pub fn is_open_to_others(&self) -> bool {
        private_file::has_mode(&self.0, 0o077)
    }

    /// What there is to be warned of: who may read it, and what keeps it from being replaced.
    ///
    /// A folder that every user may write to is no refusal: files of other users are refused by their
    /// owner, and volumes of containers often are such folders. Other users can still remove the keys or
    /// put back an older file. Where the keys change by themselves, a folder that cannot be written to
    /// is worth a warning, and a refusal if there is no file yet.
    pub fn findings(&self, changes: bool) -> Vec<Finding> {
        let path = self.0.display();
        let mut findings = vec![];
        if self.is_open_to_others() {
            findings.push(Finding::warning(format!("{path} can be read by others; chmod it to 600")));
        }
        if private_file::is_in_open_folder(&self.0) {
            findings.push(Finding::warning(format!(
                "every user of this machine can remove {path} and its lock, since they may write to its \
                 folder; chmod the folder to 700"
            )));
        }
        let lock =
            self.open().and_then(|place| place.folder.inspect(name(&place.lock)).map_err(at(&place.lock)));
        if let Err(error) = lock {
            findings.push(Finding::warning(format!("the keys cannot change: {}", causes(&error))));
        }
        if let (true, Err(error)) = (changes, private_file::can_make(&self.0)) {
            let text = format!("the folder of {path} cannot be written to, so keys cannot change: {error}");
            let is_there = self.0.symlink_metadata().is_ok();
            findings.push(if is_there { Finding::warning(text) } else { Finding::refusal(text) });
        }
        findings
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(extension);
        name.into()
    }

    /// The folder, and the names in it: of the ring, of its lock and of what replaces it.
    fn open(&self) -> Result<Place, FileError> {
        let (folder, _) = private_file::split(&self.0).map_err(at(&self.0))?;
        let folder = Folder::open(folder).map_err(at(folder))?;
        let [ring, lock, new] = ["", ".lock", ".new"].map(|extension| self.beside(extension));
        Ok(Place { folder, ring, lock, new })
    }
}

/// Where a ring is kept.
struct Place {
    folder: Folder,
    ring: PathBuf,
    lock: PathBuf,
    new: PathBuf,
}

/// The last part of a path that has been split before.
fn name(path: &Path) -> &Path {
    path.file_name().map(Path::new).unwrap_or(path)
}

impl Place {
    fn read(&self) -> Result<Option<(KeptRing, Owner)>, FileError> {
        let file = match self.folder.read(name(&self.ring)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(at(&self.ring))?,
        };
        let owner = Owner::of(&file).map_err(at(&self.ring))?;
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(at(&self.ring))?;
        self.is_short_enough(&bytes)?;
        Ok(Some((KeptRing::of(bytes), owner)))
    }

    fn write(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, FileError> {
        // Else it could not be read again.
        self.is_short_enough(bytes)?;
        let _lock = self.lock()?;
        let (version, owner) = self.read()?.map(|(ring, owner)| (ring.version, owner)).unzip();
        if version != seen {
            return Ok(false);
        }
        // A crash may have left one behind.
        let _ = self.folder.remove(name(&self.new));
        let mut file = self.folder.create(name(&self.new)).map_err(at(&self.new))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&self.new))?;
        give(&file, owner).map_err(at(&self.new))?;
        // A reader, and a crash, finds the old file or the new one (rename(2)).
        self.folder.rename(name(&self.new), name(&self.ring)).map_err(at(&self.ring))?;
        // The new name has to survive a crash, too.
        self.folder.sync().map_err(at(&self.ring))?;
        Ok(true)
    }

    /// Held by one process at a time, until it is dropped. One that was stopped while it held it
    /// must not stop all others.
    fn lock(&self) -> Result<File, FileError> {
        let lock = self.lock_file()?;
        let until = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(RETRY),
                Err(error) => return Err(at(&self.lock)(error.into())),
            }
        }
    }

    /// The file to lock. A command that runs as root must not lock the server out of its own file, so
    /// a new lock goes to the ring's owner; one that is there is left to the owner that it has, since
    /// another user may have moved a file of another purpose here.
    fn lock_file(&self) -> Result<File, FileError> {
        loop {
            match self.folder.write(name(&self.lock)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                lock => {
                    let lock = lock.map_err(at(&self.lock))?;
                    private_file::close_to_others(&lock).map_err(at(&self.lock))?;
                    return Ok(lock);
                }
            }
            match self.folder.create(name(&self.lock)) {
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                lock => {
                    let lock = lock.map_err(at(&self.lock))?;
                    let owner = self.read()?.map(|(_, owner)| owner);
                    give(&lock, owner).map_err(at(&self.lock))?;
                    return Ok(lock);
                }
            }
        }
    }

    fn is_short_enough(&self, bytes: &[u8]) -> Result<(), FileError> {
        let long = || io::Error::new(ErrorKind::FileTooLarge, format!("more than {MAX_BYTES} bytes"));
        if bytes.len() > MAX_BYTES { Err(at(&self.ring)(long())) } else { Ok(()) }
    }
}

/// Gives a file that was just made to the owner of what it stands for, if that was there.
fn give(made: &File, owner: Option<Owner>) -> io::Result<()> {
    owner.map_or(Ok(()), |owner| owner.take(made))
}

/// Which file or folder it was, and what is wrong with it.
#[derive(Debug, Error)]
#[error("{}", path.display())]
struct FileError {
    path: PathBuf,
    source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError { path: path.to_owned(), source }
}

#[async_trait]
impl KeyRingStore for KeyFile {
    async fn load(&self) -> Result<Option<KeptRing>, StoreError> {
        let file = self.clone();
        blocking(move || Ok(file.open()?.read()?.map(|(ring, _)| ring))).await
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        let (file, bytes) = (self.clone(), Zeroizing::new(bytes.to_vec()));
        blocking(move || file.open()?.write(seen, &bytes)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| StoreError::Unavailable(error.into()))?;
    done.map_err(|error| StoreError::Unavailable(error.into()))
}

//! A key ring in a file: a private JWK Set, readable by its owner alone.

use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
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
/// by a lock on the file beside it that ends in `.lock`. Both are their owner's alone, and a ring
/// may be 1 MiB long.
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
        is_open_to_others(&self.0)
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(extension);
        name.into()
    }

    fn folder(&self) -> &Path {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    fn read(&self) -> Result<Option<KeptRing>, FileError> {
        // A pipe would keep whoever opens it waiting for ever.
        if fs::metadata(&self.0).is_ok_and(|data| !data.is_file()) {
            return Err(at(&self.0)(io::Error::new(ErrorKind::InvalidInput, "not a file")));
        }
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Nothing there is one thing, a folder that is not there another.
                fs::metadata(self.folder()).map_err(at(self.folder()))?;
                return Ok(None);
            }
            file => file.map_err(at(&self.0))?,
        };
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(at(&self.0))?;
        self.is_short_enough(&bytes)?;
        Ok(Some(KeptRing::of(bytes)))
    }

    fn write(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, FileError> {
        // Else nobody could read it again.
        self.is_short_enough(bytes)?;
        let folder = File::open(self.folder()).map_err(at(self.folder()))?;
        let _lock = self.lock()?;
        if self.read()?.map(|ring| ring.version) != seen {
            return Ok(false);
        }
        let new = self.beside(".new");
        // What a crash has left behind is nobody's.
        let _ = fs::remove_file(&new);
        let mut file = private(&new, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&new))?;
        self.give_to_owner(&file).map_err(at(&new))?;
        // Whoever reads it, and whatever a crash leaves, is the old file or the new one (rename(2)).
        fs::rename(&new, &self.0).map_err(at(&self.0))?;
        // The new name has to survive a crash, too.
        folder.sync_all().map_err(at(self.folder()))?;
        Ok(true)
    }

    /// Held by one process at a time, until it is dropped. One that was stopped while it held it
    /// must not stop all others.
    fn lock(&self) -> Result<File, FileError> {
        let path = self.beside(".lock");
        let lock = private(&path, OpenOptions::new().write(true).create(true).truncate(false))?;
        self.give_to_owner(&lock).map_err(at(&path))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(RETRY),
                Err(error) => return Err(at(&path)(error.into())),
            }
        }
    }

    /// Whoever runs a command as root must not lock the server out of its own file.
    #[cfg(unix)]
    fn give_to_owner(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, fchown};
        let Ok(owner) = fs::metadata(&self.0) else { return Ok(()) };
        let made = file.metadata()?;
        if (owner.uid(), owner.gid()) == (made.uid(), made.gid()) {
            return Ok(());
        }
        fchown(file, Some(owner.uid()), Some(owner.gid()))
    }

    #[cfg(not(unix))]
    fn give_to_owner(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn is_short_enough(&self, bytes: &[u8]) -> Result<(), FileError> {
        let long = || io::Error::new(ErrorKind::FileTooLarge, format!("more than {MAX_BYTES} bytes"));
        if bytes.len() > MAX_BYTES { Err(at(&self.0)(long())) } else { Ok(()) }
    }
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
        blocking(move || file.read()).await
    }

    async fn replace(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, StoreError> {
        // Behind a link, it is the file that is replaced, and not the link.
        let (file, bytes) = (self.clone(), Zeroizing::new(bytes.to_vec()));
        let linked = move || Self(fs::canonicalize(&file.0).unwrap_or(file.0));
        blocking(move || linked().write(seen, &bytes)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| StoreError::Unavailable(error.into()))?;
    done.map_err(|error| StoreError::Unavailable(error.into()))
}

/// Opens a file and makes it its owner's alone, whatever the umask, and whoever made it before.
fn private(path: &Path, options: &mut OpenOptions) -> Result<File, FileError> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let file = options.open(path).map_err(at(path))?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(at(path))?;
    Ok(file)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

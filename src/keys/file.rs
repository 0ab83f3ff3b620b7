//! A key ring in a file: a private JWK Set, readable by its owner alone.

use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;
use aws_lc_rs::digest;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest file that is read or written, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

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
        let digest = digest::digest(&digest::SHA256, &bytes);
        let version = digest.as_ref().first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        Ok(Some(KeptRing { version, bytes }))
    }

    fn write(&self, seen: Option<u64>, bytes: &[u8]) -> Result<bool, FileError> {
        // Else nobody could read it again.
        self.is_short_enough(bytes)?;
        let folder = File::open(self.folder()).map_err(at(self.folder()))?;
        let path = self.beside(".lock");
        let lock = private(&path, OpenOptions::new().write(true).create(true).truncate(false))?;
        lock.lock().map_err(at(&path))?;
        if self.read()?.map(|ring| ring.version) != seen {
            return Ok(false);
        }
        let new = self.beside(".new");
        // What a crash has left behind is nobody's.
        let _ = fs::remove_file(&new);
        let mut file = private(&new, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&new))?;
        // Whoever reads it, and whatever a crash leaves, is the old file or the new one (rename(2)).
        fs::rename(&new, &self.0).map_err(at(&self.0))?;
        // The new name has to survive a crash, too.
        folder.sync_all().map_err(at(self.folder()))?;
        Ok(true)
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
        let (file, bytes) = (self.clone(), Zeroizing::new(bytes.to_vec()));
        blocking(move || file.write(seen, &bytes)).await
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

//! A key ring in a file: a private JWK Set, readable by its owner alone.

use crate::store::{KeptRing, KeyRingStore, StoreError};
use async_trait::async_trait;
use aws_lc_rs::digest;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Keeps the ring in one file, which is replaced as a whole. Processes on one machine take turns
/// by a lock on the file beside it that ends in `.lock`.
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

    fn read(&self) -> io::Result<Option<KeptRing>> {
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::new(ErrorKind::FileTooLarge, format!("more than {MAX_BYTES} bytes")));
        }
        let digest = digest::digest(&digest::SHA256, &bytes);
        let version = digest.as_ref().first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        Ok(Some(KeptRing { version, bytes }))
    }

    fn write(&self, seen: Option<u64>, bytes: &[u8]) -> io::Result<bool> {
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(self.beside(".lock"))?;
        lock.lock()?;
        if self.read()?.map(|ring| ring.version) != seen {
            return Ok(false);
        }
        let new = self.beside(".new");
        // What a crash has left behind is nobody's.
        let _ = fs::remove_file(&new);
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &self.0)?;
        // The new name has to survive a crash, too.
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(true)
    }
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
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| StoreError::Unavailable(error.into()))
}

/// Made so, for its owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
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

//! Files that the program writes, opened so that no other user decides which file that is.
//!
//! A command may run as root in a folder that belongs to the service's user, and any user may put
//! links into `/tmp`. So a file is opened within the handle of its folder, links are never followed,
//! and what was opened is checked by its handle: it has to be a regular file, without a second hard
//! link, of an owner who is trusted.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
};

/// Who owns a file: its user and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u32, u32);

/// A folder by its handle: files are opened in the same one, wherever its path leads later.
pub(crate) struct Folder {
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
    #[cfg(not(unix))]
    path: std::path::PathBuf,
}

/// The folder and the name of a file.
pub(crate) fn split(path: &Path) -> io::Result<(&Path, &Path)> {
    let name = path.file_name().ok_or_else(|| refusal("is no name of a file".into()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")), Path::new(name)))
}

fn refusal(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, text)
}

#[cfg(unix)]
mod unix {
    use super::{File, Folder, Owner, Path, io, refusal};
    use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, Stat};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    /// Enough to open what is in a folder, also where its names cannot be listed.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const WITHIN: OFlags = OFlags::PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const WITHIN: OFlags = OFlags::RDONLY;

    /// `NONBLOCK`, since a pipe would keep the caller waiting for ever.
    const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

    impl Folder {
        /// The folder at this path, which may lead there by links.
        pub(crate) fn open(path: &Path) -> io::Result<Self> {
            let flags = WITHIN | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(Self { handle: rustix::fs::open(path, flags, Mode::empty())? })
        }

        /// Opens a file that is there, to read it.
        pub(crate) fn read(&self, name: &Path) -> io::Result<File> {
            self.existing(name, OFlags::RDONLY)
        }

        /// Opens a file that is there, to lock it.
        pub(crate) fn write(&self, name: &Path) -> io::Result<File> {
            self.existing(name, OFlags::WRONLY)
        }

        fn existing(&self, name: &Path, flags: OFlags) -> io::Result<File> {
            let file = rustix::fs::openat(&self.handle, name, flags | FILE, Mode::empty());
            let file = file.map_err(|error| match error {
                // Some systems say this of a link that is not to be followed.
                rustix::io::Errno::LOOP | rustix::io::Errno::MLINK => refusal(LINK.into()),
                error => error.into(),
            })?;
            self.check(&rustix::fs::fstat(&file)?)?;
            Ok(file.into())
        }

        /// Makes a file that is not there yet, its owner's alone.
        pub(crate) fn create(&self, name: &Path) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | FILE;
            let file = File::from(rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?);
            // The umask may have taken away some of it.
            file.set_permissions(PermissionsExt::from_mode(0o600))?;
            Ok(file)
        }

        /// Checks a file that another library opens by its path; `false` if it is not there.
        pub(crate) fn inspect(&self, name: &Path) -> io::Result<bool> {
            match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => self.check(&stat).map(|()| true),
                Err(rustix::io::Errno::NOENT) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }

        pub(crate) fn remove(&self, name: &Path) -> io::Result<()> {
            Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
        }

        pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
        }

        /// Has the names in it survive a crash.
        pub(crate) fn sync(&self) -> io::Result<()> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            File::from(rustix::fs::openat(&self.handle, ".", flags, Mode::empty())?).sync_all()
        }

        /// Trusted owners are the user that we are, root, and, as root, the owner of the folder,
        /// who can replace every file in it.
        fn check(&self, stat: &Stat) -> io::Result<()> {
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {}
                FileType::Symlink => return Err(refusal(LINK.into())),
                _ => return Err(refusal("is not a file".into())),
            }
            if stat.st_nlink > 1 {
                return Err(refusal("has another hard link; copy the file and remove both names".into()));
            }
            let us = rustix::process::geteuid().as_raw();
            let folder = || rustix::fs::fstat(&self.handle).map(|folder| folder.st_uid);
            if stat.st_uid == us || stat.st_uid == 0 || (us == 0 && stat.st_uid == folder()?) {
                return Ok(());
            }
            Err(refusal(format!("belongs to user {}; it has to belong to user {us}", stat.st_uid)))
        }
    }

    const LINK: &str = "is a symbolic link; name the file itself";

    impl Owner {
        pub(crate) fn of(file: &File) -> io::Result<Self> {
            file.metadata().map(|data| Self(data.uid(), data.gid()))
        }

        /// Gives a file that we have just made to this owner, who may be ourselves.
        pub(crate) fn take(self, made: &File) -> io::Result<()> {
            if Self::of(made)? == self {
                return Ok(());
            }
            std::os::unix::fs::fchown(made, Some(self.0), Some(self.1))
        }
    }

    /// Takes away the access of others to a file that we own.
    pub(crate) fn close_to_others(file: &File) -> io::Result<()> {
        let data = file.metadata()?;
        if data.uid() != rustix::process::geteuid().as_raw() || data.mode() & 0o077 == 0 {
            return Ok(());
        }
        file.set_permissions(PermissionsExt::from_mode(0o600))
    }

    /// Whether files can be made and replaced in the folder of this path.
    pub(crate) fn can_make(path: &Path) -> io::Result<()> {
        let (folder, _) = super::split(path)?;
        Ok(rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
    }

    /// Whether the mode of the file at this path has any of these bits.
    pub(crate) fn has_mode(path: &Path, bits: u32) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|data| data.mode() & bits != 0)
    }

    /// Whether every user of this machine may remove and replace files in the folder of this path.
    pub(crate) fn is_in_open_folder(path: &Path) -> bool {
        const STICKY: u32 = 0o1000;
        let folder = super::split(path).and_then(|(folder, _)| folder.metadata());
        folder.is_ok_and(|data| data.mode() & 0o002 != 0 && data.mode() & STICKY == 0)
    }
}

#[cfg(not(unix))]
mod other {
    //! Without owners and modes there is nothing to check but what a path leads to.
    use super::{File, Folder, Owner, Path, io, refusal};
    use std::fs::{self, OpenOptions};

    impl Folder {
        pub(crate) fn open(path: &Path) -> io::Result<Self> {
            fs::metadata(path).map(|_| Self { path: path.to_owned() })
        }

        pub(crate) fn read(&self, name: &Path) -> io::Result<File> {
            self.inspect(name)?;
            File::open(self.path.join(name))
        }

        pub(crate) fn write(&self, name: &Path) -> io::Result<File> {
            self.inspect(name)?;
            OpenOptions::new().write(true).open(self.path.join(name))
        }

        pub(crate) fn create(&self, name: &Path) -> io::Result<File> {
            OpenOptions::new().write(true).create_new(true).open(self.path.join(name))
        }

        pub(crate) fn inspect(&self, name: &Path) -> io::Result<bool> {
            match fs::symlink_metadata(self.path.join(name)) {
                Ok(data) if data.is_file() => Ok(true),
                Ok(_) => Err(refusal("is not a file".into())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        }

        pub(crate) fn remove(&self, name: &Path) -> io::Result<()> {
            fs::remove_file(self.path.join(name))
        }

        pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            fs::rename(self.path.join(from), self.path.join(to))
        }

        pub(crate) fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Owner {
        pub(crate) fn of(_: &File) -> io::Result<Self> {
            Ok(Self(0, 0))
        }

        pub(crate) fn take(self, _: &File) -> io::Result<()> {
            Ok(())
        }
    }

    pub(crate) fn close_to_others(_: &File) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn can_make(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn has_mode(_: &Path, _: u32) -> bool {
        false
    }

    pub(crate) fn is_in_open_folder(_: &Path) -> bool {
        false
    }
}

#[cfg(not(unix))]
pub(crate) use other::{can_make, close_to_others, has_mode, is_in_open_folder};
#[cfg(unix)]
pub(crate) use unix::{can_make, close_to_others, has_mode, is_in_open_folder};

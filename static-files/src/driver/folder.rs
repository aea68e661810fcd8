//! The root folder, and opening what lies in it without ever leaving it.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};

use super::kernel;
use super::reach::Reach;

/// The root folder, by its path.
///
/// It is opened anew for each search, so that a deployment may replace it, or the symbolic link
/// that leads to it, under a running server.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
}

/// The root folder, open.
#[derive(Debug)]
pub(crate) struct Folder<'a> {
    path: &'a Path,
    descriptor: OwnedFd,
    reach: Reach,
}

/// Something that was opened, and what it was at that moment.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) kind: Kind,
    pub(crate) stamp: Stamp,
}

/// What kind of thing a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular,
    Folder,
    /// A pipe, socket or device: never served.
    Other,
}

/// What changes when a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    pub(crate) len: u64,
    /// Seconds and nanoseconds since 1970.
    pub(crate) modified: (i64, i64),
    pub(crate) changed: (i64, i64),
}

impl Root {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let root = Self { path };
        root.open(Reach::Disk)?;
        Ok(root)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn open(&self, reach: Reach) -> io::Result<Folder<'_>> {
        Ok(Folder {
            path: &self.path,
            descriptor: kernel::open_folder(&self.path, reach)?,
            reach,
        })
    }
}

impl Folder<'_> {
    /// Opens what `name` leads to for reading; `None` when that is nothing below the root.
    pub(crate) fn open(&self, name: &[u8]) -> io::Result<Option<Opened>> {
        // O_NONBLOCK: a pipe without a writer must not hold the thread.
        self.open_with(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Tells what `name` leads to, without opening it; `None` when that is nothing below the root.
    pub(crate) fn look(&self, name: &[u8]) -> io::Result<Option<(Kind, Stamp)>> {
        let opened = self.open_with(name, kernel::LOOK)?;
        Ok(opened.map(|opened| (opened.kind, opened.stamp)))
    }

    fn open_with(&self, name: &[u8], flags: OFlags) -> io::Result<Option<Opened>> {
        let name = if name.is_empty() { b"." } else { name };
        let path = Path::new(OsStr::from_bytes(name));
        let opened = match kernel::open_beneath(self.descriptor.as_fd(), path, flags, self.reach) {
            Err(error) if is_for_walk(&error) => self.walk(path, flags),
            opened => opened,
        };
        match opened {
            Ok(descriptor) => Opened::new(File::from(descriptor)).map(Some),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Resolves the path by name, then walks the result without following any link: whoever
    /// swaps a folder for a link in between gets an error.
    fn walk(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let root = self.path.canonicalize()?;
        let resolved = root.join(path).canonicalize()?;
        let below = resolved.strip_prefix(&root).map_err(|_| Errno::XDEV)?;
        let mut folder = None;
        let mut names = below.components().peekable();
        while let Some(Component::Normal(name)) = names.next() {
            let flags = match names.peek() {
                Some(_) => OFlags::RDONLY | OFlags::DIRECTORY,
                None => flags,
            };
            folder = Some(self.step(folder.as_ref(), Path::new(name), flags)?);
        }
        match folder {
            Some(opened) => Ok(opened),
            None => self.step(None, Path::new("."), flags),
        }
    }

    fn step(&self, from: Option<&OwnedFd>, name: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let from = from.unwrap_or(&self.descriptor);
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(retry_on_intr(|| openat(from, name, flags, Mode::empty()))?)
    }
}

impl Opened {
    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::Regular,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::Other,
        };
        Ok(Self {
            file,
            kind,
            stamp: Stamp::new(&metadata),
        })
    }
}

impl Stamp {
    /// Returns what an open file is now.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::new(&file.metadata()?))
    }

    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Tells whether the kernel left it to us: it does not know how, or the path leads through a
/// link that starts at the file system's root, and may come back.
fn is_for_walk(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || is_any_of(error, &[Errno::XDEV])
}

/// Tells whether an error means that nothing servable has this name.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    const ABSENT: [Errno; 6] = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::LOOP,
        Errno::NAMETOOLONG,
        Errno::XDEV,
        // A socket, or a device without a driver.
        Errno::NXIO,
    ];
    is_any_of(error, &ABSENT)
}

fn is_any_of(error: &io::Error, errors: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|error| errors.contains(&error))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_walk_finds_what_the_kernel_finds_and_no_more() {
        let name = format!("astatine-folder-{}", std::process::id());
        let base = std::env::temp_dir().join(name);
        let path = base.join("root");
        fs::create_dir_all(path.join("dir/deep")).unwrap();
        fs::write(path.join("dir/a.txt"), "a").unwrap();
        fs::write(base.join("secret.txt"), "secret").unwrap();
        symlink("dir/a.txt", path.join("inside")).unwrap();
        symlink("../a.txt", path.join("dir/deep/up")).unwrap();
        symlink(path.join("dir"), path.join("absolute")).unwrap();
        symlink("../secret.txt", path.join("outside")).unwrap();
        symlink("/", path.join("slash")).unwrap();
        symlink("loop", path.join("loop")).unwrap();
        let root = Root::new(&path).unwrap();
        let folder = root.open(Reach::Disk).unwrap();
        let cases = [
            ("dir/a.txt", Some(Kind::Regular)),
            ("dir", Some(Kind::Folder)),
            (".", Some(Kind::Folder)),
            ("inside", Some(Kind::Regular)),
            ("dir/deep/up", Some(Kind::Regular)),
            ("absolute/a.txt", Some(Kind::Regular)),
            ("missing", None),
            ("dir/a.txt/b", None),
            ("outside", None),
            ("slash/etc/passwd", None),
            ("loop", None),
        ];
        for (name, expected) in cases {
            let walked = folder.walk(Path::new(name), OFlags::RDONLY);
            let kind = match walked {
                Ok(descriptor) => Some(Opened::new(File::from(descriptor)).unwrap().kind),
                Err(error) if is_absence(&error) => None,
                Err(error) => panic!("{name}: {error}"),
            };
            assert_eq!(kind, expected, "{name}");
            let looked = folder.look(name.as_bytes()).unwrap();
            assert_eq!(looked.map(|(kind, _)| kind), expected, "{name}");
        }
        // As if a link had been put there behind the walk's back.
        let stepped = folder.step(None, Path::new("inside"), OFlags::RDONLY);
        assert!(is_any_of(&stepped.unwrap_err(), &[Errno::LOOP]));
        fs::remove_dir_all(&base).unwrap();
    }
}

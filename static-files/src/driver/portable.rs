//! The same as `linux.rs` offers, for systems that offer less.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};

use super::reach::Reach;

/// What opens a name only to tell what it leads to.
pub(crate) const LOOK: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Opens the folder that `path` names.
pub(crate) fn open_folder(path: &Path, reach: Reach) -> io::Result<OwnedFd> {
    match reach {
        Reach::Memory => Err(io::ErrorKind::WouldBlock.into()),
        Reach::Disk => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(rustix::fs::open(path, flags, Mode::empty())?)
        }
    }
}

/// Answers `Unsupported`: no call confines a path to a folder.
pub(crate) fn open_beneath(
    _folder: BorrowedFd<'_>,
    _path: &Path,
    _flags: OFlags,
    reach: Reach,
) -> io::Result<OwnedFd> {
    Err(match reach {
        Reach::Memory => io::ErrorKind::WouldBlock.into(),
        Reach::Disk => io::ErrorKind::Unsupported.into(),
    })
}

/// Does nothing: a descriptor cannot ask for it.
pub(crate) fn keep_access_time(_file: &File) {}

/// Answers `Unsupported`: no call tells what is in memory.
pub(crate) fn read_resident(_file: &File, _buf: &mut [u8], _offset: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads a clock that never goes back.
pub(crate) fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

//! What Linux offers beyond other systems.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fcntl_getfl, fcntl_setfl, openat2};
use rustix::io::{Errno, ReadWriteFlags, preadv2, retry_on_intr};
use rustix::time::{ClockId, clock_gettime};

use super::reach::Reach;

/// What opens a name only to tell what it leads to; it needs no right to read.
pub(crate) const LOOK: OFlags = OFlags::PATH;

/// Opens the folder that `path` names.
pub(crate) fn open_folder(path: &Path, reach: Reach) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match reach {
        Reach::Memory => in_memory(CWD, path, flags, ResolveFlags::empty()),
        Reach::Disk => Ok(rustix::fs::open(path, flags, Mode::empty())?),
    }
}

/// Opens `path`, which may lead through symbolic links but not out of `folder`.
///
/// # Errors
///
/// `Unsupported` where the kernel does not know how, `CrossesDevices` for a path that leads out,
/// `WouldBlock` where memory is all that may be reached and it does not do.
pub(crate) fn open_beneath(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    reach: Reach,
) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match reach {
        Reach::Memory => in_memory(folder, path, flags, resolve),
        Reach::Disk => on_disk(folder, path, flags, resolve),
    }
}

/// Lets reads leave the file's time of access alone: each sendfile(2) would look whether it is to be
/// noted, and it would be written to the disk.
pub(crate) fn keep_access_time(file: &File) {
    let kept = fcntl_getfl(file).and_then(|flags| fcntl_setfl(file, flags | OFlags::NOATIME));
    // Only the owner of a file may ask for this; for all others it is noted as ever.
    kept.unwrap_or_default();
}

/// Reads bytes that are in memory.
///
/// # Errors
///
/// `WouldBlock` where the first byte is not in memory, `Unsupported` where the file's system
/// cannot tell.
pub(crate) fn read_resident(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let read = retry_on_intr(|| {
        preadv2(
            file,
            &mut [IoSliceMut::new(buf)],
            offset,
            ReadWriteFlags::NOWAIT,
        )
    });
    match read {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        read => Ok(read?),
    }
}

/// Reads a clock that never goes back. It moves in steps of some milliseconds and costs no
/// system call.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    Duration::try_from(now).unwrap_or_default()
}

/// Opens only what the kernel's name cache knows.
fn in_memory(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    resolve: ResolveFlags,
) -> io::Result<OwnedFd> {
    let resolve = resolve | ResolveFlags::CACHED;
    match retry_on_intr(|| openat2(folder, path, flags, Mode::empty(), resolve)) {
        // Only the disk can tell, or, for a link that starts at the file system's root, only a
        // longer look.
        Err(Errno::AGAIN | Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::XDEV) => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        opened => Ok(opened?),
    }
}

fn on_disk(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    resolve: ResolveFlags,
) -> io::Result<OwnedFd> {
    let mut n_tries = 0;
    loop {
        match retry_on_intr(|| openat2(folder, path, flags, Mode::empty(), resolve)) {
            // A rename elsewhere may have moved the path while it was walked.
            Err(Errno::AGAIN) if n_tries < MAX_TRIES => n_tries += 1,
            Err(Errno::NOSYS | Errno::PERM) => return Err(io::ErrorKind::Unsupported.into()),
            opened => return Ok(opened?),
        }
    }
}

const MAX_TRIES: u32 = 16;

//! The file of a Unix socket: made with its mode, replaced only when dead, removed at the end.

use std::fs::Permissions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, SocketAddrUnix, bind, connect};

use crate::net::BindError;
use crate::net::sys;

/// The file of a socket that we listen on. It is removed once, and only while it is ours.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Identity,
    is_removed: AtomicBool,
}

/// What tells our file from a successor's: an inode number alone may be used again at once.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, i64),
}

impl SocketFile {
    /// Binds a socket to the path and gives the file its mode. Nobody can connect before the
    /// socket listens, so the mode is in force before the file can be used.
    ///
    /// Two servers that start at the same moment on the same path may both find the file dead;
    /// the later one wins it.
    pub(super) fn bind(path: &Path, mode: u32) -> Result<(OwnedFd, Self), BindError> {
        let address = SocketAddrUnix::new(path).map_err(|errno| failed(path, errno))?;
        let socket =
            sys::stream_socket(AddressFamily::UNIX).map_err(|errno| failed(path, errno))?;
        match bind(&socket, &address) {
            Err(Errno::ADDRINUSE) => {
                remove_dead(path, &address)?;
                bind(&socket, &address).map_err(|errno| failed(path, errno))?;
            }
            bound => bound.map_err(|errno| failed(path, errno))?,
        }
        let file = Self {
            identity: Identity::of(path).map_err(|cause| failed(path, cause))?,
            path: path.to_owned(),
            is_removed: AtomicBool::new(false),
        };
        std::fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|cause| failed(path, cause))?;
        Ok((socket, file))
    }

    /// Removes the file, unless it was removed before or has become somebody else's.
    pub(super) fn remove(&self) {
        if self.is_removed.swap(true, Ordering::AcqRel) {
            return;
        }
        let is_ours = Identity::of(&self.path).is_ok_and(|found| found == self.identity);
        if !is_ours {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the socket's file");
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::symlink_metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

/// Removes the file in the way if it is a socket on which nobody listens.
fn remove_dead(path: &Path, address: &SocketAddrUnix) -> Result<(), BindError> {
    let metadata = std::fs::symlink_metadata(path).map_err(|cause| failed(path, cause))?;
    if !metadata.file_type().is_socket() {
        return Err(BindError::FileInTheWay(path.to_owned()));
    }
    let probe = sys::stream_socket(AddressFamily::UNIX).map_err(|errno| failed(path, errno))?;
    match retry_on_intr(|| connect(&probe, address)) {
        Err(Errno::CONNREFUSED) => std::fs::remove_file(path).map_err(|cause| failed(path, cause)),
        // EAGAIN is a full queue, EPROTOTYPE a socket of an other type: both are in use.
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => Err(BindError::Live(path.to_owned())),
        Err(errno) => Err(failed(path, errno)),
    }
}

fn failed(path: &Path, cause: impl Into<io::Error>) -> BindError {
    BindError::listen(format!("unix:{}", path.display()), cause)
}

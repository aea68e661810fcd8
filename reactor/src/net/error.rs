//! Why a server cannot listen where it was told to.

use std::os::fd::RawFd;
use std::path::PathBuf;
use std::{fmt, io};

/// What stands in the way of listening; it names the address, and has the system's cause as its
/// source.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The host's name has no address.
    Resolve {
        /// The name.
        name: String,
        /// What the resolver said.
        cause: io::Error,
    },
    /// The system refused the address, path or descriptor.
    Listen {
        /// The address, as the user wrote it or as it was found for the name.
        address: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A file is in the way of a Unix socket, and it is no socket.
    FileInTheWay(PathBuf),
    /// A server listens on the Unix socket already.
    Live(PathBuf),
    /// The process was started without a socket of this name.
    NoSuchName(String),
    /// The inherited descriptor is no listening stream socket.
    NotListening(RawFd),
}

impl BindError {
    /// Names the address that the system refused.
    pub(super) fn listen(address: String, cause: impl Into<io::Error>) -> Self {
        Self::Listen {
            address,
            cause: cause.into(),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { name, .. } => write!(f, "cannot find an address for {name}"),
            Self::Listen { address, .. } => write!(f, "cannot listen on {address}"),
            Self::FileInTheWay(path) => {
                write!(
                    f,
                    "cannot listen on unix:{}: the file is no socket",
                    path.display()
                )
            }
            Self::Live(path) => write!(
                f,
                "cannot listen on unix:{}: a server listens there already",
                path.display()
            ),
            Self::NoSuchName(name) => write!(f, "no socket named {name} was inherited"),
            Self::NotListening(number) => {
                write!(f, "descriptor {number} is no listening stream socket")
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { cause, .. } | Self::Listen { cause, .. } => Some(cause),
            Self::FileInTheWay(_) | Self::Live(_) | Self::NoSuchName(_) | Self::NotListening(_) => {
                None
            }
        }
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        let kind = match &error {
            BindError::Resolve { cause, .. } | BindError::Listen { cause, .. } => cause.kind(),
            BindError::FileInTheWay(_) => io::ErrorKind::AlreadyExists,
            BindError::Live(_) => io::ErrorKind::AddrInUse,
            BindError::NoSuchName(_) => io::ErrorKind::NotFound,
            BindError::NotListening(_) => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

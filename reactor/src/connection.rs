//! An accepted or dialled connection: the stream, who is at the other end, and the token that
//! tells it to end.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Io, Shutdown};

/// What a connection-level service is called with.
#[non_exhaustive]
pub struct Connection {
    /// The stream.
    pub io: Box<dyn Io>,
    /// Who is at the other end.
    pub peer: PeerInfo,
    /// The token that a driver polls to know when to stop.
    pub shutdown: Shutdown,
}

impl Connection {
    /// Puts a connection together.
    pub fn new(io: impl Io + 'static, peer: PeerInfo, shutdown: Shutdown) -> Self {
        Self {
            io: Box::new(io),
            peer,
            shutdown,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// What is known of a connection's other end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// The address of the other end.
    pub remote: Address,
    /// The address on which the connection was accepted.
    pub local: Address,
    /// Set when a limit of the listener is reached: a protocol that can say so answers it and
    /// closes, any other just closes.
    pub refused: Option<Refused>,
}

impl PeerInfo {
    /// Names both ends; nothing is refused.
    pub fn new(remote: Address, local: Address) -> Self {
        Self {
            remote,
            local,
            refused: None,
        }
    }
}

/// The address of one end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An Internet address and port.
    Tcp(SocketAddr),
    /// A Unix socket, with its path where it has one.
    Unix(Option<PathBuf>),
    /// A stream without an address, as a pipe in memory.
    #[default]
    Unnamed,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
            Self::Unnamed => f.write_str("-"),
        }
    }
}

/// The limit that refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// The process serves as many connections as it may.
    Full,
    /// This address has as many connections as it may.
    PerAddress,
}

//! What to connect to, as a user writes it, and how it is reached.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::net::{Bind, BindParseError, Socket};
use crate::{Address, PeerInfo};

/// What to connect to.
///
/// It is parsed from `127.0.0.1:3000`, `[::1]:3000`, `example.com:3000` and `unix:/run/app.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The addresses that the system finds for the name, by turns until one answers. Where it finds
    /// none, be it that the name has none or that nobody could be asked, the try fails with
    /// [`io::ErrorKind::NotFound`].
    Host {
        /// The name, resolved anew for each connection.
        name: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Connects. The addresses of a name share what is left of the time, so that one which does
    /// not answer leaves the others theirs.
    pub(super) async fn dial(&self, limit: Duration) -> io::Result<(Socket, PeerInfo)> {
        let begun = Instant::now();
        let end = begun.checked_add(limit).unwrap_or(begun + FOREVER);
        match self {
            Self::Tcp(address) => dial_tcp(&[*address], end).await,
            Self::Host { name, port } => {
                let found = timeout_at(end, lookup_host((name.as_str(), *port))).await?;
                // The system's errors are of a kind that nobody could match, and are not told apart.
                let found =
                    found.map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
                dial_tcp(&found.collect::<Vec<_>>(), end).await
            }
            Self::Unix(path) => {
                let stream = timeout_at(end, UnixStream::connect(path)).await??;
                let remote = Address::Unix(Some(path.clone()));
                let peer = PeerInfo::new(remote, Address::Unix(None));
                Ok((stream.try_into()?, peer))
            }
        }
    }
}

async fn dial_tcp(addresses: &[SocketAddr], end: Instant) -> io::Result<(Socket, PeerInfo)> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (n_left, address) in (1..=addresses.len()).rev().zip(addresses) {
        let now = Instant::now();
        let n_left = u32::try_from(n_left).unwrap_or(u32::MAX);
        let share = end.saturating_duration_since(now) / n_left;
        match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let local = stream.local_addr().map_or(Address::Unnamed, Address::Tcp);
                let peer = PeerInfo::new(Address::Tcp(*address), local);
                return Ok((stream.try_into()?, peer));
            }
            Ok(Err(error)) => failed = error,
            Err(elapsed) => failed = elapsed.into(),
        }
    }
    Err(failed)
}

/// Longer than anybody waits, and no instant behind it overflows.
const FOREVER: Duration = Duration::from_secs(1 << 30);

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for Target {
    type Err = BindParseError;

    fn from_str(text: &str) -> Result<Self, BindParseError> {
        match text.parse()? {
            Bind::Tcp(address) => Ok(Self::Tcp(address)),
            Bind::Host { name, port } => Ok(Self::Host { name, port }),
            Bind::Unix { path, .. } => Ok(Self::Unix(path)),
            Bind::Port(_) | Bind::InheritedName(_) | Bind::InheritedNumber(_) => {
                Err(BindParseError::Host)
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in ["127.0.0.1:80", "[::1]:80", "example.com:80", "unix:/a/b"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_can_only_be_listened_on_is_no_target() {
        for text in [":80", "80", "fd:3", "fd:name"] {
            assert_eq!(text.parse::<Target>(), Err(BindParseError::Host), "{text}");
        }
        assert_eq!("unix:".parse::<Target>(), Err(BindParseError::Path));
        for text in ["a.example:x", "a.example:65536", "a.example"] {
            assert_eq!(text.parse::<Target>(), Err(BindParseError::Port), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_not_found() {
        // No label of a name has so many characters, so nobody is asked.
        let target: Target = format!("{}.example:80", "a".repeat(64)).parse().unwrap();
        let failed = target.dial(Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::NotFound);
    }
}

//! What to listen on, as a user writes it.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::str::FromStr;

/// What to listen on.
///
/// It is parsed from `3000` or `:3000` (every interface), `127.0.0.1:3000`, `[::1]:3000`,
/// `localhost:3000`, `unix:/run/app.sock`, `unix:/run/app.sock?mode=600`, `fd:3` and `fd:NAME`.
///
/// # Examples
///
/// ```
/// use astatine_reactor::Bind;
///
/// let bind: Bind = "localhost:3000".parse()?;
/// assert_eq!(bind, Bind::Host { name: "localhost".into(), port: 3000 });
/// # Ok::<(), astatine_reactor::BindParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bind {
    /// A TCP port of every interface, IPv6 and IPv4; 0 lets the system choose the port.
    Port(u16),
    /// A TCP address. `[::]` takes IPv4 connections too.
    Tcp(SocketAddr),
    /// Every address that the system finds for the name.
    Host {
        /// The name, to be resolved when the server starts.
        name: String,
        /// The port; 0 lets the system choose it.
        port: u16,
    },
    /// A Unix socket.
    Unix {
        /// Where the socket's file is made. A file that is there already is replaced only if it
        /// is a socket on which nobody listens.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// The listening sockets that the process was started with under this name.
    InheritedName(String),
    /// The listening socket that the process was started with as this descriptor.
    InheritedNumber(RawFd),
}

impl Bind {
    /// The permission bits of a Unix socket's file when nothing else is said: this user and group
    /// may connect.
    pub const DEFAULT_MODE: u32 = 0o660;

    /// Names a Unix socket with [`Bind::DEFAULT_MODE`].
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::Unix {
            path: path.into(),
            mode: Self::DEFAULT_MODE,
        }
    }
}

impl From<SocketAddr> for Bind {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for Bind {
    type Err = BindParseError;

    fn from_str(text: &str) -> Result<Self, BindParseError> {
        if let Some(rest) = text.strip_prefix("unix:") {
            return parse_unix(rest);
        }
        if let Some(rest) = text.strip_prefix("fd:") {
            return parse_inherited(rest);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        let (name, port) = text.rsplit_once(':').unwrap_or(("", text));
        let port = parse_port(port)?;
        if name.is_empty() {
            return Ok(Self::Port(port));
        }
        // What parses neither as an address nor as a name is most likely an IPv6 address
        // without its brackets.
        if name.contains([':', '[', ']', '/', ' ']) {
            return Err(BindParseError::Host);
        }
        Ok(Self::Host {
            name: name.to_owned(),
            port,
        })
    }
}

fn parse_port(text: &str) -> Result<u16, BindParseError> {
    // `u16::from_str` takes a leading plus.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BindParseError::Port);
    }
    text.parse().map_err(|_| BindParseError::Port)
}

fn parse_unix(text: &str) -> Result<Bind, BindParseError> {
    let (path, mode) = match text.rsplit_once("?mode=") {
        None => (text, Bind::DEFAULT_MODE),
        Some((path, digits)) => {
            let mode = u32::from_str_radix(digits, 8).map_err(|_| BindParseError::Mode)?;
            (path, mode)
        }
    };
    if mode > 0o777 {
        return Err(BindParseError::Mode);
    }
    if path.is_empty() {
        return Err(BindParseError::Path);
    }
    Ok(Bind::Unix {
        path: path.into(),
        mode,
    })
}

fn parse_inherited(text: &str) -> Result<Bind, BindParseError> {
    if text.is_empty() {
        return Err(BindParseError::Descriptor);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Bind::InheritedName(text.to_owned()));
    }
    text.parse()
        .map(Bind::InheritedNumber)
        .map_err(|_| BindParseError::Descriptor)
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, ":{port}"),
            Self::Tcp(address) => address.fmt(f),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
            Self::InheritedName(name) => write!(f, "fd:{name}"),
            Self::InheritedNumber(number) => write!(f, "fd:{number}"),
        }
    }
}

/// A text that names nothing to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindParseError {
    /// There is no port, or it is no number from 0 to 65535.
    Port,
    /// The host is neither an address nor a name.
    Host,
    /// The path of the Unix socket is empty.
    Path,
    /// The mode of the Unix socket is no octal number from 0 to 777.
    Mode,
    /// The inherited socket has neither a name nor a number.
    Descriptor,
}

impl fmt::Display for BindParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Port => "there is no port from 0 to 65535",
            Self::Host => "the host is neither a name nor an address; IPv6 needs brackets",
            Self::Path => "the path of the Unix socket is empty",
            Self::Mode => "the mode is no octal number from 0 to 777",
            Self::Descriptor => "the inherited socket has neither a name nor a number",
        })
    }
}

impl std::error::Error for BindParseError {}

//! Why a client got no WebSocket.

use std::error;
use std::fmt;
use std::io;

use http::Response;

use crate::error::{HandshakeViolation, Misuse};

/// A WebSocket was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// Our caller asked for what cannot be sent.
    Misuse(Misuse),
    /// The server answered with another status than 101: a redirect, or a refusal. Its fields are
    /// here, its body is not read.
    Refused(Box<Response<()>>),
    /// The server broke a rule of the handshake.
    Violation(HandshakeViolation),
    /// It all took longer than [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    TimedOut,
    /// The transport failed.
    Io(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Misuse(_) => "handshake cannot be begun",
            Self::Refused(response) => {
                return write!(f, "server answered with status {}", response.status());
            }
            Self::Violation(_) => "server broke the handshake",
            Self::TimedOut => "handshake took too long",
            Self::Io(_) => "transport failed",
        })
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Misuse(misuse) => Some(misuse),
            Self::Violation(violation) => Some(violation),
            Self::Io(error) => Some(error),
            Self::Refused(_) | Self::TimedOut => None,
        }
    }
}

impl From<Misuse> for ConnectError {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<HandshakeViolation> for ConnectError {
    fn from(violation: HandshakeViolation) -> Self {
        Self::Violation(violation)
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

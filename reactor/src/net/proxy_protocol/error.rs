//! Why a connection did not get as far as its service, or how its service failed.

use std::{error, fmt, io};

use crate::net::accept::BoxError;

/// The bytes that a proxy sent first are no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderError {
    /// They begin as a header of neither version does.
    Signature,
    /// The line of version 1 is malformed.
    Line,
    /// The line of version 1 is longer than 107 bytes.
    LineTooLong,
    /// The version is neither 1 nor 2, or the command neither LOCAL nor PROXY.
    Command,
    /// The addresses are of no known family, or not those of a stream.
    Family,
    /// The header ends inside the addresses.
    Addresses,
    /// An extension is longer than what is left of the header.
    Extension,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "no header at the start",
            Self::Line => "malformed line",
            Self::LineTooLong => "line too long",
            Self::Command => "unknown version or command",
            Self::Family => "addresses of no stream that is known",
            Self::Addresses => "addresses cut short",
            Self::Extension => "extension longer than the header",
        })
    }
}

impl error::Error for HeaderError {}

/// Why a connection behind a proxy ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A listed proxy sent something else than a header.
    Header(HeaderError),
    /// The header did not arrive in time.
    Timeout,
    /// The stream ended inside the header.
    Closed,
    /// The stream failed before the header was there.
    Io(io::Error),
    /// The service of the connection failed.
    Service(BoxError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header(_) => "bad PROXY header",
            Self::Timeout => "PROXY header took too long",
            Self::Closed => "stream ended inside the PROXY header",
            Self::Io(_) => "stream failed before the PROXY header",
            Self::Service(_) => "service failed",
        })
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Header(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Service(error) => Some(&**error),
            Self::Timeout | Self::Closed => None,
        }
    }
}

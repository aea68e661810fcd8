//! Who is to blame: the peer ([`Violation`]), our caller ([`Misuse`]), or neither.

use std::error;
use std::fmt;
use std::io;

/// The peer went past a limit, or answered with something else than an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A line is longer than the limit.
    LineTooLong,
    /// The data, type and id of one event are longer than the limit.
    EventTooLong,
    /// The response has this status; only 200 begins a stream.
    Status(u16),
    /// The response is not of the type `text/event-stream`.
    ContentType,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong => f.write_str("line too long"),
            Self::EventTooLong => f.write_str("event too long"),
            Self::Status(status) => write!(f, "status {status} where a stream begins with 200"),
            Self::ContentType => f.write_str("response is no text/event-stream"),
        }
    }
}

impl error::Error for Violation {}

/// Our caller has text for a field that the field cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// There is a CR or LF at this byte: what follows would be read as a line of its own.
    LineBreak(usize),
    /// There is a NUL at this byte: an id that has one is passed over.
    Nul(usize),
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineBreak(at) => write!(f, "line break at byte {at} of one line"),
            Self::Nul(at) => write!(f, "NUL at byte {at} of one line"),
        }
    }
}

impl error::Error for Misuse {}

/// Why an event was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// There is no room in the queue: the peer takes events too slowly.
    Full,
    /// Nobody will read it: the peer is gone, or the stream was closed.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "queue is full",
            Self::Closed => "stream is closed",
        })
    }
}

impl error::Error for SendError {}

/// An error of the service below a client, of whatever type it is.
type Cause = Box<dyn error::Error + Send + Sync>;

/// What befell a stream. A client's event source deals with most of it by itself, by another
/// request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server went past a limit, or answered with something else; the source is closed.
    Violation(Violation),
    /// The service can take no request any more; the source is closed.
    Service(Cause),
    /// A request got no answer; another follows.
    Request(Cause),
    /// The stream broke off; another request follows.
    Body(Cause),
    /// The server ended the stream; another request follows.
    Ended,
    /// Nothing came for too long; another request follows.
    Silent,
}

impl Error {
    /// Tells whether the source is closed, and nothing follows.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Violation(_) | Self::Service(_) => true,
            Self::Request(_) | Self::Body(_) | Self::Ended | Self::Silent => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Violation(_) => "answer is no event stream that can be read",
            Self::Service(_) => "service takes no request",
            Self::Request(_) => "request got no answer",
            Self::Body(_) => "stream broke off",
            Self::Ended => "server ended the stream",
            Self::Silent => "server was silent for too long",
        })
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Service(cause) | Self::Request(cause) | Self::Body(cause) => Some(&**cause),
            Self::Ended | Self::Silent => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Body(error.into())
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_enough_to_return_everywhere() {
        assert!(size_of::<Error>() <= 32);
    }
}

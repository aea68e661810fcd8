//! Who is to blame: a name that cannot be one, a subscriber beyond its limits, or an engine.

use std::error;
use std::fmt;

/// A text is no name of a channel, or no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It has so many bytes, and [`MAX_NAME_BYTES`](crate::MAX_NAME_BYTES) are the limit.
    TooLong(usize),
    /// A `[` of a pattern has no `]`.
    OpenSet,
    /// A pattern ends with the `\` that would take the next character as it is.
    OpenEscape,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("name is empty"),
            Self::TooLong(n) => write!(f, "name of {n} bytes is too long"),
            Self::OpenSet => f.write_str("pattern has a [ without a ]"),
            Self::OpenEscape => f.write_str("pattern ends with a backslash"),
        }
    }
}

impl error::Error for NameError {}

/// A text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CursorError;

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cursor")
    }
}

impl error::Error for CursorError {}

/// Why a subscription was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The connection has as many subscriptions as it may have.
    TooMany(usize),
    /// A pattern begins now: a cursor is one channel's.
    PatternHistory,
    /// The connection is closed.
    Closed,
    /// So many subscriptions wait for the thread that would serve them that there is no room.
    Busy,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(max) => write!(f, "more than {max} subscriptions"),
            Self::PatternHistory => f.write_str("history of a pattern"),
            Self::Closed => f.write_str("connection is closed"),
            Self::Busy => f.write_str("too many subscriptions at once"),
        }
    }
}

impl error::Error for SubscribeError {}

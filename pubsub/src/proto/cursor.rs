//! A place in a channel's history, and its text.

use std::fmt;
use std::str::FromStr;

use crate::error::CursorError;

/// A place in a channel's history: right behind one message, or before the first.
///
/// A client gets its text with each message, as the id of an event, and gives it back to go on from
/// there; what is in it is no business of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Tells histories of one name apart: after a restart, offsets begin anew.
    pub epoch: u64,
    /// How many messages the history had when this was its last.
    pub offset: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (epoch, offset) = text.split_once('-').ok_or(CursorError)?;
        // A sign is taken by the standard library, and written by nobody.
        if epoch.starts_with('+') || offset.starts_with('+') {
            return Err(CursorError);
        }
        Ok(Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| CursorError)?,
            offset: offset.parse().map_err(|_| CursorError)?,
        })
    }
}

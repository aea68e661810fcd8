//! What can be subscribed to: a channel by its name, or all that match a pattern.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::pattern::Pattern;
use crate::error::NameError;

/// The longest name of a channel, and the longest pattern.
pub const MAX_NAME_BYTES: usize = 255;

/// The name of a channel; clones share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(Arc<str>);

/// What a subscription is to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// One channel.
    Channel(Channel),
    /// All channels whose whole name matches.
    Pattern(Pattern),
}

impl Channel {
    /// Takes a name; any text is one, and no character is special.
    ///
    /// # Errors
    ///
    /// It is empty or too long.
    pub fn new(name: &str) -> Result<Self, NameError> {
        checked(name).map(Self)
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Channel {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Channel> for Name {
    fn from(channel: Channel) -> Self {
        Self::Channel(channel)
    }
}

impl From<&Channel> for Name {
    fn from(channel: &Channel) -> Self {
        Self::Channel(channel.clone())
    }
}

impl From<Pattern> for Name {
    fn from(pattern: Pattern) -> Self {
        Self::Pattern(pattern)
    }
}

impl From<&Pattern> for Name {
    fn from(pattern: &Pattern) -> Self {
        Self::Pattern(pattern.clone())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => channel.fmt(f),
            Self::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

/// Shares a text that is neither empty nor too long.
pub(super) fn checked(text: &str) -> Result<Arc<str>, NameError> {
    match text.len() {
        0 => Err(NameError::Empty),
        n if n > MAX_NAME_BYTES => Err(NameError::TooLong(n)),
        _ => Ok(text.into()),
    }
}

//! What becomes of a subscriber that takes its messages too slowly, as a user names it.

use astatine_reactor::handler::Policy;

/// One value of `--live-slow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Slow {
    /// Its connection is closed, a WebSocket with the code 1013.
    Close,
    /// It loses the messages that have waited longest.
    DropOldest,
    /// It loses those that come.
    DropNewest,
    /// It loses all but the latest.
    KeepLatest,
}

impl From<Slow> for Policy {
    fn from(slow: Slow) -> Self {
        match slow {
            Slow::Close => Self::Close,
            Slow::DropOldest => Self::DropOldest,
            Slow::DropNewest => Self::DropNewest,
            Slow::KeepLatest => Self::KeepLatest,
        }
    }
}

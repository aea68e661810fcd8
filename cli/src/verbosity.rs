//! How much is told on standard error, on iodine's scale.

use std::str::FromStr;

use tracing_subscriber::filter::LevelFilter;

/// How much is told, from 0 (nothing) to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "u8")]
pub(crate) struct Verbosity(u8);

impl Verbosity {
    /// Returns the level up to which events are shown.
    pub(crate) fn filter(self) -> LevelFilter {
        match self.0 {
            0 => LevelFilter::OFF,
            1 | 2 => LevelFilter::ERROR,
            3 => LevelFilter::WARN,
            4 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        }
    }
}

impl Default for Verbosity {
    fn default() -> Self {
        Self(4)
    }
}

impl FromStr for Verbosity {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<u8>().map_or(Err(VERBOSITY), Self::try_from)
    }
}

impl TryFrom<u8> for Verbosity {
    type Error = &'static str;

    fn try_from(level: u8) -> Result<Self, Self::Error> {
        if level <= 5 {
            Ok(Self(level))
        } else {
            Err(VERBOSITY)
        }
    }
}

const VERBOSITY: &str = "a verbosity is a number from 0 to 5";

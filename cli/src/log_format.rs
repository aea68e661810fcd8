//! How a request is logged, as a user names it.

use astatine_http1::layer::access_log;

/// One value of `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// The Common Log Format and the milliseconds.
    #[default]
    Common,
    /// As common, with the fields Referer and User-Agent.
    Combined,
    /// One JSON object a line.
    Json,
}

impl From<LogFormat> for access_log::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Common => Self::Common,
            LogFormat::Combined => Self::Combined,
            LogFormat::Json => Self::Json,
        }
    }
}

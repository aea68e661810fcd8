//! What becomes of a fragment in a request's target, as a user names it.

use astatine_http1 as http1;

/// One value of `--fragments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fragments {
    /// The request is answered with 400.
    Refused,
    /// The request is served without it; only where nothing before the server judges paths.
    LeftOut,
}

impl From<Fragments> for http1::Fragments {
    fn from(fragments: Fragments) -> Self {
        match fragments {
            Fragments::Refused => Self::Refused,
            Fragments::LeftOut => Self::LeftOut,
        }
    }
}

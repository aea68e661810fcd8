//! A network of peers, as a user lists it.

use std::str::FromStr;

use astatine_reactor::{Network, NetworkParseError};

/// One value of `--trusted-proxy` or `--proxy-protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ListedNetwork(pub(crate) Network);

impl FromStr for ListedNetwork {
    type Err = NetworkParseError;

    fn from_str(text: &str) -> Result<Self, NetworkParseError> {
        text.parse().map(Self)
    }
}

//! What a token says.

use serde::{Deserialize, Deserializer};

/// The claims that the hub knows; others may stand beside them.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Claims {
    /// The user, for presence and for the rate of publishing.
    pub(crate) sub: Option<String>,
    /// When the token ends, in seconds since 1970.
    pub(crate) exp: Option<f64>,
    /// Patterns of channels that may be read.
    #[serde(default, deserialize_with = "list")]
    pub(crate) subscribe: Vec<String>,
    /// Patterns of channels that may be written.
    #[serde(default, deserialize_with = "list")]
    pub(crate) publish: Vec<String>,
    /// The same for the Mercure protocol, which has patterns of its own.
    pub(crate) mercure: Option<MercureClaims>,
}

/// The claim `mercure`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct MercureClaims {
    /// Selectors of topics whose private updates may be read.
    #[serde(default, deserialize_with = "list")]
    pub(crate) subscribe: Vec<String>,
    /// Selectors of topics that may be published to.
    #[serde(default, deserialize_with = "list")]
    pub(crate) publish: Vec<String>,
}

/// Reads a list, which some write as null where it is empty.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

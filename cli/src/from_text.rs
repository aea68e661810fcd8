//! Values that the configuration file has as the texts that flags take.

use crate::cache_rule::CacheRule;
use crate::hub::{AllowedOrigin, Paths};
use crate::listen::{Listen, UnixMode};
use crate::network::ListedNetwork;

macro_rules! from_text {
    ($($kind:ty)+) => {$(
        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse().map_err(|error| format!("{text:?}: {error}"))
            }
        }
    )+};
}

from_text!(AllowedOrigin CacheRule Listen ListedNetwork Paths UnixMode);

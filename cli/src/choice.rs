//! Choices that a user names; what is meant is another crate's.

use astatine_http1::layer::access_log::Format;
use astatine_http1::layer::trusted_proxy::Field;
use astatine_reactor::handler::Policy;

macro_rules! choices {
    ($($(#[$option:meta])* $name:ident: $meant:ty { $($(#[$help:meta])* $choice:ident,)+ })+) => {$(
        $(#[$option])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum $name {
            $($(#[$help])* $choice,)+
        }

        impl From<$name> for $meant {
            fn from(choice: $name) -> Self {
                match choice {
                    $($name::$choice => Self::$choice,)+
                }
            }
        }
    )+};
}

choices! {
    /// One value of `--forwarded-field`.
    ForwardedField: Field {
        /// X-Forwarded-For.
        XForwarded,
        /// Forwarded (RFC 7239).
        Forwarded,
    }

    /// One value of `--fragments`.
    Fragments: astatine_http1::Fragments {
        /// The request is answered with 400.
        Refused,
        /// The request is served without it; only where nothing before the server judges paths.
        LeftOut,
    }

    /// One value of `--log-format`.
    LogFormat: Format {
        /// The Common Log Format and the milliseconds.
        Common,
        /// As common, with the fields Referer and User-Agent.
        Combined,
        /// One JSON object a line.
        Json,
    }

    /// One value of `--live-slow`.
    Slow: Policy {
        /// Its connection is closed, a WebSocket with the code 1013.
        Close,
        /// It loses the messages that have waited longest.
        DropOldest,
        /// It loses those that come.
        DropNewest,
        /// It loses all but the latest.
        KeepLatest,
    }
}

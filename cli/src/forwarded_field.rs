//! The field of trusted proxies, as a user names it.

use astatine_http1::layer::trusted_proxy::Field;

/// One value of `--forwarded-field`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForwardedField {
    /// X-Forwarded-For.
    #[default]
    XForwarded,
    /// Forwarded (RFC 7239).
    Forwarded,
}

impl From<ForwardedField> for Field {
    fn from(field: ForwardedField) -> Self {
        match field {
            ForwardedField::XForwarded => Self::XForwarded,
            ForwardedField::Forwarded => Self::Forwarded,
        }
    }
}

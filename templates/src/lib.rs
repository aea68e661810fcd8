//! Mustache: templates compiled once, rendered from any data.

#![forbid(unsafe_code)]

mod compile;
mod config;
mod context;
mod error;
mod escape;
mod folder;
#[cfg(feature = "json")]
mod json;
mod render;
mod set;
mod template;
mod templates;
#[cfg(feature = "serde")]
mod tree;
#[cfg(feature = "watch")]
mod watch;

pub use config::{Config, MissingPartial};
pub use context::{Context, Items, Lambda, Value};
pub use error::{Error, ErrorKind};
pub use escape::Escape;
pub use template::Template;
pub use templates::Templates;
#[cfg(feature = "serde")]
pub use tree::Tree;
#[cfg(feature = "watch")]
pub use watch::Watch;

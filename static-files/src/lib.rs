//! Static files.
#![forbid(unsafe_code)]

#[cfg(feature = "driver")]
mod driver;
pub mod plan;

#[cfg(feature = "driver")]
pub use driver::{Config, Dotfiles, FileBody, FileFuture, Glob, Listing, StaticFiles};

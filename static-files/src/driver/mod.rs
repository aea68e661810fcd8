//! The thin part that touches the disk: look-up, cache, bodies, and the tower service and layers.

mod absences;
mod answer;
mod body;
mod cache;
mod compress;
mod config;
mod either;
mod files;
mod folder;
mod glob;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "portable.rs")]
mod kernel;
mod layer;
mod listing;
mod media_type;
mod named;
mod open_file;
mod pool;
mod prewritten;
mod reach;
mod resource;
mod respond;
mod search;
mod sendfile;
mod service;
mod variant;

pub use body::FileBody;
pub use config::{Config, Dotfiles, Listing};
pub use either::FileOrBody;
pub use glob::Glob;
pub use layer::{FileOr, FileOrFuture, StaticFilesLayer};
pub use prewritten::{Prewritten, PrewrittenResponse};
pub use sendfile::{Sendfile, SendfileFuture, SendfileLayer};
pub use service::{FileFuture, StaticFiles};

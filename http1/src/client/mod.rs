//! The client: its limits, which the core `proto::client` keeps.

mod config;

pub use config::Config;

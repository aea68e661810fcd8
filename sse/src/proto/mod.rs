//! The pure core: events to bytes, bytes to events, and when a client comes back.
//!
//! [`Parser`] reads one stream. [`Source`] is what a browser calls an EventSource: a parser, and
//! the rules by which connections follow each other. Neither has a clock or a socket.

#![deny(clippy::wildcard_enum_match_arm)]

pub(crate) mod event;
pub(crate) mod parser;
mod source;
#[cfg(test)]
mod tests;

pub use parser::Parser;
pub use source::{Phase, Source};

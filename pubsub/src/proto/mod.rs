//! The pure core: names, patterns, cursors, and a channel's history; no clock, no I/O.

pub mod cursor;
pub mod log;
pub mod name;
pub mod pattern;

#[cfg(test)]
mod tests;

//! The crate against its public interface.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod line;
mod subscribe;

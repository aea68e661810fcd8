//! The crate against its public interface.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod allocations;
mod engine;
mod hand_over;
mod history;
mod interleaving;
mod line;
mod policy;
mod presence;
mod property;
mod subscribe;
mod threads;
mod view;

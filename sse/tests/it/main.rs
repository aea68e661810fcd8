//! The public interface: bodies, the client, and both under a server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod allocations;
mod body;
mod browser;
mod client;
mod codec;
mod examples;
mod handler;
mod pieces;
mod script;

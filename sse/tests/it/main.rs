//! The public interface: bodies, the client, and both under a server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod body;
mod client;
mod examples;
mod pieces;
mod script;

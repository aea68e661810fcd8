//! The server over streams in memory and sockets, through its public API.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod abort;
mod axum;
mod body;
mod client;
mod exchange;
mod file;
mod handover;
mod refusal;
mod shutdown;
mod timeouts;

//! The server over streams in memory and sockets, through its public API.

mod axum;
mod body;
mod client;
mod exchange;
mod file;
mod handover;
mod refusal;
mod shutdown;
mod timeouts;

//! The server over streams in memory and sockets, through its public API. Each test runs over every
//! kind of stream that stands beside this folder.

mod abort;
mod axum;
mod body;
mod client;
mod exchange;
mod file;
mod handover;
mod layers;
mod refusal;
mod shutdown;
mod timeouts;

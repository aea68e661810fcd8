//! The server and the client over streams in memory and sockets, through their public API. Each test
//! runs over every kind of stream that stands beside this folder.

mod abort;
mod axum;
mod body;
mod client;
mod client_body;
mod client_exchange;
mod client_pool;
mod client_timeouts;
mod client_upgrade;
mod exchange;
mod field_lines;
mod file;
mod handover;
mod heads;
mod layers;
mod peer;
mod refusal;
mod shutdown;
mod timeouts;

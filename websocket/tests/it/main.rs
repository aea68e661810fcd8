//! The public interface, most of it without a socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod allocations;
mod client;
mod codec;
mod deflate;
mod dice;
mod driver;
mod example;
mod halves;
mod handshake;
mod joined;
mod negotiation;
mod websocket;

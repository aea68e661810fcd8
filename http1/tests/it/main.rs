//! The server over streams in memory and sockets, through its public API.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::duplicate_mod,
    reason = "each test runs over every kind of stream"
)]

mod allocations;
mod client_disconnect;
mod corpus;
mod disconnect;
mod gone_peer;
mod hooked;
mod one_byte;
mod property;
mod random;
mod upgrade_echo;
mod whole;

//! The pure core: bytes and times in, events, bytes and deadlines out.
//!
//! Nothing here knows a socket, a clock or a source of chance; the driver owns the buffers, tells
//! the time and draws the secrets.

mod close;
mod connection;
pub mod deflate;
mod frame;
mod mask;
mod message;
mod state;
mod timeouts;
mod utf8;

#[cfg(test)]
mod tests;

pub use close::{Close, CloseCode};
pub use connection::{Connection, Event, Extension, Role};
pub use frame::{Form, encode_binary, encode_head, encode_text};
pub use mask::MaskKeys;
pub use message::Kind;
pub use timeouts::{Expired, Timeouts};

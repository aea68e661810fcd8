//! A WebSocket as a stream and a sink of messages, and its two halves.
//!
//! Each half has a core of its own, one for each direction, so neither waits for the other's work.
//! What they share is the link: the byte stream, and the output with its order.

mod ending;
mod link;
mod reader;
mod websocket;
mod writable;
mod writer;

pub use reader::Reader;
pub use websocket::WebSocket;
pub use writer::Writer;

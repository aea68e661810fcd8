//! The limits and timeouts of a WebSocket.

use std::time::Duration;

use crate::proto::deflate::{Context, WindowBits};

/// What a connection may cost. The defaults are safe on the open internet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Longest message in bytes, as it is when it is not compressed; beyond it 1009. It is also the
    /// most that a connection holds of a message that is not complete; of a compressed one an
    /// eighth more. Default 256 KiB.
    pub max_message_bytes: usize,
    /// Most frames of one message; beyond it 1008. Default 1024.
    pub max_frames: u32,
    /// Time without a byte from the peer, then it is sent a ping; after as much again without a
    /// byte the connection is aborted. `Duration::MAX` is never. Default 40 s.
    pub ping_interval: Duration,
    /// Time that a peer has to answer our Close frame, and to end the stream; then the connection
    /// is aborted. Default 5 s.
    pub close_timeout: Duration,
    /// Time that a client gives itself to connect and to open a WebSocket. Default 10 s.
    pub handshake_timeout: Duration,
    /// Most bytes that wait to be written; then a handler's messages are refused, and a sink is not
    /// ready. Default 1 MiB.
    pub outbox_bytes: usize,
    /// Time in which a handler's peer may take no byte of what is written; then the connection is
    /// aborted. Default 30 s.
    pub write_stall_timeout: Duration,
    /// Bytes a second that a handler's peer has to take of what is written; below it the connection
    /// is aborted. Default 256.
    pub drain_min_rate: u32,
    /// Time over which [`Config::drain_min_rate`] is measured. Default 30 s.
    pub drain_grace: Duration,
    /// What permessage-deflate keeps from one message to the next. Default nothing: then one
    /// compressor and one inflater serve any number of connections. Else each has its own: see
    /// [`deflate`](crate::proto::deflate) for their memory.
    pub deflate_context: Context,
    /// The largest window that permessage-deflate agrees on, for either direction. Default 15,
    /// which are 32 KiB.
    pub deflate_window_bits: WindowBits,
    /// Shortest message in bytes that is compressed. Default 256.
    pub deflate_min_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_bytes: 256 << 10,
            max_frames: 1024,
            ping_interval: Duration::from_secs(40),
            close_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            outbox_bytes: 1 << 20,
            write_stall_timeout: Duration::from_secs(30),
            drain_min_rate: 256,
            drain_grace: Duration::from_secs(30),
            deflate_context: Context::PerMessage,
            deflate_window_bits: WindowBits::MAX,
            deflate_min_bytes: 256,
        }
    }
}

//! WebSocket: a pure core of RFC 6455 with permessage-deflate, for servers and clients, and drivers
//! over it.
//!
//! It is no HTTP server and knows no channels. Where to start depends on what is around it:
//!
//! | you have | start from |
//! |---|---|
//! | an Astatine server, and an application of callbacks; connections that others write to | `Upgrade::answer`, with a `Handler` of `astatine-reactor`; `accept` and `hand_over`, where the handler depends on what was agreed on |
//! | the same server, and an application of `async` functions | `Upgrade::answer_with`: a `WebSocket` is a `Stream` and a `Sink`, and splits into halves for two tasks |
//! | another server, as hyper or axum | `Upgrade::accept`, then `WebSocket::new` or `serve` on the stream that it hands over: `examples/hyper_upgrade.rs` |
//! | nothing, and want to be a client | `client::Client` |
//! | tokio-util's `Framed` | `codec::Codec`: `examples/framed.rs` |
//! | I/O of your own, or none | [`handshake`], the functions that open a connection, and [`proto::Connection`], one end of it |
//!
//! All of them take a [`Config`], the limits and times. The core reads and writes nothing by itself:
//!
//! ```
//! use astatine_websocket::Config;
//! use astatine_websocket::proto::{Connection, Event, Extension, Kind, MaskKeys, Role};
//! use bytes::BytesMut;
//!
//! let config = Config::default();
//! // A client draws the secret of its masks from the system.
//! let keys = MaskKeys::new(*b"drawn at random!");
//! let mut client = Connection::new(Role::Client(keys), Extension::None);
//! let mut server = Connection::new(Role::Server, Extension::None);
//!
//! let mut sent = Vec::new();
//! client.send(Kind::Text, b"hello", &mut sent).unwrap();
//!
//! let (mut received, mut answer) = (BytesMut::from(&sent[..]), Vec::new());
//! while let Some(event) = server.receive(&mut received, &config, &mut answer).unwrap() {
//!     if let Event::Message { kind, payload } = event {
//!         server.send(kind, &payload, &mut answer).unwrap();
//!     }
//! }
//! assert_eq!(answer, b"\x81\x05hello");
//! ```
//!
//! # Limits
//!
//! Each is a field of [`Config`], with its default, its unit, and what happens beyond it. What a
//! connection holds at most, beside its machine of about 200 bytes:
//!
//! | it is | memory |
//! |---|---|
//! | between messages | nothing |
//! | receiving a message | `max_message_bytes` in the caller's input and in fragments together, whose room may be twice as large |
//! | keeping a context of permessage-deflate | see [`proto::deflate`] |
//! | not taking what is sent | `outbox_bytes` and one message; a `WebSocket` 4 KiB of answers more |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `codec` | `Codec`: a decoder and encoder of tokio-util |
//! | `driver` (default) | `serve`, `Upgrade`: handlers over WebSockets, on `astatine-reactor`; `WebSocket` and its halves; `client` |
//! | `deflate` (default) | `proto::deflate::{Deflater, Inflater, encode_deflated}` |
//!
//! # Specification
//!
//! RFC 6455 (WebSocket) and RFC 7692 (permessage-deflate), both ends. Left out: windows of 8 bits,
//! which zlib does not have; messages sent in several frames, which nobody needs to send; HTTP/2
//! (RFC 8441).

#![forbid(unsafe_code)]

#[cfg(feature = "codec")]
pub mod codec;
mod config;
#[cfg(feature = "driver")]
mod driver;
mod error;
pub mod handshake;
pub mod proto;

pub use config::Config;
#[cfg(feature = "driver")]
pub use driver::{Reader, Upgrade, WebSocket, Writer, client, serve};
pub use error::{Error, HandshakeViolation, Misuse, Violation};

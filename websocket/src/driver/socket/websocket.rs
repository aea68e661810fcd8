//! A WebSocket as one object: a stream and a sink of messages.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::handler::Message;
use astatine_reactor::{Connection, Deadline, Phase as ServerPhase};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_sink::Sink;

use super::link::Link;
use super::reader::{Phase, Reader};
use super::writer::Writer;
use crate::config::Config;
use crate::driver::compression::Compression;
use crate::error::Error;
use crate::proto::deflate::Terms;
use crate::proto::{self, Close, CloseCode, Extension, Role, Timeouts};

/// A WebSocket whose handshake is done: a [`Stream`] and a [`Sink`] of messages, for either end.
///
/// It is a [`Reader`] and a [`Writer`], and what they say of themselves holds for it. Any number of
/// messages may be sent without one being read; but only while it is read does it answer pings.
///
/// Dropping it closes the byte stream where it is, which the other end takes for a broken
/// connection: [`WebSocket::close_with`] ends it in good order.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
/// use astatine_websocket::proto::{MaskKeys, Role};
/// use astatine_websocket::{Config, WebSocket};
/// use bytes::Bytes;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), astatine_websocket::Error> {
/// let (near, far) = tokio::io::duplex(4096);
/// let open = |stream, role| {
///     let connection = Connection::new(Foreign(stream), PeerInfo::default(), Shutdown::new());
///     WebSocket::new(connection, Bytes::new(), role, None, Arc::new(Config::default()))
/// };
/// let mut server = open(near, Role::Server);
/// let mut client = open(far, Role::Client(MaskKeys::new(*b"drawn at random!")));
///
/// client.send("hello").await?;
/// let message = server.next().await.expect("a message")?;
/// assert_eq!(message.as_text(), Some("hello"));
/// server.send(message).await?;
/// # Ok(())
/// # }
/// ```
pub struct WebSocket {
    reader: Reader,
    writer: Writer,
}

impl WebSocket {
    /// Takes a connection whose handshake is done.
    ///
    /// `unread` is what was read behind the handshake; `terms` are those of permessage-deflate,
    /// where it was agreed on.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    pub fn new(
        connection: Connection,
        unread: Bytes,
        role: Role,
        terms: Option<Terms>,
        config: Arc<Config>,
    ) -> Self {
        let extension = terms.map_or(Extension::None, |_| Extension::Deflate);
        let is_server = matches!(role, Role::Server);
        let compression = Compression::new(terms, !is_server, &config);
        let (receiving, sending) = roles(role);
        let link = Arc::new(Link::new(connection.io));
        let deadline = Deadline::new();
        let writer = Writer {
            link: Arc::clone(&link),
            core: proto::Connection::new(sending, extension),
            deflating: compression.deflating,
            frames: Vec::new(),
            config: Arc::clone(&config),
        };
        let reader = Reader {
            link,
            core: proto::Connection::new(receiving, extension),
            is_server,
            inflating: compression.inflating,
            input: BytesMut::from(unread),
            is_behind: false,
            owed: Vec::new(),
            timeouts: Timeouts::new(deadline.now()),
            deadline,
            draining: connection.shutdown.reached(ServerPhase::Draining),
            config,
            close: None,
            phase: Phase::Open,
        };
        Self { reader, writer }
    }

    /// Splits it into halves, which may live in two tasks: neither polls the other's direction of
    /// the stream. The connection ends when the reader is done, or both are dropped.
    pub fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }

    /// Receives the next message, as [`Reader::next`].
    ///
    /// # Errors
    ///
    /// As [`Reader::next`].
    ///
    /// # Cancel safety
    ///
    /// As [`Reader::next`].
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        self.reader.next().await
    }

    /// Sends a message, as [`Writer::send`].
    ///
    /// # Errors
    ///
    /// As [`Writer::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`Writer::send`].
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.writer.send(message).await
    }

    /// Closes in good order: sends a Close frame, with a reason of at most 123 bytes, and waits for
    /// the other end's, and for the end of the stream. Messages that come before it are dropped.
    ///
    /// # Errors
    ///
    /// The reason is too long, the other end takes nothing for two [`Config::ping_interval`]s or does
    /// not answer within [`Config::close_timeout`], or the connection breaks.
    ///
    /// # Cancel safety
    ///
    /// The Close frame has its place from the first poll on; to read on until `None` does the rest.
    pub async fn close_with(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.writer.start_close(code, reason)?;
        while let Some(message) = self.reader.next().await {
            drop(message?);
        }
        Ok(())
    }

    /// Returns what the other end's Close frame said, as [`Reader::close_frame`].
    pub fn close_frame(&self) -> Option<&Close> {
        self.reader.close_frame()
    }
}

/// Returns the roles of the core that receives and of the one that sends. A client's masks its
/// answers and its messages by different keys.
fn roles(role: Role) -> (Role, Role) {
    match role {
        Role::Server => (Role::Server, Role::Server),
        Role::Client(mut keys) => (Role::Client(keys.fork()), Role::Client(keys)),
    }
}

impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.reader).poll_next(cx)
    }
}

impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.writer).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Pin::new(&mut self.writer).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.reader).finish()
    }
}

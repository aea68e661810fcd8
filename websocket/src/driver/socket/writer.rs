//! The half that sends: messages in, and the Close frame.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::handler::Message;
use futures_sink::Sink;

use super::link::Link;
use super::writable::Half;
use crate::config::Config;
use crate::driver::compression::{Deflating, kind_of};
use crate::error::Error;
use crate::proto::{CloseCode, Connection};

/// Sends the messages of a WebSocket: a [`Sink`].
///
/// It never reads. A sink takes messages while less than [`Config::outbox_bytes`] wait, so what a
/// slow peer costs is bounded, and the sender waits for it. Closing it sends a Close frame of 1000;
/// the rest of the closing handshake is the [`Reader`](super::Reader)'s. Dropping it sends nothing.
pub struct Writer {
    pub(super) link: Arc<Link>,
    pub(super) core: Connection,
    pub(super) deflating: Deflating,
    /// What is encoded and not in the output.
    pub(super) frames: Vec<u8>,
    pub(super) config: Arc<Config>,
}

impl Writer {
    /// Sends a message, and waits until the stream has taken it and all before it.
    ///
    /// # Errors
    ///
    /// The connection is closed or closes, or the stream failed: the message is not sent.
    ///
    /// # Cancel safety
    ///
    /// A message of a future that is dropped is sent whole or not at all: once it has a place in
    /// the output, it leaves with what is sent later, or with an answer of the reader's.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        Pin::new(&mut *self).start_send(message.into())?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Sends a Close frame, with a reason of at most 123 bytes, and waits until the stream has taken
    /// it. Where one was sent before, it only waits.
    ///
    /// # Errors
    ///
    /// The reason is too long, or the stream failed.
    ///
    /// # Cancel safety
    ///
    /// The Close frame has its place from the first poll on.
    pub async fn close_with(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.start_close(code, reason)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Gives a Close frame its place behind all that waits.
    pub(super) fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if !self.core.is_open() {
            return Ok(());
        }
        self.core.close(code, reason, &mut self.frames)?;
        match self.link.send_close(&mut self.frames) {
            // The other end was first.
            Err(Error::Closed) => Ok(()),
            sent => sent,
        }
    }

    fn encode(&mut self, message: &Message) -> Result<(), Error> {
        let (core, frames) = (&mut self.core, &mut self.frames);
        let (kind, payload) = (kind_of(message), message.payload());
        let encoded = self.deflating.deflate(payload, |deflated| match deflated {
            Some(deflated) => core.send_deflated(kind, deflated, frames),
            None => core.send(kind, payload, frames),
        });
        encoded.map_err(|_| Error::Closed)
    }
}

impl Sink<Message> for Writer {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.link.poll_room(self.config.outbox_bytes, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.encode(&message)?;
        let this = &mut *self;
        this.link.send(&mut this.frames)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.link.poll_flush(Half::Writer, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.start_close(CloseCode::NORMAL, "")?;
        self.poll_flush(cx)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("is_open", &self.core.is_open())
            .finish_non_exhaustive()
    }
}

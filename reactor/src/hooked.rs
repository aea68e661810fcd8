//! A stream whose bytes are changed on their way.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Direct, Io};

/// What happens to the bytes of one connection: a cipher, a filter, a count.
///
/// Bytes are changed where they lie, so there are as many after as before; what adds or takes away
/// some, as TLS does, is an [`Io`] of its own. Each byte is seen once, in the order of the stream.
/// What there is to do at the end is done when the hooks are dropped, with their connection.
pub trait Hooks: Send + Unpin + 'static {
    /// Changes bytes that have been read.
    fn read(&mut self, bytes: &mut [u8]);

    /// Changes bytes that are to be written.
    fn write(&mut self, bytes: &mut [u8]);
}

/// Puts [`Hooks`] between a stream and its protocol.
///
/// What the stream below does not take at once of a write is kept, 16 KiB at most, and leaves with
/// the next write, flush or shutdown.
#[derive(Debug)]
pub struct Hooked<I, H> {
    io: I,
    hooks: H,
    /// Changed already, so taken off the writer.
    unsent: BytesMut,
}

/// As much is changed, and kept, at a time.
const MAX_UNSENT_BYTES: usize = 16 << 10;

impl<I: Io, H: Hooks> Hooked<I, H> {
    /// Wraps a stream.
    pub fn new(io: I, hooks: H) -> Self {
        Self {
            io,
            hooks,
            unsent: BytesMut::new(),
        }
    }

    /// Sends what is kept.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.unsent.advance(n),
            }
        }
        // An idle connection holds no buffer.
        self.unsent = BytesMut::new();
        Poll::Ready(Ok(()))
    }
}

impl<I: Io, H: Hooks> Io for Hooked<I, H> {
    fn direct(&self) -> Option<Direct> {
        None
    }

    fn abort(&mut self) {
        self.io.abort();
    }

    fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_read_ready(cx)
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.io.poll_ended(cx)
    }
}

impl<I: Io, H: Hooks> AsyncRead for Hooked<I, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n_before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.hooks.read(&mut buf.filled_mut()[n_before..]);
        Poll::Ready(Ok(()))
    }
}

impl<I: Io, H: Hooks> AsyncWrite for Hooked<I, H> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let mut n_room = MAX_UNSENT_BYTES;
        for buf in bufs {
            let n = buf.len().min(n_room);
            self.unsent.extend_from_slice(&buf[..n]);
            n_room -= n;
        }
        let this = &mut *self;
        this.hooks.write(&mut this.unsent);
        let n_taken = this.unsent.len();
        // What does not leave now was taken all the same: it is changed, and cannot be again.
        if let Poll::Ready(Err(error)) = this.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(n_taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

//! The stream of a connection: what every protocol driver reads and writes.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::FileRegion;

/// A byte stream in both directions, and the way to its socket where it has one.
///
/// Drivers know this trait only; TLS, tests and an other kind of engine are further implementors.
/// An implementor repeats interrupted calls inside: no driver meets [`io::ErrorKind::Interrupted`].
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// Returns the handle to the plain TCP or Unix socket below, `None` where bytes are
    /// transformed on their way (TLS) or the stream is [`Foreign`].
    fn direct(&self) -> Option<Direct>;

    /// Makes the end of the stream an abort that the peer can tell from an orderly end, where the
    /// stream has such a thing: a reset in TCP.
    fn abort(&mut self) {}

    /// Completes when there may be something to read, or the end of the stream: reading tells.
    ///
    /// It waits for the next bytes without a buffer to read them into. A stream that cannot tell
    /// is always ready.
    ///
    /// # Errors
    ///
    /// The runtime is shutting down.
    fn poll_read_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Reads once behind what the buffer holds, into the room that it has, and returns how many bytes
    /// that were; 0 is the end of the stream.
    ///
    /// # Errors
    ///
    /// As reading.
    fn poll_receive(
        &mut self,
        buf: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        poll_read_buf(Pin::new(self), cx, buf)
    }

    /// Is ready when the other end has ended its side, or is gone, be there unread bytes before
    /// that or not. The task need not be woken for it: ask from time to time. A stream that cannot
    /// tell never is.
    fn poll_ended(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl<T: Io + ?Sized> Io for Box<T> {
    fn direct(&self) -> Option<Direct> {
        (**self).direct()
    }

    fn abort(&mut self) {
        (**self).abort();
    }

    fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_read_ready(cx)
    }

    fn poll_receive(
        &mut self,
        buf: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        (**self).poll_receive(buf, cx)
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        (**self).poll_ended(cx)
    }
}

/// A cloneable handle that writes to a plain socket past the owner of its [`Io`].
///
/// None of the calls waits: where the socket takes nothing they answer
/// [`io::ErrorKind::WouldBlock`], and [`Direct::poll_write_ready`] tells when to try again.
/// Interrupted calls are repeated inside.
#[derive(Clone)]
pub struct Direct(Arc<dyn DirectSocket>);

/// What a socket implements to be reached through [`Direct`].
pub trait DirectSocket: Send + Sync {
    /// As [`Direct::try_writev`].
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the socket takes nothing; otherwise the socket's failure.
    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// As [`Direct::try_writev_more`].
    ///
    /// # Errors
    ///
    /// As [`DirectSocket::try_writev`].
    fn try_writev_more(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// As [`Direct::try_send_file`].
    ///
    /// # Errors
    ///
    /// As [`DirectSocket::try_writev`].
    fn try_send_file(&self, region: &FileRegion, offset: u64, max: usize) -> io::Result<usize>;

    /// As [`Direct::poll_write_ready`].
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Direct {
    /// Wraps a socket.
    pub fn new(socket: Arc<dyn DirectSocket>) -> Self {
        Self(socket)
    }

    /// Writes from the buffers in order, as many bytes as the socket takes, and returns the count.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the socket takes nothing; otherwise the socket's failure.
    pub fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_writev(bufs)
    }

    /// Writes as [`Direct::try_writev`] does, telling the kernel that more follows at once
    /// (`MSG_MORE`), so that a head shares its segment with the file behind it.
    ///
    /// # Errors
    ///
    /// As [`Direct::try_writev`].
    pub fn try_writev_more(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_writev_more(bufs)
    }

    /// Sends at most `max` bytes of the region with sendfile(2), from `offset` bytes behind the
    /// region's start, and returns the count; 0 means that the file ended early.
    ///
    /// # Errors
    ///
    /// As [`Direct::try_writev`]; `EINVAL` where the file's kind does not allow sendfile.
    pub fn try_send_file(&self, region: &FileRegion, offset: u64, max: usize) -> io::Result<usize> {
        self.0.try_send_file(region, offset, max)
    }

    /// Completes when the socket may take bytes again. One task at a time waits here, and it
    /// shares its place with the `AsyncWrite` of the [`Io`].
    ///
    /// # Errors
    ///
    /// The runtime is shutting down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx)
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Direct")
    }
}

/// Makes an [`Io`] of any other stream: a pipe in memory, another library's TLS, a test's script.
/// What that stream leaves interrupted is repeated here.
#[derive(Debug)]
pub struct Foreign<T>(pub T);

impl<T> Foreign<T> {
    /// Makes a call until it is not interrupted.
    fn repeat<R>(
        &mut self,
        mut call: impl FnMut(&mut T) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        loop {
            match call(&mut self.0) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for Foreign<T> {
    fn direct(&self) -> Option<Direct> {
        None
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Foreign<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.repeat(|stream| Pin::new(stream).poll_read(cx, buf))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Foreign<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.repeat(|stream| Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.repeat(|stream| Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.repeat(|stream| Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.repeat(|stream| Pin::new(stream).poll_shutdown(cx))
    }
}

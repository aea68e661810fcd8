//! A TCP or Unix stream socket as an [`Io`].

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{send, shutdown, sockopt};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use crate::net::sys;
use crate::{Direct, DirectSocket, FileRegion, Io};

/// A connected stream socket, TCP or Unix, registered with the runtime that it was made on.
///
/// Its [`Direct`] handles share the descriptor, which closes with the last of them.
#[derive(Debug)]
pub struct Socket(Arc<Registered>);

#[derive(Debug)]
struct Registered(AsyncFd<OwnedFd>);

impl Socket {
    /// Registers a descriptor that is connected and non-blocking.
    pub(super) fn register(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self(Arc::new(Registered(register(descriptor)?))))
    }
}

/// Registers a descriptor with the runtime around the caller.
#[expect(
    deprecated,
    reason = "the successor is missing from the oldest tokio that we accept; an OwnedFd stays valid"
)]
pub(super) fn register(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(descriptor)
}

impl Registered {
    /// Receives at most `space` bytes when there is something.
    #[inline(always)]
    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        space: usize,
        mut receive: impl FnMut(&OwnedFd) -> Result<usize, Errno>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            match receive(guard.get_inner()) {
                Ok(n) => {
                    // A short read has emptied the socket: the next poll waits for an event
                    // instead of asking the kernel once more. The end of the stream is kept.
                    if 0 < n && n < space {
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok(n));
                }
                Err(Errno::WOULDBLOCK) => guard.clear_ready(),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Sends when the socket is ready, in the name of the one task that waits here.
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        n_bytes: usize,
        mut send: impl FnMut(&OwnedFd) -> Result<usize, Errno>,
    ) -> Poll<io::Result<usize>> {
        loop {
            // Nearly always there is room, and trying costs less than asking first.
            match self.try_send(n_bytes, &mut send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    drop(ready!(self.0.poll_write_ready(cx))?);
                }
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Sends at once or not at all; wakers that others have registered stay where they are.
    fn try_send(
        &self,
        n_bytes: usize,
        mut send: impl FnMut(&OwnedFd) -> Result<usize, Errno>,
    ) -> io::Result<usize> {
        let mut sent_short = None;
        let sent = self.0.try_io(Interest::WRITABLE, |descriptor| {
            let n = retry_on_intr(|| send(descriptor))?;
            if 0 < n && n < n_bytes {
                // Only this error makes the runtime forget that the socket was writable.
                sent_short = Some(n);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(n)
        });
        sent_short.map_or(sent, Ok)
    }
}

/// Cuts the buffers to what one call takes, and counts their bytes: fewer bytes sent than these
/// mean that the socket is full.
fn measure<'a, 'b>(bufs: &'a [IoSlice<'b>]) -> (&'a [IoSlice<'b>], usize) {
    let bufs = &bufs[..bufs.len().min(sys::MAX_BUFFERS)];
    (bufs, bufs.iter().map(|buf| buf.len()).sum())
}

impl Io for Socket {
    fn direct(&self) -> Option<Direct> {
        Some(Direct::new(Arc::clone(&self.0) as Arc<dyn DirectSocket>))
    }

    fn abort(&mut self) {
        // A socket that cannot be told so, as a Unix socket, is just closed.
        rustix::net::sockopt::set_socket_linger(self, Some(Duration::ZERO)).unwrap_or_default();
    }

    fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.0.poll_read_ready(cx).map_ok(drop)
    }

    fn poll_receive(
        &mut self,
        buf: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        // Without room, nothing would be read as the end.
        buf.reserve(1);
        let space = buf.capacity() - buf.len();
        self.0
            .poll_receive(cx, space, |descriptor| sys::receive_behind(descriptor, buf))
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.0.poll_read_ready(cx) {
            Poll::Ready(Ok(guard)) if !guard.ready().is_read_closed() => Poll::Pending,
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl DirectSocket for Registered {
    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let (bufs, n_bytes) = measure(bufs);
        self.try_send(n_bytes, |descriptor| sys::send_vectored(descriptor, bufs))
    }

    fn try_writev_more(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let (bufs, n_bytes) = measure(bufs);
        self.try_send(n_bytes, |descriptor| sys::send_more(descriptor, bufs))
    }

    fn try_send_file(&self, region: &FileRegion, offset: u64, max: usize) -> io::Result<usize> {
        let left = region.len().saturating_sub(offset);
        let max = usize::try_from(left).unwrap_or(usize::MAX).min(max);
        if max == 0 {
            return Ok(0);
        }
        // A short count may come from the file, so it does not say that the socket is full.
        self.try_send(0, |descriptor| {
            sys::send_file(descriptor, region, offset, max)
        })
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx).map_ok(drop)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let received = self.0.poll_receive(cx, buf.remaining(), |descriptor| {
            sys::receive(descriptor, buf)
        });
        received.map_ok(drop)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0
            .poll_send(cx, buf.len(), |descriptor| send(descriptor, buf, sys::SEND))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (bufs, n_bytes) = measure(bufs);
        self.0.poll_send(cx, n_bytes, |descriptor| {
            sys::send_vectored(descriptor, bufs)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match shutdown(&self.0.0, rustix::net::Shutdown::Write) {
            // The other end was faster.
            Ok(()) | Err(Errno::NOTCONN) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.get_ref().as_fd()
    }
}

impl TryFrom<std::net::TcpStream> for Socket {
    type Error = io::Error;

    /// Makes the stream non-blocking, sets NODELAY, and registers it with the runtime around.
    fn try_from(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        sockopt::set_tcp_nodelay(&stream, true)?;
        Self::register(stream.into())
    }
}

impl TryFrom<std::os::unix::net::UnixStream> for Socket {
    type Error = io::Error;

    /// Makes the stream non-blocking and registers it with the runtime around.
    fn try_from(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Self::register(stream.into())
    }
}

impl TryFrom<tokio::net::TcpStream> for Socket {
    type Error = io::Error;

    /// Takes the stream over from tokio, and sets NODELAY.
    fn try_from(stream: tokio::net::TcpStream) -> io::Result<Self> {
        stream.into_std()?.try_into()
    }
}

impl TryFrom<tokio::net::UnixStream> for Socket {
    type Error = io::Error;

    /// Takes the stream over from tokio.
    fn try_from(stream: tokio::net::UnixStream) -> io::Result<Self> {
        stream.into_std()?.try_into()
    }
}

//! Connections over descriptors that are open already: pipes, terminals, sockets.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::{Errno, retry_on_intr, write, writev};
use rustix::net::{SocketType, getpeername, getsockname, sockopt};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use crate::net::address::address_of;
use crate::net::socket::register;
use crate::net::thread::Host;
use crate::net::{Socket, sys};
use crate::{Connection, Direct, Io, PeerInfo};

/// Makes a connection of a descriptor that is open already: a pipe or one end of it, a terminal, a
/// connected stream socket, or whatever else the system can wait for.
///
/// What can only be read fails when it is written to; of what can only be written, the stream ends
/// when nobody reads it any more. The descriptor becomes non-blocking, which all that share its open
/// file see, as the shell shares a terminal; unless it is a socket, it is set back when the
/// connection is dropped. So a terminal is attached once, for both directions.
///
/// On a thread of a [`Server`](crate::Server) the connection hears of its shutdown, but the server
/// does not wait for it.
///
/// # Errors
///
/// The descriptor is closed.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// # Examples
///
/// ```
/// use astatine_reactor::attach;
/// use astatine_reactor::handler::{Handler, Message, Peer, Raw, Turn};
///
/// struct Print;
///
/// impl Handler for Print {
///     fn message(&mut self, _peer: &Peer, message: Message) -> Turn<'_> {
///         println!("{:?}", message.as_text());
///         Turn::Next
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, mut far) = std::os::unix::net::UnixStream::pair()?;
/// std::io::Write::write_all(&mut far, b"hello")?;
/// drop(far);
/// Raw::new(|_| Print).serve(attach(near)?).await;
/// # Ok(())
/// # }
/// ```
pub fn attach(descriptor: impl Into<OwnedFd>) -> Result<Connection, AttachError> {
    let descriptor = descriptor.into();
    let shutdown = Host::current().map(|host| host.shutdown);
    let shutdown = shutdown.unwrap_or_default();
    let kind = FileType::from_raw_mode(fstat(&descriptor)?.st_mode);
    if kind != FileType::Socket {
        let file = Attached::new(descriptor)?;
        return Ok(Connection::new(file, PeerInfo::default(), shutdown));
    }
    let is_stream = sockopt::socket_type(&descriptor)? == SocketType::STREAM;
    if !is_stream || sockopt::socket_acceptconn(&descriptor)? {
        return Err(AttachError::NoStream);
    }
    let remote = address_of(getpeername(&descriptor).ok().flatten());
    let peer = PeerInfo::new(remote, address_of(getsockname(&descriptor).ok()));
    rustix::io::ioctl_fionbio(&descriptor, true)?;
    let socket = Socket::register(descriptor).map_err(AttachError::System)?;
    Ok(Connection::new(socket, peer, shutdown))
}

/// Why a descriptor cannot be attached.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttachError {
    /// The system cannot wait for it: it is a regular file, a folder or the like.
    NotWaitable,
    /// It is a socket that listens, or one of datagrams.
    NoStream,
    /// The system failed.
    System(io::Error),
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotWaitable => "the descriptor cannot be waited for, as a regular file",
            Self::NoStream => "the socket is no connected stream",
            Self::System(_) => "the descriptor cannot be attached",
        })
    }
}

impl std::error::Error for AttachError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System(cause) => Some(cause),
            Self::NotWaitable | Self::NoStream => None,
        }
    }
}

impl From<Errno> for AttachError {
    fn from(errno: Errno) -> Self {
        Self::System(errno.into())
    }
}

/// An open file that is no socket.
struct Attached {
    file: Arc<AsyncFd<OwnedFd>>,
    /// What it was opened with.
    flags: OFlags,
    /// Completes when nobody reads what can only be written.
    unread: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_shut: bool,
}

impl Attached {
    fn new(descriptor: OwnedFd) -> Result<Self, AttachError> {
        let flags = fcntl_getfl(&descriptor)?;
        let file = register(descriptor).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => AttachError::NotWaitable,
            _ => AttachError::System(error),
        })?;
        let file = Arc::new(file);
        fcntl_setfl(&file, flags | OFlags::NONBLOCK)?;
        let unread = (flags & OFlags::RWMODE == OFlags::WRONLY).then(|| {
            let file = Arc::clone(&file);
            Box::pin(async move { drop(file.ready(Interest::ERROR).await) }) as _
        });
        Ok(Self {
            file,
            flags,
            unread,
            is_shut: false,
        })
    }

    /// Writes when there is room.
    fn poll_written(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&OwnedFd) -> Result<usize, Errno>,
    ) -> Poll<io::Result<usize>> {
        if self.flags & OFlags::RWMODE == OFlags::RDONLY {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        }
        loop {
            let mut guard = ready!(self.file.poll_write_ready(cx))?;
            let written = guard.try_io(|file| Ok(retry_on_intr(|| write(file.get_ref()))?));
            if let Ok(written) = written {
                return Poll::Ready(written);
            }
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // Nobody is there to be told that the other users of the file have to live with it.
        fcntl_setfl(&self.file, self.flags).unwrap_or_default();
    }
}

impl Io for Attached {
    fn direct(&self) -> Option<Direct> {
        None
    }
}

impl AsyncRead for Attached {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_shut {
            return Poll::Ready(Ok(()));
        }
        if let Some(unread) = &mut self.unread {
            ready!(unread.as_mut().poll(cx));
            self.is_shut = true;
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut guard = ready!(self.file.poll_read_ready(cx))?;
            match sys::read(guard.get_inner(), buf) {
                // A terminal gives a line at a time, so a short read does not mean that it is empty.
                Ok(_) => return Poll::Ready(Ok(())),
                Err(Errno::WOULDBLOCK) => guard.clear_ready(),
                // A terminal whose other end is gone.
                Err(Errno::IO) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncWrite for Attached {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(cx, |file| write(file, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bufs = &bufs[..bufs.len().min(sys::MAX_BUFFERS)];
        self.poll_written(cx, |file| writev(file, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends both directions: closing is all that there is.
    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        Poll::Ready(Ok(()))
    }
}

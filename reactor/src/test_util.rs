//! Streams that behave badly on purpose, for the tests of protocols.
//!
//! A pipe in memory is `tokio::io::duplex` in a [`Foreign`](crate::Foreign).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives one byte a read and takes one byte a write, and is not ready in between.
///
/// # Examples
///
/// ```
/// use astatine_reactor::test_util::ByteByByte;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (near, mut far) = tokio::io::duplex(64);
/// far.write_all(b"abc").await?;
/// let mut buf = [0; 3];
/// assert_eq!(ByteByByte::new(near).read(&mut buf).await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ByteByByte<T> {
    inner: T,
    may_read: bool,
    may_write: bool,
}

impl<T> ByteByByte<T> {
    /// Slows the stream down.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            may_read: false,
            may_write: false,
        }
    }

    /// Returns the stream.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// Lets every second call through; the one before it is not ready, and wakes its task.
fn take_turn(may: &mut bool, cx: &Context<'_>) -> Poll<()> {
    if *may {
        return Poll::Ready(());
    }
    *may = true;
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl<T: AsyncRead + Unpin> AsyncRead for ByteByByte<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(take_turn(&mut self.may_read, cx));
        let mut byte = [0; 1];
        let mut one = ReadBuf::new(&mut byte[..buf.remaining().min(1)]);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut one))?;
        self.may_read = false;
        buf.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ByteByByte<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(take_turn(&mut self.may_write, cx));
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &buf[..buf.len().min(1)]));
        self.may_write = false;
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn every_byte_comes_through_alone_and_in_order() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = ByteByByte::new(near);
        far.write_all(b"abc").await.unwrap();
        let mut buf = [0; 3];
        for expected in b"abc" {
            assert_eq!(near.read(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], *expected);
        }
        assert_eq!(near.write(b"xyz").await.unwrap(), 1);
        near.write_all(b"yz").await.unwrap();
        near.shutdown().await.unwrap();
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"xyz");
        drop(far);
        assert_eq!(near.read(&mut buf).await.unwrap(), 0);
    }
}

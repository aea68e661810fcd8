//! A stream that never runs dry, for tests of how long a turn is.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives the same bytes again and again, without end, and takes all that is written.
#[derive(Debug)]
pub struct Flood {
    bytes: Vec<u8>,
    at: usize,
    n_read: Arc<AtomicUsize>,
}

impl Flood {
    /// Repeats these bytes.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        assert!(!bytes.is_empty(), "a flood of nothing would never be read");
        Self {
            bytes,
            at: 0,
            n_read: Arc::default(),
        }
    }

    /// Returns the count of bytes that were read.
    pub fn n_read(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.n_read)
    }
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.n_read.fetch_add(buf.remaining(), Ordering::Relaxed);
        while buf.remaining() > 0 {
            let rest = &self.bytes[self.at..];
            let n = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..n]);
            self.at = (self.at + n) % self.bytes.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! A stream whose reads and writes fail by a plan.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Faults;
use super::fate::{Fate, Verdict};

use crate::lock::lock;

/// A stream with faults: short reads and writes, calls that are not ready or interrupted, an end
/// at any byte.
///
/// # Examples
///
/// ```
/// use astatine_reactor::test_util::{Faults, Faulty};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (near, mut far) = tokio::io::duplex(64);
/// far.write_all(b"abc").await?;
/// let mut buf = [0; 3];
/// assert_eq!(Faulty::new(near, &Faults::one_byte()).read(&mut buf).await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Faulty<T> {
    pub(super) inner: T,
    /// Shared with the handle to the socket below, which writes past the stream.
    pub(super) fate: Arc<Mutex<Fate>>,
}

impl<T> Faulty<T> {
    /// Makes the stream a bad one.
    pub fn new(inner: T, faults: &Faults) -> Self {
        Self {
            inner,
            fate: Arc::new(Mutex::new(Fate::new(faults))),
        }
    }
}

/// Asks for the fate of a call, and answers for those that do not get through.
pub(super) fn decide(
    fate: &Mutex<Fate>,
    ask: impl FnOnce(&mut Fate) -> Verdict,
) -> io::Result<Option<usize>> {
    let mut fate = lock(fate);
    match ask(&mut fate) {
        Verdict::NotReady => Err(io::ErrorKind::WouldBlock.into()),
        Verdict::Interrupted => Err(io::ErrorKind::Interrupted.into()),
        Verdict::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Verdict::Piece(max) => Ok(Some(max)),
        Verdict::End => Ok(None),
    }
}

/// Notes what has become of a call.
pub(super) fn note(fate: &Mutex<Fate>, tell: impl FnOnce(&mut Fate)) {
    tell(&mut lock(fate));
}

/// Cuts the buffers to `max` bytes in all.
pub(super) fn cut<'a>(bufs: &'a [IoSlice<'_>], mut max: usize) -> Vec<IoSlice<'a>> {
    let mut cut = Vec::with_capacity(bufs.len());
    for buf in bufs {
        let n = buf.len().min(max);
        cut.push(IoSlice::new(&buf[..n]));
        max -= n;
    }
    cut
}

/// Returns the bytes of all buffers.
pub(super) fn total(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter().map(|buf| buf.len()).sum()
}

impl<T> Faulty<T> {
    /// As [`decide`], for a task: what is not ready wakes it at once.
    fn poll_decide(
        &self,
        cx: &Context<'_>,
        ask: impl FnOnce(&mut Fate) -> Verdict,
    ) -> Poll<io::Result<Option<usize>>> {
        match decide(&self.fate, ask) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            decided => Poll::Ready(decided),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Faulty<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wanted = buf.remaining();
        let decided = self.poll_decide(cx, |fate| {
            fate.waits_for_input(cx.waker());
            fate.of_read(wanted)
        });
        let Some(max) = ready!(decided)? else {
            return Poll::Ready(Ok(()));
        };
        let mut piece = vec![0; max];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut piece))?;
        note(&self.fate, |fate| fate.has_read(piece.filled().len()));
        buf.put_slice(piece.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Faulty<T> {
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
        let decided = self.poll_decide(cx, |fate| fate.of_write(total(bufs)));
        let max = ready!(decided)?.unwrap_or_default();
        let bufs = cut(bufs, max);
        let n = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, &bufs))?;
        note(&self.fate, |fate| fate.has_written(n));
        Poll::Ready(Ok(n))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_decide(cx, Fate::of_end))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_decide(cx, Fate::of_end))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::Foreign;
    use crate::test_util::Cut;

    /// Sends through a stream with these faults and returns what arrives, or where it failed.
    async fn send(faults: &Faults, bytes: &[u8]) -> (io::Result<()>, Vec<u8>) {
        let (near, mut far) = duplex(4096);
        let mut near = Foreign(Faulty::new(near, faults));
        let send = async {
            let sent = near.write_all(bytes).await;
            drop(near);
            sent
        };
        let mut got = Vec::new();
        let (sent, received) = tokio::join!(send, far.read_to_end(&mut got));
        received.unwrap();
        (sent, got)
    }

    /// Reads through a stream with these faults to its end, or to where it fails.
    async fn receive(faults: &Faults, bytes: &[u8]) -> (io::Result<usize>, Vec<u8>) {
        let (near, mut far) = duplex(1 << 20);
        let mut near = Foreign(Faulty::new(near, faults));
        far.write_all(bytes).await.unwrap();
        drop(far);
        let mut got = Vec::new();
        let read = near.read_to_end(&mut got).await;
        (read, got)
    }

    #[tokio::test]
    async fn every_byte_comes_through_alone_and_in_order() {
        let (near, mut far) = duplex(64);
        let mut near = Foreign(Faulty::new(near, &Faults::one_byte()));
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

    #[tokio::test]
    async fn faults_change_no_byte() {
        let bytes: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
        let seeds = (0..20).map(Faults::random);
        for faults in seeds.chain([Faults::none(), Faults::one_byte()]) {
            let (sent, got) = send(&faults, &bytes).await;
            assert!(sent.is_ok() && got == bytes, "sent with {faults:?}");
            let (read, got) = receive(&faults, &bytes).await;
            assert!(read.is_ok() && got == bytes, "read with {faults:?}");
        }
    }

    #[tokio::test]
    async fn calls_are_interrupted_where_nobody_repeats_them() {
        for faults in [Faults::one_byte(), Faults::random(1)] {
            let (near, mut far) = duplex(1024);
            far.write_all(&[0; 200]).await.unwrap();
            let mut near = Faulty::new(near, &faults);
            let is_interrupted = |error: io::Error| error.kind() == io::ErrorKind::Interrupted;
            let (mut n_reads, mut n_writes) = (0, 0);
            for _ in 0..200 {
                n_reads += usize::from(near.read(&mut [0]).await.is_err_and(is_interrupted));
                n_writes += usize::from(near.write(&[0]).await.is_err_and(is_interrupted));
            }
            assert!((10..60).contains(&n_reads), "{n_reads} reads");
            assert!((10..60).contains(&n_writes), "{n_writes} writes");
        }
    }

    #[tokio::test]
    async fn a_stream_ends_at_the_very_byte() {
        let bytes = b"abcdef";
        for kind in [Faults::none(), Faults::one_byte(), Faults::random(2)] {
            for at in 0..6 {
                let end = at as u64;
                let cut = kind.clone().cut(Cut::InputEnds(end));
                let (read, got) = receive(&cut, bytes).await;
                assert_eq!((read.unwrap(), &got[..]), (at, &bytes[..at]));

                let cut = kind.clone().cut(Cut::ResetBehindRead(end));
                let (read, got) = receive(&cut, bytes).await;
                assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
                assert_eq!(got, bytes[..at]);

                let cut = kind.clone().cut(Cut::ResetBehindWritten(end));
                let (sent, got) = send(&cut, bytes).await;
                assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
                assert_eq!(got, bytes[..at]);
            }
        }
    }

    #[tokio::test]
    async fn a_reset_behind_a_write_reaches_who_reads() {
        let (near, _far) = duplex(64);
        let cut = Faults::none().cut(Cut::ResetBehindWritten(1));
        let (mut read, mut write) = tokio::io::split(Faulty::new(near, &cut));
        let reader = tokio::spawn(async move { read.read_u8().await });
        tokio::task::yield_now().await;
        write.write_all(b"a").await.unwrap();
        let read = reader.await.unwrap();
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}

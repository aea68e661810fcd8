//! The stream of a connection with faults, the socket below it included.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fate::Fate;
use super::faulty::{cut, decide, note, total};
use super::{Faults, Faulty};
use crate::lock::lock;
use crate::{Direct, DirectSocket, FileRegion, Foreign, Io};

/// Makes the stream of a connection a bad one. Where it has a socket, what is written to that
/// directly has the same faults.
pub fn faulty_io(io: Box<dyn Io>, faults: &Faults) -> Box<dyn Io> {
    let inner = io.direct();
    let stream = Faulty::new(io, faults);
    let direct = inner.map(|inner| {
        let fate = Arc::clone(&stream.fate);
        Direct::new(Arc::new(FaultyDirect { inner, fate }))
    });
    Box::new(FaultyIo {
        // Repeats interrupted calls, as every stream of a connection does.
        stream: Foreign(stream),
        direct,
    })
}

struct FaultyIo {
    stream: Foreign<Faulty<Box<dyn Io>>>,
    direct: Option<Direct>,
}

impl Io for FaultyIo {
    fn direct(&self) -> Option<Direct> {
        self.direct.clone()
    }

    fn abort(&mut self) {
        self.stream.0.inner.abort();
    }

    fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Faulty { inner, fate } = &mut self.stream.0;
        if waits_for_nothing(fate, cx) {
            return Poll::Ready(Ok(()));
        }
        inner.poll_read_ready(cx)
    }
}

impl AsyncRead for FaultyIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultyIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Tells whether the input has ended before its time; otherwise the task hears of a reset.
fn waits_for_nothing(fate: &Mutex<Fate>, cx: &Context<'_>) -> bool {
    let mut fate = lock(fate);
    fate.waits_for_input(cx.waker());
    fate.has_no_input_left()
}

struct FaultyDirect {
    inner: Direct,
    fate: Arc<Mutex<Fate>>,
}

impl FaultyDirect {
    /// Sends at most what the faults leave of `wanted` bytes.
    fn send(
        &self,
        wanted: usize,
        send: impl FnOnce(usize) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let decided = loop {
            match decide(&self.fate, |fate| fate.of_write(wanted)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                decided => break decided,
            }
        };
        let n = send(decided?.unwrap_or_default())?;
        note(&self.fate, |fate| fate.has_written(n));
        Ok(n)
    }
}

impl DirectSocket for FaultyDirect {
    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(total(bufs), |max| self.inner.try_writev(&cut(bufs, max)))
    }

    fn try_writev_more(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(total(bufs), |max| {
            self.inner.try_writev_more(&cut(bufs, max))
        })
    }

    fn try_send_file(&self, region: &FileRegion, offset: u64, max: usize) -> io::Result<usize> {
        self.send(max, |max| self.inner.try_send_file(region, offset, max))
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Below there is still room, so what was refused may be tried again at once.
        self.inner.poll_write_ready(cx)
    }
}

//! What is to be written: heads and small pieces in one buffer, large pieces as they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use astatine_reactor::{Direct, Io};
use bytes::{Buf, Bytes};

/// The output of one connection, in order: the queue, then the tail.
#[derive(Debug, Default)]
pub(crate) struct Output {
    queue: VecDeque<Bytes>,
    n_queued: usize,
    tail: Vec<u8>,
    /// How much of the tail the stream has taken.
    n_taken: usize,
    /// Whether the stream may hold on to what it has taken, until it is flushed.
    is_unflushed: bool,
}

/// Pieces up to this size are copied behind their head: cheaper than one more segment in writev.
const COPY_MAX_BYTES: usize = 8 << 10;
/// Segments in one writev.
const MAX_SEGMENTS: usize = 32;

impl Output {
    pub(crate) fn len(&self) -> usize {
        self.n_queued + self.tail.len() - self.n_taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.has_bytes() && !self.is_unflushed
    }

    fn has_bytes(&self) -> bool {
        self.n_queued > 0 || self.tail.len() > self.n_taken
    }

    /// Works with the thread's buffer where the connection has none of its own.
    pub(crate) fn borrow(&mut self, scratch: &mut Vec<u8>) {
        if self.is_empty() {
            std::mem::swap(&mut self.tail, scratch);
        }
    }

    /// Gives the thread's buffer back, unless it holds what the peer has not taken.
    pub(crate) fn give_back(&mut self, scratch: &mut Vec<u8>) {
        if self.tail.is_empty() {
            if scratch.capacity() == 0 {
                std::mem::swap(&mut self.tail, scratch);
            } else {
                self.tail = Vec::new();
            }
        }
    }

    /// Returns the buffer for heads and the like.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Adds a piece of a body.
    #[inline(always)]
    pub(crate) fn push(&mut self, piece: Bytes) {
        if piece.len() <= COPY_MAX_BYTES {
            self.tail.extend_from_slice(&piece);
            return;
        }
        if !self.tail.is_empty() {
            let before = Bytes::copy_from_slice(&self.tail[self.n_taken..]);
            self.clear_tail();
            self.n_queued += before.len();
            self.queue.push_back(before);
        }
        self.n_queued += piece.len();
        self.queue.push_back(piece);
    }

    /// Writes as much as the stream takes; ready when nothing is left. `n_taken` counts along.
    #[inline(always)]
    pub(crate) fn poll_flush(
        &mut self,
        io: &mut dyn Io,
        n_taken: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.has_bytes() {
            let n = if self.queue.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.tail[self.n_taken..]))?
            } else {
                let mut segments = [IoSlice::new(&[]); MAX_SEGMENTS];
                let n_segments = self.segments(&mut segments);
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, &segments[..n_segments]))?
            };
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *n_taken += n;
            self.advance(n);
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            ready!(Pin::new(&mut *io).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// As [`Output::poll_flush`], telling the kernel that a file follows at once.
    pub(super) fn poll_flush_before_file(
        &mut self,
        direct: &Direct,
        n_taken: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.has_bytes() {
            let written = if self.queue.is_empty() {
                direct.try_writev_more(&[IoSlice::new(&self.tail[self.n_taken..])])
            } else {
                let mut segments = [IoSlice::new(&[]); MAX_SEGMENTS];
                let n_segments = self.segments(&mut segments);
                direct.try_writev_more(&segments[..n_segments])
            };
            match written {
                Ok(n) => {
                    *n_taken += n;
                    self.advance(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(direct.poll_write_ready(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn segments<'a>(&'a self, segments: &mut [IoSlice<'a>; MAX_SEGMENTS]) -> usize {
        let pieces = self.queue.iter().map(|piece| &piece[..]);
        let all = pieces.chain((!self.tail.is_empty()).then_some(&self.tail[self.n_taken..]));
        let mut n_segments = 0;
        for (segment, piece) in segments.iter_mut().zip(all) {
            *segment = IoSlice::new(piece);
            n_segments += 1;
        }
        n_segments
    }

    #[inline(always)]
    fn advance(&mut self, mut n: usize) {
        while let Some(front) = self.queue.front_mut() {
            if n < front.len() {
                front.advance(n);
                self.n_queued -= n;
                return;
            }
            n -= front.len();
            self.n_queued -= front.len();
            self.queue.pop_front();
        }
        self.n_taken += n;
        if self.n_taken == self.tail.len() {
            self.clear_tail();
        }
    }

    fn clear_tail(&mut self) {
        self.tail.clear();
        self.n_taken = 0;
    }
}

//! What the two halves share: the byte stream, what waits to be written to it, and in which order.

use std::fmt;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use astatine_reactor::Io;
use bytes::BytesMut;
use tokio_util::io::poll_read_buf;

use super::writable::{Half, Writable};
use crate::error::Error;

/// The shared part. Its lock is held for single calls of the stream and for copies into the output,
/// never while a frame is read, masked or compressed.
pub(super) struct Link {
    state: Mutex<State>,
    writable: Arc<Writable>,
    /// The one task that the stream knows as its writer: it wakes whoever waits.
    waker: Waker,
}

struct State {
    /// `None` when the connection is over.
    io: Option<Box<dyn Io>>,
    /// Whole frames, of which the first bytes may have left.
    output: Vec<u8>,
    n_written: usize,
    /// Whether the stream may still hold back some of what it took.
    is_unflushed: bool,
    /// Whether the reader has answers in the output, or one that waits for its place there.
    has_answers: bool,
    /// Whether our Close frame is behind all output.
    is_closing: bool,
    /// Whether the stream took nothing when it was asked last.
    is_blocked: bool,
    /// Whether it took something after that.
    has_moved: bool,
    failed: Option<io::ErrorKind>,
    /// Who is to hear of our Close frame.
    reader: Option<Waker>,
}

/// How far our Close frame has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// There is none.
    No,
    /// It waits to be written.
    Queued,
    /// The stream has taken it.
    Written,
}

impl Link {
    pub(super) fn new(io: Box<dyn Io>) -> Self {
        let writable = Arc::new(Writable::default());
        Self {
            state: Mutex::new(State {
                io: Some(io),
                output: Vec::new(),
                n_written: 0,
                is_unflushed: false,
                has_answers: false,
                is_closing: false,
                is_blocked: false,
                has_moved: false,
                failed: None,
                reader: None,
            }),
            waker: Waker::from(Arc::clone(&writable)),
            writable,
        }
    }

    /// Adds a writer's frames to the output, and takes them out of `frames` in any case.
    pub(super) fn send(&self, frames: &mut Vec<u8>) -> Result<(), Error> {
        let sent = self.lock().append_open(frames);
        frames.clear();
        sent
    }

    /// As [`Link::send`]; nothing may follow.
    pub(super) fn send_close(&self, frame: &mut Vec<u8>) -> Result<(), Error> {
        let mut state = self.lock();
        let sent = state.append_open(frame);
        state.is_closing |= sent.is_ok();
        let reader = state.reader.take();
        drop(state);
        frame.clear();
        if let Some(reader) = reader {
            reader.wake();
        }
        sent
    }

    /// Adds a reader's answers to the output, or leaves them to the reader as long as much waits.
    pub(super) fn answer(&self, owed: &mut Vec<u8>) {
        let mut state = self.lock();
        if state.check_open().is_err() {
            // Behind a Close frame there is nothing to say.
            owed.clear();
            return;
        }
        state.has_answers = true;
        if state.n_waiting() < FLUSH_BYTES {
            state.append(owed);
        }
    }

    /// Adds a reader's last answers, of which the last may be a Close frame.
    pub(super) fn answer_last(&self, owed: &mut Vec<u8>) {
        let mut state = self.lock();
        state.is_closing |= state.append_open(owed).is_ok();
        owed.clear();
    }

    /// Tells how far our Close frame has come.
    pub(super) fn closing(&self) -> Closing {
        let state = self.lock();
        match state.is_closing {
            false => Closing::No,
            true if state.output.is_empty() => Closing::Written,
            true => Closing::Queued,
        }
    }

    /// Is ready when less than `max` bytes wait. Long before that, what waits is written.
    pub(super) fn poll_room(&self, max: usize, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let n_waiting = {
            let state = self.lock();
            state.check_open()?;
            state.n_waiting()
        };
        if n_waiting < FLUSH_BYTES.min(max) {
            return Poll::Ready(Ok(()));
        }
        match self.poll_flush(Half::Writer, cx) {
            Poll::Pending if self.lock().n_waiting() >= max => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())),
            Poll::Ready(flushed) => Poll::Ready(flushed),
        }
    }

    /// Writes all that waits.
    pub(super) fn poll_flush(&self, half: Half, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let both = &mut Context::from_waker(&self.waker);
        let mut state = self.lock();
        let mut flushed = state.poll_flush(both);
        if flushed.is_pending() {
            self.writable.register(half, cx.waker());
            // What became possible before the waker was there must not be missed.
            flushed = state.poll_flush(both);
        }
        let flushed = ready!(flushed);
        let reader = match half {
            Half::Writer if state.is_closing => state.reader.take(),
            Half::Writer | Half::Reader => None,
        };
        drop(state);
        self.writable.done(half);
        if let Some(reader) = reader {
            reader.wake();
        }
        Poll::Ready(flushed)
    }

    /// Writes what waits where the reader has a part in it; it is pending as long as some is left.
    pub(super) fn poll_answers(&self, cx: &Context<'_>) -> Poll<()> {
        let state = self.lock();
        let is_due = state.has_answers || (state.is_closing && !state.output.is_empty());
        drop(state);
        if is_due {
            // A stream that takes nothing any more may still have something to read.
            ready!(self.poll_flush(Half::Reader, cx)).unwrap_or_default();
        }
        Poll::Ready(())
    }

    /// Reads once. The task is also woken when the writer sends a Close frame, and when that has
    /// been written.
    pub(super) fn poll_read(
        &self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        let is_known = |known: &Waker| known.will_wake(cx.waker());
        if !state.reader.as_ref().is_some_and(is_known) {
            state.reader = Some(cx.waker().clone());
        }
        match &mut state.io {
            Some(io) => poll_read_buf(Pin::new(&mut **io), cx, input),
            None => Poll::Ready(Ok(0)),
        }
    }

    /// Ends our side of the stream.
    pub(super) fn poll_shutdown(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.writable.register(Half::Reader, cx.waker());
        let mut state = self.lock();
        match &mut state.io {
            Some(io) => Pin::new(&mut **io).poll_shutdown(&mut Context::from_waker(&self.waker)),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Tells whether the stream, after it had taken nothing for a while, has taken something.
    pub(super) fn take_moved(&self) -> bool {
        mem::take(&mut self.lock().has_moved)
    }

    /// Drops the stream, and tells the writer that waits for it.
    pub(super) fn end(&self) {
        let io = self.lock().io.take();
        drop(io);
        self.writable.done(Half::Reader);
    }

    /// As [`Link::end`], in a way that the other end can tell from an orderly one.
    pub(super) fn abort(&self) {
        if let Some(io) = &mut self.lock().io {
            io.abort();
        }
        self.end();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_open(&self) -> Result<(), Error> {
        match self.failed {
            Some(kind) => Err(Error::Io(kind.into())),
            None if self.is_closing || self.io.is_none() => Err(Error::Closed),
            None => Ok(()),
        }
    }

    fn append_open(&mut self, frames: &mut Vec<u8>) -> Result<(), Error> {
        self.check_open()?;
        self.append(frames);
        Ok(())
    }

    fn n_waiting(&self) -> usize {
        self.output.len() - self.n_written
    }

    fn append(&mut self, frames: &mut Vec<u8>) {
        if self.output.is_empty() {
            mem::swap(&mut self.output, frames);
            return;
        }
        if self.n_written > self.output.len() / 2 {
            drop(self.output.drain(..self.n_written));
            self.n_written = 0;
        }
        self.output.append(frames);
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(Error::Io(kind.into())));
        }
        let flushed = self.poll_write_all(cx);
        self.is_blocked = flushed.is_pending();
        let flushed = ready!(flushed);
        // An idle connection holds no buffer.
        (self.output, self.n_written) = (Vec::new(), 0);
        (self.is_unflushed, self.has_answers) = (false, false);
        if let Err(Error::Io(error)) = &flushed {
            self.failed = Some(error.kind());
        }
        Poll::Ready(flushed)
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.n_waiting() == 0 && !self.is_unflushed {
            return Poll::Ready(Ok(()));
        }
        let io = self.io.as_mut().ok_or(Error::Closed)?;
        while let rest @ [_, ..] = &self.output[self.n_written..] {
            let n = ready!(Pin::new(&mut **io).poll_write(cx, rest))?;
            if n == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.n_written += n;
            self.is_unflushed = true;
            self.has_moved |= self.is_blocked;
        }
        ready!(Pin::new(&mut **io).poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// A writer that adds message after message begins to write with so many bytes; a reader's answers
/// wait for what is before them to fall below it.
const FLUSH_BYTES: usize = 64 << 10;

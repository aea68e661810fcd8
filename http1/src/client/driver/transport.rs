//! The stream of a client's connection with its buffers and its deadline.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use astatine_reactor::{Deadline, Io};
use bytes::Bytes;

use crate::client::Config;
use crate::driver::output::Output;
use crate::driver::scratch::Scratch;
use crate::proto::client::{Expired, Timeouts, Wait};

pub(super) struct Transport {
    /// Gone once another protocol has taken the stream.
    io: Option<Box<dyn Io>>,
    /// What is read and not consumed.
    pub(super) input: Bytes,
    /// Whether the input lies in memory of its own, not in the thread's.
    owns_input: bool,
    pub(super) output: Output,
    timeouts: Timeouts,
    deadline: Deadline,
    /// The deadline's idea of the time at the start of this turn.
    now: Instant,
}

impl Transport {
    pub(super) fn new(io: Box<dyn Io>) -> Self {
        let deadline = Deadline::new();
        Self {
            io: Some(io),
            input: Bytes::new(),
            owns_input: false,
            output: Output::default(),
            timeouts: Timeouts::new(deadline.now()),
            now: deadline.now(),
            deadline,
        }
    }

    /// Works with the thread's buffers.
    pub(super) fn borrow(&mut self, scratch: &mut Scratch) {
        self.now = self.deadline.now();
        self.output.borrow(&mut scratch.output);
    }

    /// Gives the thread's buffers back; unread input is copied out of them.
    pub(super) fn give_back(&mut self, scratch: &mut Scratch) {
        Scratch::keep_input(&mut self.input, &mut self.owns_input);
        self.output.give_back(&mut scratch.output);
    }

    /// Reads once behind what is there, and returns the count, 0 at the end of the stream.
    /// `n_expected` bytes are known to be missing, or nobody knows.
    pub(super) fn poll_fill(
        &mut self,
        n_expected: Option<u64>,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Some(io) = &mut self.io else {
            return Poll::Pending;
        };
        let input = (&mut self.input, &mut self.owns_input);
        let filled = scratch.poll_fill(&mut **io, input, n_expected, cx);
        filled.map_ok(|filled| filled.n_bytes)
    }

    /// Writes what the stream takes, and returns the count; ready when nothing is left, neither here
    /// nor in the stream.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        let Some(io) = &mut self.io else {
            return (0, Poll::Pending);
        };
        let mut n_taken = 0;
        let flushed = self.output.poll_flush(&mut **io, &mut n_taken, cx);
        if flushed.is_ready() {
            self.timeouts.write_done();
        } else {
            self.timeouts.write_pending(n_taken, self.now);
        }
        (n_taken, flushed)
    }

    /// Drops what the server does not take any more.
    pub(super) fn clear_output(&mut self) {
        self.output = Output::default();
        self.timeouts.write_done();
    }

    /// Ends our side of the stream, as far as that does not wait.
    pub(super) fn end(&mut self, cx: &mut Context<'_>) {
        let Some(mut io) = self.io.take() else {
            return;
        };
        if let Poll::Ready(Err(error)) = Pin::new(&mut *io).poll_shutdown(cx) {
            tracing::debug!(%error, "the server has gone already");
        }
    }

    /// Closes the stream.
    pub(super) fn close(&mut self) {
        self.io = None;
        self.deadline.set(None);
    }

    /// Gives the stream away, with what was read but not consumed.
    pub(super) fn hand_over(&mut self) -> Option<(Box<dyn Io>, Bytes)> {
        let io = self.io.take()?;
        self.deadline.set(None);
        // What is left must not hold on to the thread's block.
        Some((io, Bytes::copy_from_slice(&std::mem::take(&mut self.input))))
    }

    /// Begins the wait for the next request.
    pub(super) fn begin_idle(&mut self) {
        self.timeouts.begin(Wait::NextRequest, self.now);
    }

    /// Notes that what is waited for comes.
    pub(super) fn progress(&mut self) {
        self.timeouts.progress(self.now);
    }

    /// Says what is waited for, and tells what is over.
    pub(super) fn check_deadline(
        &mut self,
        wait: Wait,
        config: &Config,
        cx: &mut Context<'_>,
    ) -> Option<Expired> {
        self.timeouts.wait_for(wait, self.now);
        if self.timeouts.take_changed() {
            self.deadline.set(self.timeouts.poll_deadline(config));
        }
        if self.deadline.poll_expired(cx).is_pending() {
            return None;
        }
        let expired = self.timeouts.handle_timeout(self.now, config);
        self.deadline.set(self.timeouts.poll_deadline(config));
        expired
    }
}

//! The driver's side of a connection's [queue](super::queue): the writer bit during its turns, the
//! flush at their end, and what peers have ordered.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use super::output::{MAX_SEGMENTS, Output};
use super::queue::{Encoding, End, Shared, State};
use super::trigger::Call;
use super::turn::{self, lend, lend_back};
use super::{Handler, HandlerConfig, Message, Peer, Reason};
use crate::{Direct, Io};

/// The driver's side of the queue.
pub(super) struct Outbox {
    shared: Arc<Shared>,
    /// Whether the driver has the writer bit.
    holds: bool,
    /// Whether there is something to flush, as far as the driver knows.
    has_output: bool,
    /// Whether all that had to wait has left, and nobody was told.
    has_drained: bool,
    waker: Option<Waker>,
}

/// What the driver is to do, by order of the peers.
pub(super) enum Order {
    Replace(Box<dyn Handler>),
    Timeout(Option<Duration>),
    End(End),
}

impl Outbox {
    pub(super) fn new(direct: Option<Direct>, encoding: Encoding, config: &HandlerConfig) -> Self {
        Self {
            shared: Arc::new(Shared::new(direct, encoding, config)),
            holds: false,
            has_output: false,
            has_drained: false,
            waker: None,
        }
    }

    pub(super) fn peer(&self) -> Peer {
        Peer::new(Arc::clone(&self.shared))
    }

    /// Takes the writer bit, where nobody has it, until the flush at the end of the turn.
    #[inline(always)]
    pub(super) fn hold(&mut self) {
        if self.holds {
            return;
        }
        let mut state = self.shared.lock();
        self.holds = !state.is_held;
        state.is_held = true;
        let is_alone = matches!(self.shared.encoding, Encoding::Alone);
        if self.holds && state.output.is_empty() && !is_alone {
            turn::begin(self.shared.id);
        }
    }

    /// Tells whether the peers have left something that the driver has not seen.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.shared.has_news.load(Ordering::Acquire)
    }

    /// Takes the next order of the peers, and waits for more.
    #[inline]
    pub(super) fn poll_order(&mut self, cx: &Context<'_>) -> Poll<Order> {
        let is_waiting = self.waker.as_ref();
        if is_waiting.is_some_and(|waker| waker.will_wake(cx.waker())) && !self.has_news() {
            return Poll::Pending;
        }
        self.poll_news(cx)
    }

    fn poll_news(&mut self, cx: &Context<'_>) -> Poll<Order> {
        let mut state = self.shared.lock();
        if let Some(End::Abort) = state.end {
            return Poll::Ready(Order::End(End::Abort));
        }
        if let Some(handler) = state.next_handler.take() {
            return Poll::Ready(Order::Replace(handler));
        }
        if let Some(timeout) = state.new_timeout.take() {
            return Poll::Ready(Order::Timeout(timeout));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(Order::End(end.clone()));
        }
        register(&mut state, cx);
        self.shared.has_news.store(false, Ordering::Release);
        drop(state);
        self.waker = Some(cx.waker().clone());
        // Others may have written, or left something to write.
        self.has_output = true;
        Poll::Pending
    }

    /// Tells whether calls of triggers wait.
    pub(super) fn has_calls(&self) -> bool {
        self.shared.has_calls.load(Ordering::Relaxed)
    }

    /// Takes the calls of triggers that wait.
    pub(super) fn take_calls(&self) -> Vec<Call> {
        let mut state = self.shared.lock();
        self.shared.has_calls.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.calls)
    }

    /// Tells whether a peer wants the connection to end at once.
    pub(super) fn poll_aborted(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        if state.end == Some(End::Abort) {
            return Poll::Ready(());
        }
        register(&mut state, cx);
        drop(state);
        // Else `poll_order` would take one that it knew before for the one that is woken.
        drop(self.waker.take_if(|waker| !waker.will_wake(cx.waker())));
        Poll::Pending
    }

    /// Tells why the connection was aborted.
    pub(super) fn abort_reason(&self) -> Reason {
        if self.shared.lock().is_overdrawn {
            Reason::SlowConsumer
        } else {
            Reason::Aborted
        }
    }

    /// Takes no more messages; what waits still leaves.
    pub(super) fn stop(&self) {
        self.shared.is_open.store(false, Ordering::Release);
        let end = End::Close {
            code: None,
            text: String::new(),
        };
        self.shared.lock().end.get_or_insert(end);
    }

    /// Adds what the protocol has to say, behind what waits.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let add = |output: &mut Vec<u8>| output.extend_from_slice(bytes);
        if self.shared.write_in_turn(usize::MAX, add) {
            return;
        }
        let mut state = self.shared.lock();
        lend(&mut state.output);
        state.output.tail().extend_from_slice(bytes);
        self.shared.note_len(&mut state);
        self.has_output = true;
    }

    /// Adds what the protocol has to say before all that waits.
    pub(super) fn push_urgent(&mut self, bytes: Vec<u8>) {
        let mut state = self.shared.lock();
        state.output.push_urgent(bytes.into());
        self.shared.note_len(&mut state);
        self.has_output = true;
    }

    /// Encodes all that waits and was left to the protocol.
    pub(super) fn encode(&self, encode: impl FnMut(&Message, &mut Vec<u8>)) {
        let mut state = self.shared.lock();
        let encoded = state.output.encode_front(usize::MAX, encode);
        self.shared.note_len(&mut state);
        drop(state);
        // Dropped outside the lock: they are foreign code.
        drop(encoded);
    }

    /// Drops all that waits, but for what has begun to leave.
    pub(super) fn clear_unbegun(&self) {
        let mut state = self.shared.lock();
        let dropped = state.output.clear_unbegun();
        self.shared.note_len(&mut state);
        drop(state);
        // Dropped outside the lock: it is foreign code.
        drop(dropped);
    }

    /// Writes what the stream takes, and lets go of the writer bit. Ready when nothing is left.
    /// `n_taken` counts along.
    pub(super) fn poll_flush(
        &mut self,
        io: &mut dyn Io,
        mut encode: impl FnMut(&Message, &mut Vec<u8>),
        n_taken: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut output = if let Some(written) = turn::end(self.shared.id) {
            match self.flush_turn(written, io, n_taken, cx)? {
                None => return Poll::Ready(Ok(())),
                Some(rest) => rest,
            }
        } else {
            let mut state = self.shared.lock();
            if state.is_held && !self.holds {
                *n_taken += std::mem::take(&mut state.n_taken);
                // Another thread writes; it wakes this task when it has done so.
                state.is_awaited = true;
                self.has_output = true;
                return Poll::Pending;
            }
            state.is_held = true;
            std::mem::take(&mut state.output)
        };
        self.holds = false;
        let written = poll_write_all(&mut output, io, &mut encode, n_taken, cx);
        let is_full = written.is_pending();
        if is_full {
            output.own();
        }
        let mut state = self.shared.lock();
        *n_taken += std::mem::take(&mut state.n_taken);
        state.has_waited |= is_full;
        state.is_full = is_full;
        state.is_held = false;
        let has_more = !state.output.is_empty();
        output.put_before(&mut state.output);
        lend_back(&mut state.output);
        self.shared.note_len(&mut state);
        self.has_output = is_full || has_more;
        if !self.has_output {
            self.has_drained |= std::mem::take(&mut state.has_waited);
        }
        if is_full {
            self.shared.count(&mut state);
            drop(state);
            self.shared.budget.relieve();
            return written;
        }
        drop(state);
        if has_more && matches!(written, Poll::Ready(Ok(()))) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        written
    }

    /// Writes what was written in a turn, and lets go of the writer bit where the stream takes all
    /// of it at once and nobody has queued anything meanwhile; else returns the rest.
    #[inline]
    fn flush_turn(
        &mut self,
        mut written: Vec<u8>,
        io: &mut dyn Io,
        n_taken: &mut usize,
        cx: &mut Context<'_>,
    ) -> io::Result<Option<Output>> {
        let mut n = 0;
        if !written.is_empty() {
            if let Poll::Ready(taken) = Pin::new(&mut *io).poll_write(cx, &written) {
                n = taken?;
            }
        }
        *n_taken += n;
        if n < written.len() {
            return Ok(Some(Output::begun(written, n)));
        }
        written.clear();
        if let Poll::Ready(flushed) = Pin::new(io).poll_flush(cx) {
            flushed?;
            let mut state = self.shared.lock();
            if state.output.is_empty() {
                *n_taken += std::mem::take(&mut state.n_taken);
                self.has_drained |= std::mem::take(&mut state.has_waited);
                (state.is_held, state.is_full) = (false, false);
                drop(state);
                (self.holds, self.has_output) = (false, false);
                turn::give_back(written);
                return Ok(None);
            }
        }
        Ok(Some(Output::begun(written, 0)))
    }

    /// Tells whether there may be something to flush.
    pub(super) fn has_output(&self) -> bool {
        self.holds || self.has_output
    }

    /// Tells, once, that all which had to wait has left.
    pub(super) fn take_drained(&mut self) -> bool {
        std::mem::take(&mut self.has_drained)
    }

    /// Tells whether more waits than should, of which this much is the protocol's own.
    pub(super) fn is_over(&self, n_own: usize) -> bool {
        let max = self.shared.max_bytes;
        n_own > max && self.shared.n_pending.load(Ordering::Relaxed) > max
    }

    /// Takes nothing any more.
    pub(super) fn close(&self) {
        self.shared.is_open.store(false, Ordering::Release);
        let mut state = self.shared.lock();
        state.end = Some(End::Abort);
        state.is_closed = true;
        let leftover = (
            std::mem::take(&mut state.output),
            state.next_handler.take(),
            state.direct.take(),
            state.driver.take(),
            std::mem::take(&mut state.kept),
            std::mem::take(&mut state.calls),
        );
        self.shared.note_len(&mut state);
        let is_member = std::mem::take(&mut state.is_member);
        drop(state);
        if is_member {
            self.shared.budget.leave(self.shared.id);
        }
        // Dropped outside the lock: it is foreign code.
        drop(leftover);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.close();
    }
}

fn register(state: &mut State, cx: &Context<'_>) {
    if !state
        .driver
        .as_ref()
        .is_some_and(|waker| waker.will_wake(cx.waker()))
    {
        state.driver = Some(cx.waker().clone());
    }
}

/// Writes as much as the stream takes; ready when that is all.
fn poll_write_all(
    output: &mut Output,
    io: &mut dyn Io,
    encode: &mut impl FnMut(&Message, &mut Vec<u8>),
    n_taken: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while !output.is_empty() {
        let n = if let Some(whole) = output.whole() {
            ready!(Pin::new(&mut *io).poll_write(cx, whole))?
        } else {
            drop(output.encode_front(MAX_SEGMENTS, &mut *encode));
            if output.is_empty() {
                break;
            }
            let mut segments = [IoSlice::new(&[]); MAX_SEGMENTS];
            let n_segments = output.segments(&mut segments);
            match &segments[..n_segments] {
                [one] => ready!(Pin::new(&mut *io).poll_write(cx, one))?,
                several => ready!(Pin::new(&mut *io).poll_write_vectored(cx, several))?,
            }
        };
        if n == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        output.advance(n);
        *n_taken += n;
    }
    // Some streams gather what is written, as TLS does.
    Pin::new(io).poll_flush(cx)
}

//! The bounded queue between the peers of a connection and its driver.
//!
//! Who finds the writer bit free and nothing queued takes the bit and writes at once, from
//! whichever thread; all others leave what they have in the queue. The driver holds the bit during
//! its turns, so that what a handler writes leaves in one call at the end.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;

use super::output::{MAX_SEGMENTS, Output};
use super::trigger::Call;
use super::turn::{self, lend, lend_back};
use super::{Budget, Form, Handler, HandlerConfig, Message, Peer, Reason};
use crate::{Direct, Io};

/// How messages are encoded for a connection.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// The payload as it is.
    Payload,
    /// In a form that all connections with the same form share.
    Shared {
        /// Tells which form a message takes.
        form: fn(&Message) -> Form,
        /// Encodes a message in its form.
        encode: fn(&Message, &mut Vec<u8>),
        /// Encodes what goes before a payload that is its own encoding: a large one is not copied
        /// then.
        head: Option<fn(&Message, &mut Vec<u8>)>,
    },
    /// Each message by the protocol itself, in order: what it makes depends on what went before.
    Alone,
}

/// What a connection's peers and its driver share.
pub(super) struct Shared {
    pub(super) id: u64,
    pub(super) encoding: Encoding,
    pub(super) max_bytes: usize,
    pub(super) max_calls: usize,
    budget: Budget,
    state: Mutex<State>,
    pub(super) n_pending: AtomicUsize,
    pub(super) is_open: AtomicBool,
    /// Whether triggers wait.
    pub(super) has_calls: AtomicBool,
    /// Whether the state has something that the driver has not seen; set under the lock.
    has_news: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) output: Output,
    /// The way past the driver; gone while somebody writes by it, and with the connection: handles
    /// that outlive it do not keep its socket open.
    direct: Option<Direct>,
    pub(super) is_closed: bool,
    /// The writer bit.
    is_held: bool,
    /// Whether the driver waits for the bit.
    is_awaited: bool,
    /// Whether the stream took no more: what is queued is the driver's to write.
    is_full: bool,
    /// What the budget counts of the output.
    n_counted: usize,
    is_member: bool,
    /// Whether the connection was aborted for the budget.
    is_overdrawn: bool,
    /// Bytes that others than the driver have written, and it has not heard of.
    n_taken: usize,
    /// Whether something had to wait since the last [`Outbox::take_drained`].
    pub(super) has_waited: bool,
    pub(super) end: Option<End>,
    pub(super) next_handler: Option<Box<dyn Handler>>,
    pub(super) new_timeout: Option<Option<Duration>>,
    /// What triggers call the handler with.
    pub(super) calls: Vec<Call>,
    /// What lives as long as the connection.
    pub(super) kept: Vec<Box<dyn Send>>,
    driver: Option<Waker>,
}

/// How a peer wants the connection to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In good order, with a code and a text for protocols that have them.
    Close { code: Option<u16>, text: String },
    /// The outbox is full.
    Slow,
    /// At once.
    Abort,
}

/// The driver's side.
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

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Shared {
    /// Locks the state, and ends the connection's turn: what was written in it is in the queue.
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = turn::end(self.id) {
            self.queue_turn(written, &mut state);
        }
        state
    }

    #[cold]
    fn queue_turn(&self, written: Vec<u8>, state: &mut State) {
        if written.is_empty() {
            turn::give_back(written);
            return;
        }
        Output::begun(written, 0).put_before(&mut state.output);
        self.note_len(state);
    }

    /// Adds to what is written in the connection's turn, where that is less than so many bytes and
    /// nobody has queued anything meanwhile; tells whether it has.
    #[inline]
    pub(super) fn write_in_turn(
        &self,
        max_bytes: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        self.n_pending.load(Ordering::Relaxed) == 0 && turn::write(self.id, max_bytes, encode)
    }

    /// Wakes the driver, once something was changed under the lock.
    pub(super) fn wake(&self, mut state: MutexGuard<'_, State>) {
        self.has_news.store(true, Ordering::Release);
        let driver = state.driver.take();
        // Woken outside the lock: a waker may run any code.
        drop(state);
        driver.into_iter().for_each(Waker::wake);
    }

    fn note_len(&self, state: &mut State) {
        self.n_pending.store(state.output.len(), Ordering::Relaxed);
        if state.n_counted > 0 {
            let now = state.output.cost();
            self.budget.count(state.n_counted, now);
            state.n_counted = now;
        }
    }

    /// Counts what has to wait, once something was added under the lock.
    #[cold]
    fn count(self: &Arc<Self>, state: &mut State) {
        if !state.is_member && !state.is_closed {
            state.is_member = true;
            self.budget.enter(self.id, self);
        }
        let now = state.output.cost();
        self.budget.count(state.n_counted, now);
        state.n_counted = now;
    }

    /// Returns what the budget counts of what waits.
    pub(super) fn n_counted(&self) -> usize {
        self.lock().n_counted
    }

    /// Gives up what waits, as far as it has not begun to leave, and closes the connection; tells
    /// whether it was open. Where most of it has begun, or will not leave, all of it is given up.
    pub(super) fn close_for_budget(&self) -> bool {
        let mut state = self.lock();
        let was_open = state.end.is_none();
        let (mut lost, mut unbegun) = (Output::default(), VecDeque::new());
        if !state.is_held {
            let before = state.output.len();
            unbegun = state.output.clear_unbegun();
            if !was_open || state.output.len() > before / 8 {
                lost = std::mem::take(&mut state.output);
            }
        }
        self.note_len(&mut state);
        state.is_overdrawn = !lost.is_empty();
        let end = if state.is_overdrawn {
            End::Abort
        } else {
            End::Slow
        };
        self.end(state, end);
        // Dropped outside the lock: it is foreign code.
        drop((lost, unbegun));
        was_open
    }

    /// Ends the connection, unless it ends already.
    pub(super) fn end(&self, mut state: MutexGuard<'_, State>, end: End) {
        self.is_open.store(false, Ordering::Release);
        if state.end.is_none() || end == End::Abort {
            state.end = Some(end);
        }
        self.wake(state);
    }

    /// Lets whoever can write what is queued, once something was added under the lock.
    #[inline]
    pub(super) fn release<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, State>) {
        self.n_pending.store(state.output.len(), Ordering::Relaxed);
        if state.is_full || !state.is_held {
            self.write_out(state);
        }
    }

    /// Writes encoded bytes at once, where nothing is queued and nobody else can write; tells whether
    /// they are on their way. The bit is taken under the lock and nothing waits then, so they come
    /// behind all that was written before, and before all that is queued meanwhile.
    pub(super) fn write_now<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        bytes: &Bytes,
        subscription: Option<u64>,
    ) -> bool {
        let is_idle = !state.is_held && state.output.is_empty() && state.driver.is_some();
        if !is_idle || bytes.is_empty() {
            return false;
        }
        let Some(direct) = state.direct.take() else {
            return false;
        };
        state.is_held = true;
        drop(state);
        let written = direct.try_writev(&[IoSlice::new(bytes)]);
        state = self.lock();
        state.is_held = false;
        let n = written.unwrap_or_default();
        state.n_taken += n;
        self.has_news.store(true, Ordering::Release);
        if state.is_closed {
            // Before what was taken out, whose drop is foreign code.
            drop(state);
            return true;
        }
        state.direct = Some(direct);
        if n < bytes.len() {
            // A short count means that the socket is full; an error is the driver's to meet.
            Output::rest_of(bytes, n, subscription).put_before(&mut state.output);
            self.note_len(&mut state);
            state.is_full = true;
            self.leave_to_driver(state);
        } else if !state.output.is_empty() {
            self.write_out(state);
        } else if std::mem::take(&mut state.is_awaited) || state.has_waited {
            self.wake(state);
        }
        true
    }

    /// Has the driver write what is left.
    fn leave_to_driver<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        state.has_waited = true;
        self.count(&mut state);
        self.wake(state);
        self.budget.relieve();
    }

    fn write_out<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        if state.is_full {
            self.count(&mut state);
            drop(state);
            self.budget.relieve();
            return;
        }
        let is_drivers = matches!(self.encoding, Encoding::Alone) || state.end.is_some();
        let direct = if is_drivers || state.driver.is_none() {
            None
        } else {
            state.direct.take()
        };
        let Some(direct) = direct else {
            if state.output.len() >= MIN_COUNTED_BYTES {
                self.count(&mut state);
            }
            self.wake(state);
            self.budget.relieve();
            return;
        };
        for _ in 0..MAX_TURNS {
            state.is_held = true;
            let mut output = std::mem::take(&mut state.output);
            drop(state);
            let mut n_taken = 0;
            let written = write_once(&direct, &mut output, &mut n_taken);
            state = self.lock();
            state.is_held = false;
            state.n_taken += n_taken;
            self.has_news.store(true, Ordering::Release);
            if state.is_closed {
                // Before what was taken out, whose drop is foreign code.
                drop(state);
                return;
            }
            output.put_before(&mut state.output);
            lend_back(&mut state.output);
            self.note_len(&mut state);
            if state.output.is_empty() {
                state.direct = Some(direct);
                if std::mem::take(&mut state.is_awaited) || state.has_waited {
                    self.wake(state);
                }
                return;
            }
            // A short count means that the socket is full; an error is the driver's to meet.
            if written.is_err() {
                state.is_full = true;
                break;
            }
        }
        state.direct = Some(direct);
        self.leave_to_driver(state);
    }
}

/// Writes as much as the socket takes; an error where it does not take all.
fn write_once(direct: &Direct, output: &mut Output, n_taken: &mut usize) -> io::Result<()> {
    while !output.is_empty() {
        let n = match output.whole() {
            Some(bytes) => direct.try_writev(&[IoSlice::new(bytes)])?,
            None => {
                let mut segments = [IoSlice::new(&[]); MAX_SEGMENTS];
                let n_segments = output.segments(&mut segments);
                direct.try_writev(&segments[..n_segments])?
            }
        };
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        output.advance(n);
        *n_taken += n;
    }
    Ok(())
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
            output.encode_front(MAX_SEGMENTS, &mut *encode);
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

/// What waits for a driver that has not had its turn is counted from here on.
const MIN_COUNTED_BYTES: usize = 16 << 10;
/// How often one writer goes on for what others have added meanwhile.
const MAX_TURNS: usize = 16;

impl Outbox {
    pub(super) fn new(direct: Option<Direct>, encoding: Encoding, config: &HandlerConfig) -> Self {
        let shared = Shared {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            encoding,
            max_bytes: config.outbox_bytes,
            max_calls: config.max_triggered,
            budget: config.budget.clone(),
            state: Mutex::new(State {
                direct,
                ..State::default()
            }),
            n_pending: AtomicUsize::new(0),
            is_open: AtomicBool::new(true),
            has_calls: AtomicBool::new(false),
            has_news: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
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
        state.output.encode_front(usize::MAX, encode);
        self.shared.note_len(&mut state);
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
                state.is_held = false;
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

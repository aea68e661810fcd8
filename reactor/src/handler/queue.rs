//! What the peers of a connection and its driver share: the queue, bounded in bytes, and who writes.
//!
//! Who finds the writer bit free and nothing queued takes the bit and writes at once, from
//! whichever thread; all others leave what they have in the queue. The driver holds the bit during
//! its turns, so that what a handler writes leaves in one call at the end.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::output::{MAX_SEGMENTS, Output};
use super::trigger::Call;
use super::turn::{self, lend_back};
use super::{Budget, Form, Handler, HandlerConfig, Message};
use crate::Direct;
use crate::lock::lock;

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
    pub(super) budget: Budget,
    state: Mutex<State>,
    pub(super) n_pending: AtomicUsize,
    pub(super) is_open: AtomicBool,
    /// Whether triggers wait.
    pub(super) has_calls: AtomicBool,
    /// Whether the state has something that the driver has not seen; set under the lock.
    pub(super) has_news: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) output: Output,
    /// The way past the driver; gone while somebody writes by it, and with the connection: handles
    /// that outlive it do not keep its socket open.
    pub(super) direct: Option<Direct>,
    pub(super) is_closed: bool,
    /// The writer bit.
    pub(super) is_held: bool,
    /// Whether the driver waits for the bit.
    pub(super) is_awaited: bool,
    /// Whether the stream took no more: what is queued is the driver's to write.
    pub(super) is_full: bool,
    /// What the budget counts of the output.
    n_counted: usize,
    pub(super) is_member: bool,
    /// Whether the connection was aborted for the budget.
    pub(super) is_overdrawn: bool,
    /// Bytes that others than the driver have written, and it has not heard of.
    pub(super) n_taken: usize,
    /// Whether something had to wait since the last [`Outbox::take_drained`].
    pub(super) has_waited: bool,
    pub(super) end: Option<End>,
    pub(super) next_handler: Option<Box<dyn Handler>>,
    pub(super) new_timeout: Option<Option<Duration>>,
    /// What triggers call the handler with.
    pub(super) calls: Vec<Call>,
    /// What lives as long as the connection.
    pub(super) kept: Vec<Box<dyn Send>>,
    pub(super) driver: Option<Waker>,
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

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Shared {
    pub(super) fn new(direct: Option<Direct>, encoding: Encoding, config: &HandlerConfig) -> Self {
        Self {
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
        }
    }

    /// Locks the state, and ends the connection's turn: what was written in it is in the queue.
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
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

    pub(super) fn note_len(&self, state: &mut State) {
        self.n_pending.store(state.output.len(), Ordering::Relaxed);
        if state.n_counted > 0 {
            let now = state.output.cost();
            self.budget.count(state.n_counted, now);
            state.n_counted = now;
        }
    }

    /// Counts what has to wait, once something was added under the lock.
    #[cold]
    pub(super) fn count(self: &Arc<Self>, state: &mut State) {
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

/// What waits for a driver that has not had its turn is counted from here on.
const MIN_COUNTED_BYTES: usize = 16 << 10;
/// How often one writer goes on for what others have added meanwhile.
const MAX_TURNS: usize = 16;

//! The queue from publishers on any thread to one dispatcher, bounded in bytes.

use std::mem;
use std::task::{Context, Poll, Waker};

use super::sync::{Mutex, MutexGuard, lock};

/// The queue. Nobody waits for room: what does not fit is refused.
pub(crate) struct Handoff<T> {
    state: Mutex<State<T>>,
    max_bytes: usize,
}

struct State<T> {
    items: Vec<T>,
    n_bytes: usize,
    has_refused: bool,
    is_closed: bool,
    /// There while the dispatcher waits.
    waker: Option<Waker>,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

/// What a dispatcher is told besides the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    All,
    /// Something was refused for want of room since the last time.
    SomeRefused,
    Closed,
}

impl<T> Handoff<T> {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: Vec::new(),
                n_bytes: 0,
                has_refused: false,
                is_closed: false,
                waker: None,
            }),
            max_bytes,
        }
    }

    /// Adds an item. One that is larger than the limit is taken where nothing waits, and one
    /// without bytes always.
    pub(crate) fn push(&self, item: T, n_bytes: usize) -> Result<(), (Refusal, T)> {
        let mut state = self.lock();
        if state.is_closed {
            return Err((Refusal::Closed, item));
        }
        let is_beyond = state.n_bytes + n_bytes > self.max_bytes;
        if is_beyond && state.n_bytes > 0 && n_bytes > 0 {
            state.has_refused = true;
            return Err((Refusal::Full, item));
        }
        state.items.push(item);
        state.n_bytes += n_bytes;
        wake(state);
        Ok(())
    }

    /// Moves all items into an empty list, or waits for the first.
    pub(crate) fn poll_take(&self, items: &mut Vec<T>, cx: &Context<'_>) -> Poll<Taken> {
        let mut state = self.lock();
        if state.is_closed {
            return Poll::Ready(Taken::Closed);
        }
        if state.items.is_empty() {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        mem::swap(&mut state.items, items);
        state.n_bytes = 0;
        Poll::Ready(if mem::take(&mut state.has_refused) {
            Taken::SomeRefused
        } else {
            Taken::All
        })
    }

    /// Takes nothing any more, and drops what waits.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let items = mem::take(&mut state.items);
        wake(state);
        // Dropped outside the lock: it is foreign code.
        drop(items);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let waker = state.waker.take();
    drop(state);
    waker.into_iter().for_each(Waker::wake);
}

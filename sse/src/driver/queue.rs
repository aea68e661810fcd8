//! Where events wait between those who send them and the body of the response.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use crate::error::SendError;

/// A queue that is bounded in bytes.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// A permit for each byte that is free; closed when no more is taken.
    space: Semaphore,
    /// Never has a permit; closed with `space`, for those who wait for that alone.
    end: Semaphore,
    max_bytes: u32,
}

struct State {
    events: VecDeque<Bytes>,
    n_bytes: usize,
    n_senders: usize,
    is_closed: bool,
    reader: Option<Waker>,
}

/// What an event costs beside its bytes.
const EVENT_BYTES: usize = 64;

const KEPT_PLACES: usize = 4;

impl Queue {
    /// Makes a queue that one sender knows.
    pub(crate) fn new(max_bytes: u32) -> Self {
        // Without any room nothing would ever be taken.
        let max_bytes = max_bytes.max(1);
        Self {
            state: Mutex::new(State {
                events: VecDeque::new(),
                n_bytes: 0,
                n_senders: 1,
                is_closed: false,
                reader: None,
            }),
            space: Semaphore::new(usize::try_from(max_bytes).unwrap_or(Semaphore::MAX_PERMITS)),
            end: Semaphore::const_new(0),
            max_bytes,
        }
    }

    // The senders.

    pub(crate) fn try_push(&self, event: Bytes) -> Result<(), SendError> {
        let space = self.space.try_acquire_many(self.charge(&event));
        let space = space.map_err(|error| match error {
            TryAcquireError::NoPermits => SendError::Full,
            TryAcquireError::Closed => SendError::Closed,
        })?;
        self.push(event, space)
    }

    pub(crate) async fn push_when_free(&self, event: Bytes) -> Result<(), SendError> {
        let space = self.space.acquire_many(self.charge(&event)).await;
        self.push(event, space.map_err(|_| SendError::Closed)?)
    }

    fn push(&self, event: Bytes, space: SemaphorePermit<'_>) -> Result<(), SendError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(SendError::Closed);
        }
        space.forget();
        state.n_bytes += event.len();
        state.events.push_back(event);
        let reader = state.reader.take();
        // Woken outside the lock: a waker may run any code.
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Ok(())
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.lock().n_bytes
    }

    pub(crate) fn add_sender(&self) {
        self.lock().n_senders += 1;
    }

    /// The last sender that goes closes the queue.
    pub(crate) fn remove_sender(&self) {
        let mut state = self.lock();
        state.n_senders -= 1;
        if state.n_senders == 0 {
            drop(state);
            self.close();
        }
    }

    /// Takes no more; what is there can still be read.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        self.space.close();
        self.end.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(crate) async fn closed(&self) {
        let never = self.end.acquire().await;
        debug_assert!(never.is_err(), "it has no permits");
    }

    // The body.

    /// Gives the next event; `None` after the last.
    pub(crate) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.lock();
        let Some(event) = state.events.pop_front() else {
            if state.is_closed {
                return Poll::Ready(None);
            }
            state.register(cx);
            return Poll::Pending;
        };
        state.n_bytes -= event.len();
        // A stream is idle most of its time, and then holds no more than a few places.
        if state.events.is_empty() && state.events.capacity() > KEPT_PLACES {
            state.events = VecDeque::new();
        }
        drop(state);
        self.space.add_permits(self.charge(&event) as usize);
        Poll::Ready(Some(event))
    }

    pub(crate) fn is_finished(&self) -> bool {
        let state = self.lock();
        state.is_closed && state.events.is_empty()
    }

    /// Closes it, and drops what nobody will read.
    pub(crate) fn abandon(&self) {
        self.close();
        let mut state = self.lock();
        state.n_bytes = 0;
        let events = std::mem::take(&mut state.events);
        drop(state);
        drop(events);
    }

    /// An event that is longer than the queue takes all of it.
    fn charge(&self, event: &Bytes) -> u32 {
        let charge = event.len().saturating_add(EVENT_BYTES);
        u32::try_from(charge).map_or(self.max_bytes, |charge| charge.min(self.max_bytes))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn register(&mut self, cx: &Context<'_>) {
        if !self
            .reader
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            self.reader = Some(cx.waker().clone());
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

//! Where one request and its answer pass between a connection's handle, the answer's future and the
//! driver.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use http::{Request, Response};

use super::home::Lease;
use crate::body::Incoming;
use crate::error::Error;
use crate::lock::lock;

/// The place that the three share. There is room for one exchange, so nothing queues here.
pub(super) struct Slot<B>(Mutex<State<B>>);

struct State<B> {
    phase: Phase,
    request: Option<Request<B>>,
    answer: Option<Result<Response<Incoming>, Unanswered<B>>>,
    /// Given back when the next request may come.
    lease: Option<Lease<B>>,
    is_handle_gone: bool,
    is_asker_gone: bool,
    handle: Option<Waker>,
    asker: Option<Waker>,
    driver: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The driver would take a request.
    Free,
    /// The driver has one, and owes the answer.
    Asked,
    /// The answer is there, the exchange is not over.
    Answered,
    /// There is no driver any more.
    Closed,
}

/// A request on its way to a driver.
pub(super) struct Job<B> {
    pub(super) request: Request<B>,
    /// The right to use the connection, where it is a pool's.
    pub(super) lease: Option<Lease<B>>,
}

/// Why a request got no response.
pub(super) struct Unanswered<B> {
    pub(super) error: Error,
    /// The request as it was, where nothing of its body was taken and nothing of a response came.
    pub(super) request: Option<Request<B>>,
    /// Whether any byte of it may have reached the server.
    pub(super) is_sent: bool,
}

impl<B> Slot<B> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            phase: Phase::Free,
            request: None,
            answer: None,
            lease: None,
            is_handle_gone: false,
            is_asker_gone: false,
            handle: None,
            asker: None,
            driver: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        lock(&self.0)
    }

    // The handle.

    /// Ready when a request may be put here, or never again.
    pub(super) fn poll_free(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            Poll::Ready(Err(Error::Disconnected))
        } else if state.is_free() {
            Poll::Ready(Ok(()))
        } else {
            register(&mut state.handle, cx);
            Poll::Pending
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.lock().is_free()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().phase == Phase::Closed
    }

    /// Takes a request out of its place; tells whether it did, which is where the driver is free.
    pub(super) fn put(&self, job: &mut Option<Job<B>>) -> bool {
        let mut state = self.lock();
        if !state.is_free() {
            return false;
        }
        if let Some(job) = job.take() {
            state.request = Some(job.request);
            state.lease = job.lease;
            state.is_asker_gone = false;
            wake(&mut state.driver);
        }
        true
    }

    pub(super) fn drop_handle(&self) {
        let mut state = self.lock();
        state.is_handle_gone = true;
        wake(&mut state.driver);
    }

    // The answer's future.

    pub(super) fn poll_answer(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Result<Response<Incoming>, Unanswered<B>>> {
        let mut state = self.lock();
        let Some(answer) = state.answer.take() else {
            register(&mut state.asker, cx);
            return Poll::Pending;
        };
        let lease = state.settle();
        drop(state);
        drop(lease);
        Poll::Ready(answer)
    }

    /// Takes the question back. One that is on its way ends the connection.
    pub(super) fn drop_asker(&self) {
        let mut state = self.lock();
        state.is_asker_gone = true;
        state.asker = None;
        let dropped = (state.request.take(), state.answer.take());
        let lease = state.settle();
        wake(&mut state.driver);
        drop(state);
        // A request and a response may have anything in their bodies.
        drop(dropped);
        drop(lease);
    }

    // The driver.

    /// Lets the driver be woken by what the others do.
    pub(super) fn register_driver(&self, cx: &Context<'_>) {
        register(&mut self.lock().driver, cx);
    }

    pub(super) fn take_request(&self) -> Option<Request<B>> {
        let mut state = self.lock();
        let request = state.request.take()?;
        state.phase = Phase::Asked;
        Some(request)
    }

    pub(super) fn is_handle_gone(&self) -> bool {
        self.lock().is_handle_gone
    }

    pub(super) fn is_asker_gone(&self) -> bool {
        self.lock().is_asker_gone
    }

    pub(super) fn answer(&self, answer: Result<Response<Incoming>, Unanswered<B>>) {
        let mut state = self.lock();
        state.phase = Phase::Answered;
        let unwanted = if state.is_asker_gone {
            Some(answer)
        } else {
            state.answer = Some(answer);
            wake(&mut state.asker);
            None
        };
        drop(state);
        drop(unwanted);
    }

    /// Notes that the driver would take the next request.
    pub(super) fn rest(&self) {
        let mut state = self.lock();
        state.phase = Phase::Free;
        let lease = state.settle();
        drop(state);
        drop(lease);
    }

    /// Notes that the driver is no more. A request that nobody has taken is given back.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return;
        }
        let is_owed = state.phase == Phase::Asked && !state.is_asker_gone;
        let request = state.request.take();
        if request.is_some() || is_owed {
            state.answer = Some(Err(Unanswered {
                error: Error::Disconnected,
                is_sent: request.is_none(),
                request,
            }));
        }
        state.phase = Phase::Closed;
        wake(&mut state.asker);
        wake(&mut state.handle);
        let lease = state.lease.take();
        drop(state);
        drop(lease);
    }
}

impl<B> State<B> {
    fn is_free(&self) -> bool {
        self.phase == Phase::Free && self.request.is_none() && self.answer.is_none()
    }

    /// Lets the next request come, if nothing of the last one is left. The lease is to be dropped
    /// once the lock is open: it reaches for other connections.
    #[must_use]
    fn settle(&mut self) -> Option<Lease<B>> {
        if !self.is_free() {
            return None;
        }
        wake(&mut self.handle);
        self.lease.take()
    }
}

fn register(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *place = Some(cx.waker().clone()),
    }
}

fn wake(place: &mut Option<Waker>) {
    place.take().into_iter().for_each(Waker::wake);
}

//! The body of a request as the service sees it, and the driver's end of it.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::error::Error;
use crate::lock::lock;

/// The body of a request.
///
/// A body that came in one piece with its head is carried inline. Any other is read from the
/// stream as it is polled: a service that does not poll holds the peer back.
///
/// Dropping it before its end lets the driver discard a short rest and close the connection
/// before a long one.
#[derive(Debug, Default)]
pub struct Incoming(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Whole(Bytes),
    Stream(Reader),
}

/// The service's end of a streamed body.
#[derive(Debug)]
struct Reader(Arc<Shared>);

/// The driver's end of a streamed body.
#[derive(Debug)]
pub(crate) struct Feed(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    frames: VecDeque<Bytes>,
    n_buffered: usize,
    /// Bytes that are not fed yet, where the length is known.
    n_left: Option<u64>,
    end: Option<End>,
    /// The service has asked for more than there is.
    is_polled: bool,
    is_reader_gone: bool,
    reader: Option<Waker>,
    driver: Option<Waker>,
}

enum End {
    Trailers(HeaderMap),
    Failed(Error),
    Told,
}

impl Incoming {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }

    /// Makes both ends of a body that is read from the stream.
    pub(crate) fn stream(len: Option<u64>) -> (Feed, Self) {
        let shared = Arc::new(Shared::default());
        shared.lock().n_left = len;
        (
            Feed(Arc::clone(&shared)),
            Self(Kind::Stream(Reader(shared))),
        )
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Stream(reader) => reader.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Whole(_) => false,
            Kind::Stream(reader) => reader.0.lock().is_told(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(reader) => {
                let state = reader.0.lock();
                let n_buffered = state.n_buffered as u64;
                match state.n_left {
                    Some(left) => SizeHint::with_exact(left + n_buffered),
                    None => {
                        let mut hint = SizeHint::new();
                        hint.set_lower(n_buffered);
                        hint
                    }
                }
            }
        }
    }
}

impl Reader {
    fn poll_frame(&self, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.0.lock();
        if let Some(frame) = state.frames.pop_front() {
            let was_enough = state.is_enough();
            state.n_buffered -= frame.len();
            if was_enough && !state.is_enough() {
                state.wake_driver();
            }
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        if let Some(end) = &mut state.end {
            return Poll::Ready(match std::mem::replace(end, End::Told) {
                End::Trailers(trailers) if trailers.is_empty() => None,
                End::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
                End::Failed(error) => Some(Err(error)),
                End::Told => None,
            });
        }
        // The driver is woken once for each new demand: where both ends live in one task, a wake
        // at each poll would never let it rest.
        if !std::mem::replace(&mut state.is_polled, true) {
            state.wake_driver();
        }
        if !state
            .reader
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            state.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_reader_gone = true;
        state.frames.clear();
        state.n_buffered = 0;
        state.wake_driver();
    }
}

/// What the service wants of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// More of it; `is_waiting` tells that the service has used up what there was.
    More {
        /// The service polled and found nothing.
        is_waiting: bool,
    },
    /// Nothing yet: enough is buffered.
    Enough,
    /// Nothing any more: the service dropped it.
    Gone,
}

impl Feed {
    /// A body is read ahead of the service by this much, and one read.
    const BUFFERED_BYTES: usize = 64 << 10;
    /// Pieces shorter than this are copied.
    const COPY_MAX_BYTES: usize = 8 << 10;
    /// What a frame costs beside its content.
    const FRAME_BYTES: usize = 64;

    /// Returns what the service wants; the task is woken when the answer may change.
    pub(crate) fn poll_demand(&self, cx: &Context<'_>) -> Demand {
        let mut state = self.0.lock();
        if state.is_reader_gone {
            return Demand::Gone;
        }
        if !state
            .driver
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            state.driver = Some(cx.waker().clone());
        }
        if state.is_enough() {
            Demand::Enough
        } else {
            Demand::More {
                is_waiting: state.is_polled,
            }
        }
    }

    /// Tells whether as much is buffered as may.
    pub(crate) fn is_enough(&self) -> bool {
        let state = self.0.lock();
        !state.is_reader_gone && state.is_enough()
    }

    /// Tells whether the service has dropped its end.
    pub(crate) fn is_reader_gone(&self) -> bool {
        self.0.lock().is_reader_gone
    }

    /// Hands content to the service. A short piece is copied, so that it does not hold on to the
    /// block that it was read into.
    pub(crate) fn data(&self, bytes: Bytes) {
        let bytes = if bytes.len() < Self::COPY_MAX_BYTES {
            Bytes::copy_from_slice(&bytes)
        } else {
            bytes
        };
        let mut state = self.0.lock();
        if state.is_reader_gone {
            return;
        }
        state.n_buffered += bytes.len();
        state.n_left = state
            .n_left
            .map(|left| left.saturating_sub(bytes.len() as u64));
        state.frames.push_back(bytes);
        state.wake_reader();
    }

    /// Ends the body.
    pub(crate) fn end(self, trailers: HeaderMap) {
        self.0.lock().finish(End::Trailers(trailers));
    }

    /// Ends the body before its time.
    pub(crate) fn fail(self, error: Error) {
        self.0.lock().finish(End::Failed(error));
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        // A body whose end was not told is cut off.
        self.0.lock().finish(End::Failed(Error::Disconnected));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    /// Tells whether no more should be read ahead. Each frame has its price, so that a body of
    /// tiny chunks costs no more than another.
    fn is_enough(&self) -> bool {
        self.n_buffered + self.frames.len() * Feed::FRAME_BYTES >= Feed::BUFFERED_BYTES
    }

    fn is_told(&self) -> bool {
        self.frames.is_empty()
            && match &self.end {
                Some(End::Trailers(trailers)) => trailers.is_empty(),
                Some(End::Told) => true,
                Some(End::Failed(_)) | None => false,
            }
    }

    fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.driver = None;
            self.wake_reader();
        }
    }

    fn wake_driver(&mut self) {
        self.driver.take().into_iter().for_each(Waker::wake);
    }

    fn wake_reader(&mut self) {
        self.is_polled = false;
        self.reader.take().into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

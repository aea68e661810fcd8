//! An exchange that a layer looks at, and leaves to the client as it is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// Hears of one exchange, whose end is its drop: the server has let the response go, or the client
/// left before.
pub trait Observer {
    /// Hears of the response; `None` is an error of the service, which is answered with 500.
    fn answered<B>(&mut self, response: Option<&mut Response<B>>);

    /// Hears of bytes of the body.
    fn sent(&mut self, n_bytes: usize);
}

pin_project! {
    /// The answer of a service whose layer observes it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it ends an exchange that was not answered.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ObservedFuture<F, O> {
        #[pin]
        inner: F,
        observer: Option<O>,
    }
}

impl<F, O> ObservedFuture<F, O> {
    pub(super) fn new(inner: F, observer: O) -> Self {
        Self {
            inner,
            observer: Some(observer),
        }
    }
}

impl<F, O, B, E> Future for ObservedFuture<F, O>
where
    F: Future<Output = Result<Response<B>, E>>,
    O: Observer,
{
    type Output = Result<Response<ObservedBody<B, O>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        let mut observer = this.observer.take();
        if let Some(observer) = &mut observer {
            observer.answered(answer.as_mut().ok());
        }
        Poll::Ready(answer.map(|response| response.map(|inner| ObservedBody { inner, observer })))
    }
}

pin_project! {
    /// The body of such an answer. Its frames are the inner body's own, untouched, so that a
    /// [`FileRegion`](astatine_reactor::FileRegion) still knows the first.
    #[derive(Debug)]
    pub struct ObservedBody<B, O> {
        #[pin]
        inner: B,
        observer: Option<O>,
    }
}

/// The inner body's default, which nobody observes.
impl<B: Default, O> Default for ObservedBody<B, O> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            observer: None,
        }
    }
}

impl<B: Body<Data = Bytes>, O: Observer> Body for ObservedBody<B, O> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(observer)) = (&polled, this.observer) {
            observer.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "observers tell how long a response took"
)]
pub(super) fn clock() -> Instant {
    Instant::now()
}

//! A limit for the time until a response begins.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_layer::Layer;
use tower_service::Service;

use super::or_empty::OrEmpty;

/// Answers for a service that takes too long to begin its response: with 503, and the service's
/// future is dropped.
///
/// The time runs from the call of the service, so reading the request's body counts where the
/// service waits for it, and sending the response's body does not: the limits of
/// [`Config`](crate::Config) watch over those.
///
/// A service that answers at once costs nothing. One that waits takes an entry of tokio's timer
/// for each request, some hundred bytes and a lock of the runtime's; that is why this is a layer
/// and no part of the server. Without tokio's timer around it, a request that waits panics.
///
/// # Spec
///
/// 503 is what a server says that cannot do its work for now (RFC 9110 §15.6.4). 504 is for a
/// gateway whose own request to another server went unanswered (§15.6.5), and here is no other
/// server. 408 says that the client's request came too slowly (§15.5.9): it blames the wrong side,
/// and a client may repeat the request at once, to a server that is slow already.
#[derive(Clone, Copy, Debug)]
pub struct TimeoutLayer {
    limit: Duration,
}

impl TimeoutLayer {
    /// Waits so long for a response to begin.
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout {
            inner,
            limit: self.limit,
        }
    }
}

/// The service of [`TimeoutLayer`].
#[derive(Clone, Debug)]
pub struct Timeout<S> {
    inner: S,
    limit: Duration,
}

impl<S, Q, B> Service<Request<Q>> for Timeout<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<OrEmpty<B>>;
    type Error = S::Error;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        TimeoutFuture {
            inner: Some(self.inner.call(request)),
            sleep: None,
            limit: self.limit,
        }
    }
}

pin_project! {
    /// The answer of [`Timeout`].
    ///
    /// # Cancel safety
    ///
    /// As that of the inner service's future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TimeoutFuture<F> {
        #[pin]
        inner: Option<F>,
        #[pin]
        sleep: Option<Sleep>,
        limit: Duration,
    }
}

impl<F, B, E> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<OrEmpty<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let inner = this.inner.as_mut().as_pin_mut();
        if let Poll::Ready(answer) = inner.expect("it is not polled after its end").poll(cx) {
            return Poll::Ready(answer.map(|response| response.map(OrEmpty::inner)));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep(*this.limit)));
        }
        let sleep = this.sleep.as_mut().as_pin_mut();
        ready!(sleep.expect("it was set").poll(cx));
        this.inner.set(None);
        tracing::debug!(limit = ?this.limit, "service takes too long");
        Poll::Ready(Ok(OrEmpty::answer(StatusCode::SERVICE_UNAVAILABLE)))
    }
}

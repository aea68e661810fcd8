//! A limit for the requests that a service works on at a time.

use std::fmt;
use std::future::Future;
use std::mem;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tower_layer::Layer;
use tower_service::Service;

use super::or_empty::OrEmpty;

/// Lets a service work on so many requests at a time, over all threads and connections; one more
/// is answered with 503 and `Retry-After: 1`, or waits for its turn in a queue of bounded length.
///
/// A request counts until its response's body has given out its last frame, or is dropped: a body
/// that is made while it is sent is work, as is a file until it has left; one that lies in memory
/// is not.
///
/// Clones of the layer, and the services that it makes, share one limit. A request that waits is
/// kept with no more of its body than the server reads ahead; it waits for as long as it takes,
/// unless [`TimeoutLayer`](super::timeout::TimeoutLayer) goes around this one.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimitLayer {
    limit: Arc<Limit>,
}

#[derive(Debug)]
struct Limit {
    places: Arc<Semaphore>,
    max_waiting: usize,
    n_waiting: AtomicUsize,
}

impl ConcurrencyLimitLayer {
    /// Lets `max` requests in at a time, and refuses the others.
    pub fn new(max: NonZeroUsize) -> Self {
        Self::with_queue(max, 0)
    }

    /// Lets `max` requests in at a time, lets `max_waiting` others wait in the order of their
    /// coming, and refuses the rest.
    pub fn with_queue(max: NonZeroUsize, max_waiting: usize) -> Self {
        let n_places = max.get().min(Semaphore::MAX_PERMITS);
        Self {
            limit: Arc::new(Limit {
                places: Arc::new(Semaphore::new(n_places)),
                max_waiting,
                n_waiting: AtomicUsize::new(0),
            }),
        }
    }
}

impl<S> Layer<S> for ConcurrencyLimitLayer {
    type Service = ConcurrencyLimit<S>;

    fn layer(&self, inner: S) -> ConcurrencyLimit<S> {
        ConcurrencyLimit {
            inner,
            limit: Arc::clone(&self.limit),
        }
    }
}

/// The service of [`ConcurrencyLimitLayer`].
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit<S> {
    inner: S,
    limit: Arc<Limit>,
}

impl<S, Q, B> Service<Request<Q>> for ConcurrencyLimit<S>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone,
{
    type Response = Response<LimitedBody<B>>;
    type Error = S::Error;
    type Future = ConcurrencyLimitFuture<S, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let places = Arc::clone(&self.limit.places);
        let state = if let Ok(place) = places.try_acquire_owned() {
            State::Working {
                future: self.inner.call(request),
                place: Some(place),
            }
        } else if let Some(waiting) = Waiting::enter(&self.limit) {
            // The inner service that was found ready goes along; its clone stays.
            let clone = self.inner.clone();
            State::Waiting {
                waiting,
                inner: mem::replace(&mut self.inner, clone),
                request: Some(request),
            }
        } else {
            State::Refused
        };
        ConcurrencyLimitFuture { state }
    }
}

/// A place in the queue. It takes a box, which no request needs that finds its place at once.
struct Waiting {
    place: Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>,
    limit: Arc<Limit>,
}

impl Waiting {
    fn enter(limit: &Arc<Limit>) -> Option<Self> {
        let one_more = |n| (n < limit.max_waiting).then_some(n + 1);
        limit
            .n_waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        Some(Self {
            place: Box::pin(Arc::clone(&limit.places).acquire_owned()),
            limit: Arc::clone(limit),
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.limit.n_waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// The answer of [`ConcurrencyLimit`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives its place, or its turn in the queue, to the next.
    #[must_use = "futures do nothing unless polled"]
    pub struct ConcurrencyLimitFuture<S: Service<Request<Q>>, Q> {
        #[pin]
        state: State<S, Q>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Request<Q>>, Q> {
        Refused,
        Waiting { waiting: Waiting, inner: S, request: Option<Request<Q>> },
        Working { #[pin] future: S::Future, place: Option<OwnedSemaphorePermit> },
    }
}

impl<S, Q, B> Future for ConcurrencyLimitFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Output = Result<Response<LimitedBody<B>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut state = self.as_mut().project().state;
            let next = match state.as_mut().project() {
                StateProjection::Refused => return Poll::Ready(Ok(refusal())),
                StateProjection::Waiting {
                    waiting,
                    inner,
                    request,
                } => {
                    let place = ready!(waiting.place.as_mut().poll(cx));
                    let request = request.take().expect("it waits once");
                    State::Working {
                        future: inner.call(request),
                        place: Some(place.expect("the semaphore is never closed")),
                    }
                }
                StateProjection::Working { future, place } => {
                    let response = ready!(future.poll(cx))?;
                    let place = place.take();
                    return Poll::Ready(Ok(response.map(|body| LimitedBody {
                        inner: OrEmpty::inner(body),
                        place,
                    })));
                }
            };
            state.set(next);
        }
    }
}

fn refusal<B>() -> Response<LimitedBody<B>> {
    let refusal = OrEmpty::answer(StatusCode::SERVICE_UNAVAILABLE);
    let mut refusal = refusal.map(|inner| LimitedBody { inner, place: None });
    refusal
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    refusal
}

impl<S: Service<Request<Q>>, Q> fmt::Debug for ConcurrencyLimitFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyLimitFuture")
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of a response of [`ConcurrencyLimit`]; it keeps the request's place until its last
    /// frame.
    #[derive(Debug)]
    pub struct LimitedBody<B> {
        #[pin]
        inner: OrEmpty<B>,
        place: Option<OwnedSemaphorePermit>,
    }
}

/// No body, and no place.
impl<B> Default for LimitedBody<B> {
    fn default() -> Self {
        Self {
            inner: OrEmpty::default(),
            place: None,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for LimitedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if frame.is_none() || this.inner.is_end_stream() {
            drop(this.place.take());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;

    use http_body_util::{BodyExt, Full};
    use tokio::sync::oneshot;

    use super::*;

    type Answer = oneshot::Sender<()>;

    /// Answers a request when its body, a channel, is told to.
    fn on_demand() -> impl Service<
        Request<oneshot::Receiver<()>>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future = impl Future<Output = Result<Response<Full<Bytes>>, Infallible>>,
    > + Clone {
        tower::service_fn(|request: Request<oneshot::Receiver<()>>| async {
            drop(request.into_body().await);
            Ok(Response::new(Full::from("done")))
        })
    }

    fn request() -> (Answer, Request<oneshot::Receiver<()>>) {
        let (answer, answered) = oneshot::channel();
        (answer, Request::new(answered))
    }

    fn layer(max: usize, max_waiting: usize) -> ConcurrencyLimitLayer {
        ConcurrencyLimitLayer::with_queue(NonZeroUsize::new(max).unwrap(), max_waiting)
    }

    fn is_waiting<F: Future>(future: Pin<&mut F>) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        future.poll(&mut cx).is_pending()
    }

    async fn status<B, F>(future: F) -> u16
    where
        F: Future<Output = Result<Response<B>, Infallible>>,
    {
        future.await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn one_request_too_many_is_refused_and_told_when_to_come_again() {
        let limit = layer(2, 0);
        let (mut one, mut other) = (limit.layer(on_demand()), limit.layer(on_demand()));
        let ((first, request_1), (_second, request_2)) = (request(), request());
        let mut working = pin!(one.call(request_1));
        let mut busy = pin!(other.call(request_2));
        assert!(is_waiting(working.as_mut()) && is_waiting(busy.as_mut()));
        let refused = one.call(request().1).await.unwrap();
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()[RETRY_AFTER], "1");
        assert!(refused.body().is_end_stream());
        assert_eq!(refused.body().size_hint().exact(), Some(0));
        first.send(()).unwrap();
        drop(working.await.unwrap());
        let (third, request_3) = request();
        third.send(()).unwrap();
        assert_eq!(status(other.call(request_3)).await, 200);
    }

    #[tokio::test]
    async fn a_place_is_kept_until_the_last_frame_of_the_body() {
        let mut service = layer(1, 0).layer(on_demand());
        let (answer, first) = request();
        answer.send(()).unwrap();
        let mut response = service.call(first).await.unwrap();
        assert_eq!(status(service.call(request().1)).await, 503);
        let frame = response.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "done");
        let (answer, next) = request();
        answer.send(()).unwrap();
        assert_eq!(status(service.call(next)).await, 200);
    }

    #[tokio::test]
    async fn those_who_wait_are_served_in_their_order_and_the_rest_is_refused() {
        let mut service = layer(1, 2).layer(on_demand());
        let ((answer_1, request_1), (answer_2, request_2)) = (request(), request());
        let (answer_3, request_3) = request();
        let mut first = pin!(service.call(request_1));
        let mut second = pin!(service.call(request_2));
        let mut third = pin!(service.call(request_3));
        assert!(is_waiting(first.as_mut()));
        assert!(is_waiting(second.as_mut()) && is_waiting(third.as_mut()));
        assert_eq!(status(service.call(request().1)).await, 503);
        answer_3.send(()).unwrap();
        answer_1.send(()).unwrap();
        assert_eq!(status(first).await, 200);
        assert!(is_waiting(third.as_mut()), "the second has its place");
        answer_2.send(()).unwrap();
        assert_eq!(status(second).await, 200);
        assert_eq!(status(third).await, 200);
    }

    #[tokio::test]
    async fn who_goes_away_gives_place_and_turn_to_the_next() {
        let mut service = layer(1, 1).layer(on_demand());
        let (_unanswered, request_1) = request();
        let mut first = Box::pin(service.call(request_1));
        let mut second = Box::pin(service.call(request().1));
        assert!(is_waiting(first.as_mut()) && is_waiting(second.as_mut()));
        drop(second);
        let (answer, request_3) = request();
        let mut third = pin!(service.call(request_3));
        assert!(is_waiting(third.as_mut()));
        drop(first);
        answer.send(()).unwrap();
        assert_eq!(status(third).await, 200);
    }
}

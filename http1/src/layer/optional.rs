//! A layer that may be left out, as an operator's options say.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// A layer, or none, decided at run time; for layers that change the type of the response's body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Optional<L>(pub Option<L>);

impl<S, L: Layer<S>> Layer<S> for Optional<L> {
    type Service = Either<L::Service, S>;

    fn layer(&self, inner: S) -> Self::Service {
        match &self.0 {
            Some(layer) => Either::Layered(layer.layer(inner)),
            None => Either::Plain(inner),
        }
    }
}

/// The service of [`Optional`].
#[derive(Clone, Debug)]
pub enum Either<A, P> {
    /// The layer's service.
    Layered(A),
    /// The inner service itself.
    Plain(P),
}

impl<A, P, Q, BA, BP> Service<Request<Q>> for Either<A, P>
where
    A: Service<Request<Q>, Response = Response<BA>>,
    P: Service<Request<Q>, Response = Response<BP>, Error = A::Error>,
{
    type Response = Response<EitherBody<BA, BP>>;
    type Error = A::Error;
    type Future = EitherFuture<A::Future, P::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        match self {
            Self::Layered(service) => service.poll_ready(cx),
            Self::Plain(service) => service.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let side = match self {
            Self::Layered(service) => Side::Layered {
                inner: service.call(request),
            },
            Self::Plain(service) => Side::Plain {
                inner: service.call(request),
            },
        };
        EitherFuture { side }
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = SideProjection]
    enum Side<A, P> {
        Layered { #[pin] inner: A },
        Plain { #[pin] inner: P },
    }
}

pin_project! {
    /// The answer of [`Either`].
    ///
    /// # Cancel safety
    ///
    /// As that of the future inside.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct EitherFuture<A, P> {
        #[pin]
        side: Side<A, P>,
    }
}

impl<A, P, E, BA, BP> Future for EitherFuture<A, P>
where
    A: Future<Output = Result<Response<BA>, E>>,
    P: Future<Output = Result<Response<BP>, E>>,
{
    type Output = Result<Response<EitherBody<BA, BP>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let layered = |inner| EitherBody {
            side: Side::Layered { inner },
        };
        let plain = |inner| EitherBody {
            side: Side::Plain { inner },
        };
        match self.project().side.project() {
            SideProjection::Layered { inner } => inner.poll(cx).map_ok(|r| r.map(layered)),
            SideProjection::Plain { inner } => inner.poll(cx).map_ok(|r| r.map(plain)),
        }
    }
}

pin_project! {
    /// The body of a response of [`Either`]. Frames pass untouched.
    #[derive(Debug)]
    pub struct EitherBody<A, P> {
        #[pin]
        side: Side<A, P>,
    }
}

impl<A, P: Default> Default for EitherBody<A, P> {
    fn default() -> Self {
        Self {
            side: Side::Plain {
                inner: P::default(),
            },
        }
    }
}

impl<A, P> Body for EitherBody<A, P>
where
    A: Body<Data = Bytes>,
    P: Body<Data = Bytes, Error = A::Error>,
{
    type Data = Bytes;
    type Error = A::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, A::Error>>> {
        match self.project().side.project() {
            SideProjection::Layered { inner } => inner.poll_frame(cx),
            SideProjection::Plain { inner } => inner.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.side {
            Side::Layered { inner } => inner.is_end_stream(),
            Side::Plain { inner } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.side {
            Side::Layered { inner } => inner.size_hint(),
            Side::Plain { inner } => inner.size_hint(),
        }
    }
}

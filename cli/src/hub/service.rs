//! The layer that answers what is for the hub, and hands on what is not.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use astatine_http1::Incoming;
use astatine_reactor::{Address, PeerInfo};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Hub;
use super::answer::Answer;
use crate::or_bytes::OrBytes;

/// Answers for the hub, on one connection, before the inner service is asked.
#[derive(Clone)]
pub(crate) struct HubLayer {
    hub: Arc<Hub>,
    remote: Address,
}

impl HubLayer {
    pub(crate) fn new(hub: &Arc<Hub>, peer: &PeerInfo) -> Self {
        Self {
            hub: Arc::clone(hub),
            remote: peer.remote.clone(),
        }
    }
}

impl<S> Layer<S> for HubLayer {
    type Service = HubOr<S>;

    fn layer(&self, inner: S) -> HubOr<S> {
        HubOr {
            layer: self.clone(),
            inner,
        }
    }
}

/// The service of [`HubLayer`].
#[derive(Clone)]
pub(crate) struct HubOr<S> {
    layer: HubLayer,
    inner: S,
}

impl<S, B> Service<Request<Incoming>> for HubOr<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<OrBytes<B>>;
    type Error = S::Error;
    type Future = HubOrFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let HubLayer { hub, remote } = &self.layer;
        if !hub.has(request.uri().path()) {
            let inner = self.inner.call(request);
            return HubOrFuture::Inner { inner };
        }
        let (hub, remote) = (Arc::clone(hub), remote.clone());
        let answer = async move { hub.answer(request, &remote).await };
        HubOrFuture::Hub {
            answer: Box::pin(answer),
        }
    }
}

pin_project! {
    /// The answer of [`HubOr`].
    #[project = HubOrProjection]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) enum HubOrFuture<F> {
        Hub { answer: Pin<Box<dyn Future<Output = Answer>>> },
        Inner { #[pin] inner: F },
    }
}

impl<F, B, E> Future for HubOrFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<OrBytes<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            HubOrProjection::Hub { answer } => {
                Ok(ready!(answer.as_mut().poll(cx)).map(OrBytes::bytes))
            }
            HubOrProjection::Inner { inner } => Ok(ready!(inner.poll(cx))?.map(OrBytes::inner)),
        })
    }
}

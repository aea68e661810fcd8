//! The layer that answers what is for the hub, and hands on what is not.

use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_http1::Incoming;
use astatine_reactor::{Address, PeerInfo};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::Hub;
use crate::or_bytes::{OrBytes, OrBytesFuture};

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
    type Future = OrBytesFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let HubLayer { hub, remote } = &self.layer;
        if !hub.has(request.uri().path()) {
            return OrBytesFuture::inner(self.inner.call(request));
        }
        let (hub, remote) = (Arc::clone(hub), remote.clone());
        OrBytesFuture::made(async move { hub.answer(request, &remote).await })
    }
}

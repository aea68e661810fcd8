//! The layer that answers with pages, and hands on what is none.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::Pages;
use crate::or_bytes::{OrBytes, OrBytesFuture};

/// Answers with pages before the inner service is asked.
#[derive(Clone, Debug)]
pub(crate) struct PagesLayer(pub(crate) Arc<Pages>);

impl<S> Layer<S> for PagesLayer {
    type Service = PageOr<S>;

    fn layer(&self, inner: S) -> PageOr<S> {
        PageOr {
            pages: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service of [`PagesLayer`].
#[derive(Clone, Debug)]
pub(crate) struct PageOr<S> {
    pages: Arc<Pages>,
    inner: S,
}

impl<S, Q, B> Service<Request<Q>> for PageOr<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<OrBytes<B>>;
    type Error = S::Error;
    type Future = OrBytesFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (parts, body) = request.into_parts();
        match self.pages.answer(&parts) {
            Some(page) => OrBytesFuture::ready(page),
            None => OrBytesFuture::inner(self.inner.call(Request::from_parts(parts, body))),
        }
    }
}

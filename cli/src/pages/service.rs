//! The layer that answers with pages, and hands on what is none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Pages;
use crate::or_bytes::OrBytes;

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
    type Future = PageOrFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (parts, body) = request.into_parts();
        match self.pages.answer(&parts) {
            Some(page) => PageOrFuture::Page { page: Some(page) },
            None => PageOrFuture::Inner {
                inner: self.inner.call(Request::from_parts(parts, body)),
            },
        }
    }
}

pin_project! {
    /// The answer of [`PageOr`].
    #[project = PageOrProjection]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) enum PageOrFuture<F> {
        Page { page: Option<Response<Bytes>> },
        Inner { #[pin] inner: F },
    }
}

impl<F, B, E> Future for PageOrFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<OrBytes<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            PageOrProjection::Page { page } => {
                let page = page.take().expect("it is not polled again");
                Ok(page.map(OrBytes::bytes))
            }
            PageOrProjection::Inner { inner } => {
                let response = ready!(inner.poll(cx))?;
                Ok(response.map(OrBytes::inner))
            }
        })
    }
}

//! The layer that answers with pages, and hands on what is none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Pages;

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
    type Response = Response<PageBody<B>>;
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
    type Output = Result<Response<PageBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            PageOrProjection::Page { page } => {
                let page = page.take().expect("it is not polled again");
                Ok(page.map(|text| PageBody::Page { text }))
            }
            PageOrProjection::Inner { inner } => {
                let response = ready!(inner.poll(cx))?;
                Ok(response.map(|inner| PageBody::Inner { inner }))
            }
        })
    }
}

pin_project! {
    /// A page's text, or the inner service's body.
    #[project = PageBodyProjection]
    pub(crate) enum PageBody<B> {
        Page { text: Bytes },
        Inner { #[pin] inner: B },
    }
}

impl<B: Body<Data = Bytes>> Body for PageBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            PageBodyProjection::Page { text } if text.is_empty() => Poll::Ready(None),
            PageBodyProjection::Page { text } => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(text)))))
            }
            PageBodyProjection::Inner { inner } => inner.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Page { text } => text.is_empty(),
            Self::Inner { inner } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Page { text } => SizeHint::with_exact(text.len() as u64),
            Self::Inner { inner } => inner.size_hint(),
        }
    }
}

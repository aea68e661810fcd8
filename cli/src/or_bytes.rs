//! The answer that a layer gives by itself, or that of the service behind it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// Some bytes, or the inner service's body.
    #[project = OrBytesProjection]
    pub(crate) enum OrBytes<B> {
        Bytes { bytes: Bytes },
        Inner { #[pin] inner: B },
    }
}

impl<B> OrBytes<B> {
    pub(crate) fn bytes(bytes: Bytes) -> Self {
        Self::Bytes { bytes }
    }

    pub(crate) fn inner(inner: B) -> Self {
        Self::Inner { inner }
    }
}

impl<B: Body<Data = Bytes>> Body for OrBytes<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            OrBytesProjection::Bytes { bytes } if bytes.is_empty() => Poll::Ready(None),
            OrBytesProjection::Bytes { bytes } => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            OrBytesProjection::Inner { inner } => inner.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes { bytes } => bytes.is_empty(),
            Self::Inner { inner } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Self::Inner { inner } => inner.size_hint(),
        }
    }
}

pin_project! {
    /// An answer that is there, one that is made, or the inner service's.
    #[project = OrBytesFutureProjection]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) enum OrBytesFuture<F> {
        Ready { answer: Option<Response<Bytes>> },
        Made { answer: Pin<Box<dyn Future<Output = Response<Bytes>>>> },
        Inner { #[pin] inner: F },
    }
}

impl<F> OrBytesFuture<F> {
    pub(crate) fn ready(answer: Response<Bytes>) -> Self {
        let answer = Some(answer);
        Self::Ready { answer }
    }

    pub(crate) fn made(answer: impl Future<Output = Response<Bytes>> + 'static) -> Self {
        let answer = Box::pin(answer);
        Self::Made { answer }
    }

    pub(crate) fn inner(inner: F) -> Self {
        Self::Inner { inner }
    }
}

impl<F, B, E> Future for OrBytesFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<OrBytes<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match self.project() {
            OrBytesFutureProjection::Ready { answer } => {
                answer.take().expect("it is not polled again")
            }
            OrBytesFutureProjection::Made { answer } => ready!(answer.as_mut().poll(cx)),
            OrBytesFutureProjection::Inner { inner } => {
                let answer = ready!(inner.poll(cx))?;
                return Poll::Ready(Ok(answer.map(OrBytes::inner)));
            }
        };
        Poll::Ready(Ok(answer.map(OrBytes::bytes)))
    }
}

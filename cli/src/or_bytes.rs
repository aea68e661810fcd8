//! The body of an answer that a layer gave by itself, or that of the service behind it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
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

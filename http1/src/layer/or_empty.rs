//! The body of a response that a layer may give in its service's stead.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of the inner service's response, or none, where the layer has answered itself.
    ///
    /// Frames of the inner body pass untouched, so that a
    /// [`FileRegion`](astatine_reactor::FileRegion) still knows the first.
    #[derive(Debug)]
    pub struct OrEmpty<B> {
        #[pin]
        inner: Option<B>,
    }
}

impl<B> OrEmpty<B> {
    /// Passes the inner body on.
    pub(super) fn inner(body: B) -> Self {
        Self { inner: Some(body) }
    }

    /// Makes the answer of a layer: a status and nothing more.
    pub(super) fn answer(status: StatusCode) -> Response<Self> {
        let mut response = Response::new(Self::default());
        *response.status_mut() = status;
        response
    }
}

/// No body.
impl<B> Default for OrEmpty<B> {
    fn default() -> Self {
        Self { inner: None }
    }
}

impl<B: Body<Data = Bytes>> Body for OrEmpty<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().inner.as_pin_mut() {
            Some(body) => body.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), B::size_hint)
    }
}

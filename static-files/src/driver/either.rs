//! The body of a response that is a file or comes from an inner service.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::body::FileBody;

pin_project! {
    /// The body of a response that is a file or comes from an inner service.
    #[derive(Debug)]
    pub struct FileOrBody<B> {
        #[pin]
        side: Side<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = SideProjection]
    enum Side<B> {
        File { body: FileBody },
        Inner { #[pin] body: B },
    }
}

impl<B> FileOrBody<B> {
    pub(crate) fn file(body: FileBody) -> Self {
        Self {
            side: Side::File { body },
        }
    }

    pub(crate) fn inner(body: B) -> Self {
        Self {
            side: Side::Inner { body },
        }
    }
}

/// A body without bytes.
impl<B> Default for FileOrBody<B> {
    fn default() -> Self {
        Self::file(FileBody::default())
    }
}

impl<B> Body for FileOrBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().side.project() {
            SideProjection::File { body } => Pin::new(body).poll_frame(cx).map_err(Into::into),
            SideProjection::Inner { body } => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.side {
            Side::File { body } => body.is_end_stream(),
            Side::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.side {
            Side::File { body } => body.size_hint(),
            Side::Inner { body } => body.size_hint(),
        }
    }
}

//! A body that comes in the pieces that a test wants, and ends as it wants.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use astatine_sse::EventBody;
use bytes::Bytes;
use http_body::{Body, Frame};

/// How a body ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    InOrder,
    Broken,
    Never,
}

/// A server's stream.
pub(crate) enum Pieces {
    Live(EventBody),
    Scripted(VecDeque<Bytes>, End),
}

impl Pieces {
    pub(crate) fn new<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, end: End) -> Self {
        let pieces = pieces.into_iter().map(Bytes::copy_from_slice);
        Self::Scripted(pieces.collect(), end)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Live(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never: Infallible| match never {}),
            Self::Scripted(pieces, end) => match (pieces.pop_front(), *end) {
                (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                (None, End::InOrder) => Poll::Ready(None),
                (None, End::Broken) => Poll::Ready(Some(Err("broken".into()))),
                (None, End::Never) => Poll::Pending,
            },
        }
    }
}

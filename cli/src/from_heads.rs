//! Serves files from heads as they came: a request is made only where memory has no answer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use astatine_http1::{Head, Incoming, Violation};
use astatine_static_files::{FileFuture, Prewritten, PrewrittenResponse};
use tower_service::Service;

/// The service of `Prewritten`, behind the lower door.
#[derive(Clone, Debug)]
pub(crate) struct FromHeads(pub(crate) Prewritten);

impl Service<(Head, Incoming)> for FromHeads {
    type Response = PrewrittenResponse;
    type Error = Violation;
    type Future = Answering;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Violation>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (head, body): (Head, Incoming)) -> Answering {
        if head.method() == b"GET" {
            if let Some(answer) = self.0.whole(head.target(), head.fields()) {
                return Answering::Files(answer);
            }
        }
        match head.into_request(body) {
            Ok(request) => Answering::Files(self.0.call(request)),
            Err(violation) => Answering::Refused(violation),
        }
    }
}

/// The answer, or what is wrong with the head.
pub(crate) enum Answering {
    Files(FileFuture<PrewrittenResponse>),
    Refused(Violation),
}

impl Future for Answering {
    type Output = Result<PrewrittenResponse, Violation>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Files(answer) => Pin::new(answer)
                .poll(cx)
                .map_err(|never: Infallible| match never {}),
            Self::Refused(violation) => Poll::Ready(Err(*violation)),
        }
    }
}

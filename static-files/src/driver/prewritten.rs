//! The service for a server that stands directly around it: whole files come with field lines.

use std::convert::Infallible;
use std::task::{Context, Poll};

use astatine_reactor::FieldLines;
use http::{Request, Response};
use tower_service::Service;

use super::body::FileBody;
use super::service::{FileFuture, StaticFiles};

/// Answers as [`StaticFiles`] does, but the answer to a GET for a whole file has its fields in lines
/// beside the response, and an empty map: all but Content-Length, which its body tells.
///
/// Lines are written when the file is read, so no request pays for them. A layer would not see
/// them; by its type it can only be put around [`StaticFiles`].
#[derive(Clone, Debug)]
pub struct Prewritten(pub(super) StaticFiles);

/// As [`StaticFiles`].
impl<B> Service<Request<B>> for Prewritten {
    type Response = (Response<FileBody>, FieldLines);
    type Error = Infallible;
    type Future = FileFuture<Self::Response>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.answer(request)
    }
}

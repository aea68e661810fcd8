//! The layer that calls its service with whole bodies.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::Buffered;
use super::intake::Intake;
use crate::layer::OrEmpty;

/// Calls a service once the request's body is whole.
///
/// A body that breaks off is answered with 400, one for which the disk has no room with 507, and
/// one that cannot be kept for another reason with 500; the service is not called then. Files are
/// written and read by the runtime's threads for what blocks, so it needs tokio around it.
#[derive(Clone, Debug)]
pub struct BufferLayer {
    folder: Arc<Path>,
}

impl BufferLayer {
    /// Keeps long bodies in files in the system's folder for these. Where that lies in memory, as
    /// `/tmp` does on some systems, so do the bodies: see [`BufferLayer::in_folder`].
    pub fn new() -> Self {
        Self::in_folder(std::env::temp_dir())
    }

    /// Keeps long bodies in files in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into().into(),
        }
    }
}

impl Default for BufferLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for BufferLayer {
    type Service = Buffer<S>;

    fn layer(&self, inner: S) -> Buffer<S> {
        Buffer {
            inner,
            folder: Arc::clone(&self.folder),
        }
    }
}

/// The service of [`BufferLayer`].
#[derive(Clone, Debug)]
pub struct Buffer<S> {
    inner: S,
    folder: Arc<Path>,
}

impl<S, Q, B> Service<Request<Q>> for Buffer<S>
where
    S: Service<Request<Buffered>, Response = Response<B>> + Clone,
    Q: Body<Data = Bytes>,
    Q::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<OrEmpty<B>>;
    type Error = S::Error;
    type Future = BufferFuture<S, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let state = if request.body().is_end_stream() {
            let request = request.map(|_| Buffered::in_memory(Bytes::new(), None));
            State::Working {
                future: self.inner.call(request),
            }
        } else {
            // The inner service that was found ready goes along; its clone stays.
            let clone = self.inner.clone();
            let inner = mem::replace(&mut self.inner, clone);
            let (parts, body) = request.into_parts();
            State::Receiving {
                body,
                intake: Intake::new(Arc::clone(&self.folder)),
                parts: Some(parts),
                inner,
            }
        };
        BufferFuture { state }
    }
}

pin_project! {
    /// The answer of [`Buffer`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops what has come of the body, its file included.
    #[must_use = "futures do nothing unless polled"]
    pub struct BufferFuture<S: Service<Request<Buffered>>, Q> {
        #[pin]
        state: State<S, Q>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Request<Buffered>>, Q> {
        Receiving { #[pin] body: Q, intake: Intake, parts: Option<Parts>, inner: S },
        Working { #[pin] future: S::Future },
    }
}

impl<S, Q, B> Future for BufferFuture<S, Q>
where
    S: Service<Request<Buffered>, Response = Response<B>>,
    Q: Body<Data = Bytes>,
    Q::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<Response<OrEmpty<B>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut state = self.as_mut().project().state;
            let future = match state.as_mut().project() {
                StateProjection::Working { future } => {
                    return future
                        .poll(cx)
                        .map_ok(|response| response.map(OrEmpty::inner));
                }
                StateProjection::Receiving {
                    body,
                    intake,
                    parts,
                    inner,
                } => match ready!(intake.poll(body, cx)) {
                    Ok(whole) => {
                        let parts = parts.take().expect("the inner service is called once");
                        inner.call(Request::from_parts(parts, whole))
                    }
                    Err(failure) => {
                        let status = failure.answer(intake.folder());
                        return Poll::Ready(Ok(OrEmpty::answer(status)));
                    }
                },
            };
            state.set(State::Working { future });
        }
    }
}

impl<S: Service<Request<Buffered>>, Q> fmt::Debug for BufferFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferFuture").finish_non_exhaustive()
    }
}

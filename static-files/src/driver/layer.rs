//! A layer that answers with a file where there is one, and else asks the inner service.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::answer::{Asked, is_read};
use super::body::FileBody;
use super::either::FileOrBody;
use super::pool::Work;
use super::reach::Reach;
use super::service::{StaticFiles, lost};

/// Puts a folder before a service: a GET or HEAD whose path leads to a file is answered with it,
/// everything else, paths that cannot name a file included, goes to the inner service. A file that
/// is there but cannot be read, or is below a folder that may not be entered, is 403 or 500.
///
/// The folder's fallback page is not used; its pages for statuses are, where a file is there.
#[derive(Clone, Debug)]
pub struct StaticFilesLayer {
    files: StaticFiles,
}

impl StaticFilesLayer {
    /// Puts `files` before whatever the layer is applied to.
    pub fn new(files: StaticFiles) -> Self {
        Self { files }
    }
}

impl<S> Layer<S> for StaticFilesLayer {
    type Service = FileOr<S>;

    fn layer(&self, inner: S) -> FileOr<S> {
        FileOr {
            files: self.files.clone(),
            inner,
        }
    }
}

/// The service of [`StaticFilesLayer`].
#[derive(Clone, Debug)]
pub struct FileOr<S> {
    files: StaticFiles,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for FileOr<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<FileOrBody<R>>;
    type Error = S::Error;
    type Future = FileOrFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = if is_read(request.method()) {
            match self
                .files
                .files()
                .answer_if_found(&Asked::of(&request), Reach::Memory)
            {
                Ok(Some(response)) => State::File {
                    response: Some(response),
                },
                Ok(None) => State::Inner {
                    future: self.inner.call(request),
                },
                Err(_) => self.ask_disk(request),
            }
        } else {
            State::Inner {
                future: self.inner.call(request),
            }
        };
        FileOrFuture { state }
    }
}

impl<S: Clone> FileOr<S> {
    fn ask_disk<B>(&mut self, request: Request<B>) -> State<S, B>
    where
        S: Service<Request<B>>,
    {
        // The inner service that was found ready goes along; its clone stays.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let (parts, body) = request.into_parts();
        let files = Arc::clone(self.files.files());
        let work = self.files.files().pool().run(move || {
            let asked = Asked::of_parts(&parts);
            let response = files.answer_if_found(&asked, Reach::Disk)?;
            Ok((response, parts))
        });
        State::Disk {
            work,
            inner,
            body: Some(body),
        }
    }
}

pin_project! {
    /// The answer of [`FileOr`].
    ///
    /// # Cancel safety
    ///
    /// As that of the inner service's future.
    #[must_use = "futures do nothing unless polled"]
    pub struct FileOrFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Request<B>>, B> {
        File { response: Option<Response<FileBody>> },
        Disk { work: Work<(Option<Response<FileBody>>, Parts)>, inner: S, body: Option<B> },
        Inner { #[pin] future: S::Future },
    }
}

impl<S, B, R> Future for FileOrFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<FileOrBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut state = self.as_mut().project().state;
            let future = match state.as_mut().project() {
                StateProjection::File { response } => {
                    let response = response.take().expect("it is not polled after its end");
                    return Poll::Ready(Ok(response.map(FileOrBody::file)));
                }
                StateProjection::Inner { future } => {
                    return future
                        .poll(cx)
                        .map_ok(|response| response.map(FileOrBody::inner));
                }
                StateProjection::Disk { work, inner, body } => {
                    match ready!(work.as_mut().poll(cx)) {
                        Ok((Some(response), _)) => {
                            return Poll::Ready(Ok(response.map(FileOrBody::file)));
                        }
                        Ok((None, parts)) => {
                            let body = body.take().expect("the inner service is called once");
                            inner.call(Request::from_parts(parts, body))
                        }
                        Err(_) => return Poll::Ready(Ok(lost().map(FileOrBody::file))),
                    }
                }
            };
            state.set(State::Inner { future });
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for FileOrFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileOrFuture").finish_non_exhaustive()
    }
}

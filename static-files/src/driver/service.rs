//! The tower service over a folder.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::answer::Asked;
use super::body::FileBody;
use super::config::Config;
use super::files::{Clock, Files};
use super::kernel;
use super::pool::Work;
use super::prewritten::Prewritten;
use super::reach::Reach;
use super::respond::{self, Answered};

/// Serves the files below a folder. Clones share the folder's cache.
///
/// A request is answered at once, on the thread that asks, when memory has all that is needed:
/// our cache, or the kernel's. Otherwise the disk is read on the runtime's blocking threads.
#[derive(Clone, Debug)]
pub struct StaticFiles(Arc<Files>);

impl StaticFiles {
    /// Serves the folder `root`, which may be a symbolic link and may be replaced at any time;
    /// while it is not there, nothing is found.
    ///
    /// # Errors
    ///
    /// `root` is not a folder that can be opened.
    pub fn new(root: impl AsRef<Path>, config: Config) -> io::Result<Self> {
        Self::assemble(root.as_ref(), config, Box::new(kernel::now))
    }

    /// Serves the folder `root`, telling the age of what is cached by `clock`.
    ///
    /// The clock returns the time since a moment of its choice, and never goes back. It moves in
    /// small steps: a file of more than 64 KiB that was written to is noticed with the next.
    ///
    /// # Errors
    ///
    /// As [`StaticFiles::new`].
    pub fn with_clock(
        root: impl AsRef<Path>,
        config: Config,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::assemble(root.as_ref(), config, Box::new(clock))
    }

    /// Returns the folder's path, absolute.
    pub fn root(&self) -> &Path {
        self.0.root()
    }

    /// Returns the service for a server that takes field lines beside a response, with no layer
    /// in between: it costs less.
    pub fn prewritten(self) -> Prewritten {
        Prewritten(self)
    }

    /// Answers in either form.
    pub(super) fn answer<B, A: Answered + Send + 'static>(
        &self,
        mut request: Request<B>,
    ) -> FileFuture<A> {
        let asked = Asked::of(&request);
        if let Ok(mut answer) = self.0.answer::<A>(&asked, Reach::Memory) {
            answer.take_room(request.headers_mut());
            return FileFuture::ready(answer);
        }
        let (parts, _) = request.into_parts();
        let files = Arc::clone(&self.0);
        FileFuture(State::Disk(
            self.0
                .pool()
                .run(move || files.answer(&Asked::of_parts(&parts), Reach::Disk)),
        ))
    }

    fn assemble(root: &Path, config: Config, clock: Clock) -> io::Result<Self> {
        Ok(Self(Arc::new(Files::new(root, config, clock)?)))
    }

    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.0
    }
}

/// It answers every request: 404 where there is no file, 400 where the path cannot name one, 405
/// for methods other than GET, HEAD and OPTIONS. The request's body is not read.
///
/// # Panics
///
/// The future, when it is polled outside a tokio runtime and needs the disk.
impl<B> Service<Request<B>> for StaticFiles {
    type Response = Response<FileBody>;
    type Error = Infallible;
    type Future = FileFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> FileFuture {
        self.answer(request)
    }
}

/// The answer of [`StaticFiles`], or of [`Prewritten`]: ready at once, unless the disk is needed.
///
/// # Cancel safety
///
/// Dropping it drops the answer; what was read for it stays in the cache.
#[must_use = "futures do nothing unless polled"]
pub struct FileFuture<A = Response<FileBody>>(State<A>);

enum State<A> {
    Ready(Option<A>),
    Disk(Work<A>),
}

impl<A> FileFuture<A> {
    pub(super) fn ready(answer: A) -> Self {
        Self(State::Ready(Some(answer)))
    }
}

impl<A: Answered> Future for FileFuture<A> {
    type Output = Result<A, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(response) => {
                Poll::Ready(Ok(response.take().expect("it is not polled after its end")))
            }
            State::Disk(work) => {
                let answered = ready!(work.as_mut().poll(cx));
                Poll::Ready(Ok(answered.unwrap_or_else(|_| A::other(lost()))))
            }
        }
    }
}

impl<A> fmt::Debug for FileFuture<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "FileFuture(Ready)",
            State::Disk(_) => "FileFuture(Disk)",
        })
    }
}

/// Answers for work that was lost: the runtime is ending.
pub(crate) fn lost() -> Response<FileBody> {
    respond::empty(StatusCode::SERVICE_UNAVAILABLE)
}

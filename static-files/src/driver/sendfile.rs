//! A layer that sends the file which an inner service names in a header of its response.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use astatine_reactor::FileRegion;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderName, LAST_MODIFIED, RANGE, TRANSFER_ENCODING, VARY,
};
use http::response::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::answer::{Asked, is_read};
use super::body::FileBody;
use super::either::FileOrBody;
use super::media_type;
use super::named::{Allowed, Named};
use super::pool::Work;
use super::reach::Reach;
use super::respond;
use super::service::{StaticFiles, lost};
use super::variant::Variant;
use crate::plan::{Encoding, FilePath};

/// Sends files that an inner service names by `X-Sendfile` or `X-Accel-Redirect`, for any method.
///
/// `X-Sendfile` holds the absolute path of a file, `X-Accel-Redirect` a path as in a URL below a
/// prefix. Only files below an allowed folder are sent; for any other name, and for one that
/// does not exist, the answer is 404. Hidden files are sent: who names them means them.
///
/// The inner service's headers stay and go before the file's, but for its validators and all
/// that is about the length. When it answers 200 to a GET or HEAD, preconditions, ranges and
/// encodings are honoured as for any file; for other statuses and methods the whole file is
/// sent. Both headers are removed from every response. A file whose name tells no type has the
/// one of the request's path.
#[derive(Clone, Debug, Default)]
pub struct SendfileLayer {
    allowed: Vec<Allowed>,
}

impl SendfileLayer {
    /// Makes a layer that allows no folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows `X-Sendfile` for the files below a folder.
    #[must_use]
    pub fn allow(mut self, files: StaticFiles) -> Self {
        self.allowed.push(Allowed {
            prefix: None,
            files,
        });
        self
    }

    /// Allows `X-Accel-Redirect` below `prefix`, which stands for the folder, and `X-Sendfile`.
    #[must_use]
    pub fn allow_at(mut self, prefix: &str, files: StaticFiles) -> Self {
        self.allowed.push(Allowed {
            prefix: Some(prefix.trim_matches('/').to_owned()),
            files,
        });
        self
    }
}

impl<S> Layer<S> for SendfileLayer {
    type Service = Sendfile<S>;

    fn layer(&self, inner: S) -> Sendfile<S> {
        Sendfile {
            allowed: self.allowed.as_slice().into(),
            inner,
        }
    }
}

/// The service of [`SendfileLayer`].
#[derive(Clone, Debug)]
pub struct Sendfile<S> {
    allowed: Arc<[Allowed]>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Sendfile<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<FileOrBody<R>>;
    type Error = S::Error;
    type Future = SendfileFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        SendfileFuture {
            allowed: Arc::clone(&self.allowed),
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: negotiating(request.headers()),
            state: State::Inner {
                future: self.inner.call(request),
            },
        }
    }
}

pin_project! {
    /// The answer of [`Sendfile`].
    ///
    /// # Cancel safety
    ///
    /// As that of the inner service's future.
    #[must_use = "futures do nothing unless polled"]
    pub struct SendfileFuture<F> {
        allowed: Arc<[Allowed]>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F },
        Disk { work: Work<Response<FileBody>> },
    }
}

impl<F, R, E> Future for SendfileFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<FileOrBody<R>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        if let StateProjection::Inner { future } = this.state.as_mut().project() {
            let mut response = ready!(future.poll(cx))?;
            let Some(named) = Named::take(response.headers_mut()) else {
                return Poll::Ready(Ok(response.map(FileOrBody::inner)));
            };
            let Some((files, name)) = named.locate(this.allowed) else {
                let response = respond::plain(StatusCode::NOT_FOUND, this.method);
                return Poll::Ready(Ok(response.map(FileOrBody::file)));
            };
            let order = Order {
                files: files.clone(),
                name,
                method: this.method.clone(),
                uri: this.uri.clone(),
                headers: std::mem::take(this.headers),
                parts: response.into_parts().0,
            };
            match order.fill(Reach::Memory) {
                Ok(response) => return Poll::Ready(Ok(response.map(FileOrBody::file))),
                Err(_) => {
                    let pool = files.files().pool();
                    let work = pool.run(move || order.fill(Reach::Disk));
                    this.state.set(State::Disk { work });
                }
            }
        }
        let StateProjection::Disk { work } = this.state.project() else {
            return Poll::Pending;
        };
        let response = ready!(work.as_mut().poll(cx)).unwrap_or_else(|_| lost());
        Poll::Ready(Ok(response.map(FileOrBody::file)))
    }
}

impl<F> fmt::Debug for SendfileFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendfileFuture").finish_non_exhaustive()
    }
}

/// All that it takes to answer with a file that a response named.
struct Order {
    files: StaticFiles,
    name: FilePath,
    method: Method,
    uri: Uri,
    /// The headers of the request.
    headers: HeaderMap,
    /// The response that named the file.
    parts: Parts,
}

impl Order {
    fn fill(&self, reach: Reach) -> io::Result<Response<FileBody>> {
        let files = self.files.files();
        let name = self.name.as_bytes();
        let resource = match files.find_exactly(name, reach) {
            Ok(Some(resource)) => resource,
            Err(error) if reach == Reach::Memory => return Err(error),
            Ok(_) | Err(_) => return Ok(respond::plain(StatusCode::NOT_FOUND, &self.method)),
        };
        let (resource, encoding) = if self.parts.headers.contains_key(CONTENT_ENCODING) {
            (resource, Encoding::Identity)
        } else {
            let asked = Asked {
                method: &self.method,
                uri: &self.uri,
                headers: &self.headers,
            };
            files.negotiate(resource, &asked, reach)?
        };
        let mut variant = resource.variant(encoding).clone();
        self.name_type(&mut variant);
        self.merge_headers(&mut variant);
        let mut response: Response<FileBody> =
            if self.parts.status == StatusCode::OK && is_read(&self.method) {
                let max_ranges = files.config().max_ranges;
                respond::with_variant(&variant, &self.method, &self.headers, max_ranges)
            } else {
                let mut response = respond::whole(&variant, &self.method);
                *response.status_mut() = self.parts.status;
                response
            };
        self.merge_extensions(&mut response);
        Ok(response)
    }

    /// Goes by the request's path where the file's own name tells no type, as it does where
    /// uploads are stored under a number.
    fn name_type(&self, variant: &mut Variant) {
        let overrides = &self.files.files().config().media_types;
        if media_type::known(self.name.as_bytes(), overrides).is_none() {
            if let Some(value) = media_type::known(self.uri.path().as_bytes(), overrides) {
                variant.headers.insert(CONTENT_TYPE, value);
            }
        }
    }

    /// Puts the inner service's headers over the file's.
    fn merge_headers(&self, variant: &mut Variant) {
        for name in self.parts.headers.keys() {
            if OF_THE_FILE.contains(name) {
                continue;
            }
            if *name != VARY {
                variant.headers.remove(name);
            }
            for value in self.parts.headers.get_all(name) {
                variant.headers.append(name, value.clone());
            }
        }
    }

    /// Keeps what the inner service attached, but for the region of a body that is not sent.
    fn merge_extensions(&self, response: &mut Response<FileBody>) {
        let mut extensions = self.parts.extensions.clone();
        extensions.remove::<FileRegion>();
        extensions.extend(std::mem::take(response.extensions_mut()));
        *response.extensions_mut() = extensions;
    }
}

/// Keeps the headers of a request that decide which bytes of a file are sent.
fn negotiating(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, value) in headers {
        if name.as_str().starts_with("if-") || *name == RANGE || *name == ACCEPT_ENCODING {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// The headers that only the file can know.
const OF_THE_FILE: [HeaderName; 6] = [
    ACCEPT_RANGES,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    ETAG,
    LAST_MODIFIED,
    TRANSFER_ENCODING,
];

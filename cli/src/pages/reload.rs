//! The layer that makes a browser load its page again when something has changed.
//!
//! Every page of HTML that passes ends with a script, which listens on a path of its own. Nothing
//! may be kept by browsers, or they would load again what they had.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use astatine_sse::{EventBody, accepts_event_stream, event_stream};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Browsers;

/// Where the script is, and for who asks for an event stream, the stream. No file is served there,
/// since its folder begins with a dot.
const PATH: &str = "/.astatine/reload";

/// The page names its version where it names the script. A page may be put together of several.
const SCRIPT: &[u8] = b"globalThis.astatineReload ??= (shown => {
  const stream = new EventSource('/.astatine/reload');
  stream.onmessage = told => {
    if (told.data !== shown) {
      stream.close();
      location.reload();
    }
  };
  return stream;
})(document.currentScript.src.split('?')[1]);
";

/// Has the browsers of the inner service's pages load them again.
#[derive(Clone, Debug)]
pub(crate) struct ReloadLayer(pub(crate) Browsers);

impl<S> Layer<S> for ReloadLayer {
    type Service = Reload<S>;

    fn layer(&self, inner: S) -> Reload<S> {
        Reload {
            browsers: self.0.clone(),
            inner,
        }
    }
}

/// The service of [`ReloadLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Reload<S> {
    browsers: Browsers,
    inner: S,
}

impl<S, Q, B> Service<Request<Q>> for Reload<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<ReloadBody<B>>;
    type Error = S::Error;
    type Future = ReloadFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        if request.uri().path() == PATH {
            let asks_for_stream = accepts_event_stream(request.headers());
            return ReloadFuture::Own {
                stream: asks_for_stream.then(|| self.browsers.stream()),
            };
        }
        let headers = request.headers_mut();
        for name in [ACCEPT_ENCODING, IF_NONE_MATCH, IF_MODIFIED_SINCE] {
            headers.remove(name);
        }
        ReloadFuture::Inner {
            is_head: request.method() == Method::HEAD,
            tail: tail(&self.browsers.version()),
            inner: self.inner.call(request),
        }
    }
}

/// Returns what a page ends with.
fn tail(version: &str) -> Bytes {
    format!("<script src=\"{PATH}?{version}\"></script>\n").into()
}

pin_project! {
    /// The answer of [`Reload`].
    #[project = ReloadFutureProjection]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) enum ReloadFuture<F> {
        Own { stream: Option<EventBody> },
        Inner { #[pin] inner: F, tail: Bytes, is_head: bool },
    }
}

impl<F, B, E> Future for ReloadFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ReloadBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project() {
            ReloadFutureProjection::Own { stream } => match stream.take() {
                Some(stream) => event_stream(ReloadBody::Stream { stream }),
                None => script(),
            },
            ReloadFutureProjection::Inner {
                inner,
                tail,
                is_head,
            } => {
                let mut response = ready!(inner.poll(cx))?;
                if !lengthen(&mut response, tail.len()) || *is_head {
                    tail.clear();
                }
                let tail = std::mem::take(tail);
                response.map(|inner| ReloadBody::Inner {
                    inner,
                    tail,
                    is_over: false,
                })
            }
        }))
    }
}

fn script<B>() -> Response<ReloadBody<B>> {
    let mut response = Response::new(ReloadBody::Script {
        text: Bytes::from_static(SCRIPT),
    });
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static("text/javascript")),
        (CONTENT_LENGTH, HeaderValue::from(SCRIPT.len())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    response.headers_mut().extend(fields);
    response
}

/// Makes a head that of a response which nobody keeps, and, if it is a whole page, that of one
/// which is longer; tells whether it is.
fn lengthen<B>(response: &mut Response<B>, n_bytes: usize) -> bool {
    let is_part = response.status() == StatusCode::PARTIAL_CONTENT;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_part || !is_page(headers) {
        return false;
    }
    let length = headers.get(CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length + n_bytes as u64));
    }
    // They are those of the file, which is not what is sent.
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    true
}

fn is_page(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

pin_project! {
    /// The script, the stream, or the inner service's body with a tail.
    #[project = ReloadBodyProjection]
    pub(crate) enum ReloadBody<B> {
        Script { text: Bytes },
        Stream { #[pin] stream: EventBody },
        Inner { #[pin] inner: B, tail: Bytes, is_over: bool },
    }
}

impl<B: Body<Data = Bytes>> Body for ReloadBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let rest = match self.project() {
            ReloadBodyProjection::Stream { stream } => {
                return stream.poll_frame(cx).map_err(|never| match never {});
            }
            ReloadBodyProjection::Script { text } => text,
            ReloadBodyProjection::Inner {
                tail,
                is_over: true,
                ..
            } => tail,
            ReloadBodyProjection::Inner {
                inner,
                tail,
                is_over,
            } => {
                let frame = ready!(inner.poll_frame(cx));
                if frame.is_some() {
                    return Poll::Ready(frame);
                }
                *is_over = true;
                tail
            }
        };
        let rest = std::mem::take(rest);
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Script { text } => text.is_empty(),
            Self::Stream { stream } => stream.is_end_stream(),
            Self::Inner {
                inner,
                tail,
                is_over,
            } => tail.is_empty() && (*is_over || inner.is_end_stream()),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Script { text } => SizeHint::with_exact(text.len() as u64),
            Self::Stream { stream } => stream.size_hint(),
            Self::Inner { inner, tail, .. } => {
                let (mut hint, more) = (inner.size_hint(), tail.len() as u64);
                if let Some(upper) = hint.upper() {
                    hint.set_upper(upper + more);
                }
                hint.set_lower(hint.lower() + more);
                hint
            }
        }
    }
}

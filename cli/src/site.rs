//! What answers where no layer does: the files of a folder, the demo's page, or nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_static_files::{FileBody, StaticFiles};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::demo::Demo;
use crate::or_bytes::{OrBytes, OrBytesFuture};

/// What is served.
#[derive(Clone, Debug)]
pub(crate) enum Site {
    Files(StaticFiles),
    Demo(Arc<Demo>),
    Nothing,
}

impl<B> Service<Request<B>> for Site
where
    StaticFiles: Service<Request<B>, Response = Response<FileBody>, Error = Infallible>,
{
    type Response = Response<OrBytes<FileBody>>;
    type Error = Infallible;
    type Future = OrBytesFuture<<StaticFiles as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self {
            Self::Files(files) => files.poll_ready(cx),
            Self::Demo(_) | Self::Nothing => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = match self {
            Self::Files(files) => return OrBytesFuture::inner(files.call(request)),
            Self::Demo(demo) => demo.answer(request.method(), request.uri().path()),
            Self::Nothing => None,
        };
        OrBytesFuture::ready(answer.unwrap_or_else(not_found))
    }
}

fn not_found() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "Not Found\n")
}

/// Answers a method that does not read for a page that is there, as the files do.
pub(crate) fn refuse_method(method: &Method) -> Response<Bytes> {
    let mut answer = if method == Method::OPTIONS {
        let mut answer = Response::default();
        *answer.status_mut() = StatusCode::NO_CONTENT;
        answer
    } else {
        text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
    };
    let allowed = HeaderValue::from_static("GET, HEAD, OPTIONS");
    answer.headers_mut().insert(ALLOW, allowed);
    answer
}

fn text(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(text.as_bytes()));
    *answer.status_mut() = status;
    let fields = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (CONTENT_LENGTH, HeaderValue::from(text.len())),
    ];
    answer.headers_mut().extend(fields);
    answer
}

//! From a plan to a response.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use astatine_reactor::FieldLines;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, LAST_MODIFIED, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};

use super::body::FileBody;
use super::prewritten::PrewrittenResponse;
use super::variant::Variant;
use crate::plan::{Answer, Multipart};

/// The two forms of an answer: with all fields in its map, or with those of a whole file beside it.
pub(crate) trait Answered: Unpin {
    /// Answers with all of a variant, whatever was asked.
    fn whole(variant: &Variant, method: &Method) -> Self;

    /// Takes any other answer.
    fn other(response: Response<FileBody>) -> Self;

    /// Returns the answer but for the fields beside it.
    fn response(&self) -> &Response<FileBody>;

    /// Takes the room of the request's map, if it has a use for it.
    fn take_room(&mut self, _fields: &mut HeaderMap) {}
}

impl Answered for Response<FileBody> {
    fn whole(variant: &Variant, method: &Method) -> Self {
        whole(variant, method)
    }

    fn other(response: Response<FileBody>) -> Self {
        response
    }

    fn response(&self) -> &Response<FileBody> {
        self
    }
}

impl Answered for PrewrittenResponse {
    fn whole(variant: &Variant, method: &Method) -> Self {
        if method == Method::HEAD {
            // The length of the body is not that of the file.
            return Self::other(whole(variant, method));
        }
        let (body, region) = variant.body(0..variant.len());
        (Response::new(body), variant.lines.clone(), region)
    }

    fn other(response: Response<FileBody>) -> Self {
        (response, FieldLines::default(), None)
    }

    fn response(&self) -> &Response<FileBody> {
        &self.0
    }

    /// An empty map with room is what the server needs for its next request.
    fn take_room(&mut self, fields: &mut HeaderMap) {
        if self.0.headers().is_empty() {
            fields.clear();
            std::mem::swap(self.0.headers_mut(), fields);
        }
    }
}

/// Answers a GET or HEAD with a variant, as the request's headers demand.
pub(crate) fn with_variant<A: Answered>(
    variant: &Variant,
    method: &Method,
    headers: &HeaderMap,
    max_ranges: usize,
) -> A {
    let representation = variant.representation();
    match Answer::plan(method, headers, &representation, max_ranges) {
        Answer::Whole => A::whole(variant, method),
        Answer::Part(range) => A::other(part(variant, range)),
        // Content-Encoding would be about the parts' heads, too, so clients could not read them.
        Answer::Parts(_) if variant.headers.contains_key(CONTENT_ENCODING) => {
            A::whole(variant, method)
        }
        Answer::Parts(ranges) => A::other(parts(variant, &ranges)),
        Answer::NotModified => A::other(not_modified(variant)),
        Answer::PreconditionFailed => A::other(empty(StatusCode::PRECONDITION_FAILED)),
        Answer::Unsatisfiable => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            let range = text(format!("bytes */{}", variant.len()));
            response.headers_mut().insert(CONTENT_RANGE, range);
            A::other(response)
        }
    }
}

/// Answers with all of a variant, whatever was asked.
pub(crate) fn whole(variant: &Variant, method: &Method) -> Response<FileBody> {
    let mut response = Response::new(FileBody::default());
    *response.headers_mut() = variant.headers.clone();
    if method != Method::HEAD {
        set_body(&mut response, variant, 0..variant.len());
    }
    response
}

/// Answers with a file in place of a status without one: no validators, no ranges.
pub(crate) fn page(variant: &Variant, method: &Method, status: StatusCode) -> Response<FileBody> {
    let mut response = whole(variant, method);
    *response.status_mut() = status;
    for name in [ACCEPT_RANGES, CACHE_CONTROL, ETAG, LAST_MODIFIED] {
        response.headers_mut().remove(name);
    }
    response
}

/// Answers with a line of text.
pub(crate) fn plain(status: StatusCode, method: &Method) -> Response<FileBody> {
    let body = Bytes::from(format!("{status}\n"));
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    generated(status, method, content_type, body)
}

/// Answers with bytes that are no file.
pub(crate) fn generated(
    status: StatusCode,
    method: &Method,
    content_type: HeaderValue,
    body: Bytes,
) -> Response<FileBody> {
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if method != Method::HEAD {
        *response.body_mut() = FileBody::memory(body);
    }
    response
}

/// Sends the client to the same path with a slash behind it.
///
/// The location is relative, so that it holds below whatever prefix the service is mounted, and
/// starts with `./`, so that no segment can be taken for a scheme or a host.
pub(crate) fn to_folder(uri: &Uri, cache_control: HeaderValue) -> Response<FileBody> {
    let segment = uri.path().rsplit('/').next().unwrap_or_default();
    let location = match uri.query() {
        Some(query) => format!("./{segment}/?{query}"),
        None => format!("./{segment}/"),
    };
    let Ok(location) = HeaderValue::try_from(location) else {
        return empty(StatusCode::BAD_REQUEST);
    };
    let mut response = empty(StatusCode::MOVED_PERMANENTLY);
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, cache_control);
    response
}

/// Answers with a status alone.
pub(crate) fn empty(status: StatusCode) -> Response<FileBody> {
    let mut response = Response::new(FileBody::default());
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

fn part(variant: &Variant, range: Range<u64>) -> Response<FileBody> {
    let mut response = partial(variant, range.end - range.start);
    let (first, last) = (range.start, range.end - 1);
    let content_range = text(format!("bytes {first}-{last}/{}", variant.len()));
    response.headers_mut().insert(CONTENT_RANGE, content_range);
    set_body(&mut response, variant, range);
    response
}

fn set_body(response: &mut Response<FileBody>, variant: &Variant, range: Range<u64>) {
    let (body, region) = variant.body(range);
    *response.body_mut() = body;
    if let Some(region) = region {
        response.extensions_mut().insert(region);
    }
}

fn parts(variant: &Variant, ranges: &[Range<u64>]) -> Response<FileBody> {
    let boundary = boundary();
    let content_type = variant.headers.get(CONTENT_TYPE);
    let content_type = content_type.map_or(&b""[..], HeaderValue::as_bytes);
    let multipart = Multipart::new(&boundary, content_type, ranges, variant.len());
    let mut body = FileBody::default();
    for (head, range) in multipart.heads.into_iter().zip(ranges) {
        body.push_memory(Bytes::from(head));
        variant.append(range.clone(), &mut body);
    }
    body.push_memory(Bytes::from(multipart.end));
    let mut response = partial(variant, multipart.len);
    let content_type = text(format!("multipart/byteranges; boundary={boundary}"));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    *response.body_mut() = body;
    response
}

fn partial(variant: &Variant, len: u64) -> Response<FileBody> {
    let mut response = Response::new(FileBody::default());
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    *response.headers_mut() = variant.headers.clone();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
    response
}

/// RFC 9110 §15.4.5: the headers that steer caches stay, those of the content go.
fn not_modified(variant: &Variant) -> Response<FileBody> {
    let mut response = Response::new(FileBody::default());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = variant.headers.clone();
    for name in [
        ACCEPT_RANGES,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_TYPE,
    ] {
        response.headers_mut().remove(name);
    }
    response
}

/// Makes a boundary that nobody can have put into a file: each state is keyed at random.
fn boundary() -> String {
    let random = || RandomState::new().hash_one(());
    format!("{:016x}{:016x}", random(), random())
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("it was written from ASCII")
}

//! The head of a response that is an event stream.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response};

/// Makes a response of an event stream: 200 with its type, not to be cached, and not to be held
/// back by a proxy that knows `X-Accel-Buffering`, as nginx does.
///
/// # Spec
///
/// WHATWG HTML §9.2.5 and §9.2.8.
pub fn event_stream<B>(body: B) -> Response<B> {
    const FIELDS: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    let mut response = Response::new(body);
    response.headers_mut().extend(FIELDS);
    response
}

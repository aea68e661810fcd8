//! Astatine's http1 on its reactor, on one thread, through its lower door.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use astatine_http1::{Head, Http1, Incoming};
use astatine_peers::{GREETING, plain, serve_astatine, whole};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tower::service_fn;

async fn answer((head, body): (Head, Incoming)) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if head.method() == b"POST" {
        whole(body).await
    } else {
        GREETING
    };
    Ok(plain(body))
}

fn main() -> std::io::Result<()> {
    serve_astatine(|| Http1::new(service_fn(answer)).with_heads())
}

//! axum as its users run it, `axum::serve` over a router, on one thread of tokio.
#![forbid(unsafe_code)]

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use bytes::Bytes;

fn main() -> std::io::Result<()> {
    const PLAIN: [(axum::http::HeaderName, &str); 1] = [(CONTENT_TYPE, "text/plain")];
    let router = Router::new()
        .route("/", get(|| async { (PLAIN, "Hello, World!") }))
        .route("/echo", post(|body: Bytes| async { (PLAIN, body) }));
    astatine_peers::serve_axum(router)
}

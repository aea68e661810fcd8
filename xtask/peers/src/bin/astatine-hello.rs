//! Astatine's http1 on its reactor, on one thread.
#![forbid(unsafe_code)]

use astatine_http1::{Http1, Incoming};
use astatine_peers::{hello, serve_astatine};
use tower::service_fn;

fn main() -> std::io::Result<()> {
    serve_astatine(|| Http1::new(service_fn(hello::<Incoming>)))
}

//! Astatine's http1 on its reactor, on one thread, through its lower door.
#![forbid(unsafe_code)]

use astatine_http1::{Head, Http1, Incoming};
use astatine_peers::{hello, serve_astatine};
use tower::service_fn;

fn main() -> std::io::Result<()> {
    serve_astatine(|| {
        let app =
            service_fn(|(head, body): (Head, Incoming)| hello(head.method() == b"POST", body));
        Http1::new(app).with_heads()
    })
}

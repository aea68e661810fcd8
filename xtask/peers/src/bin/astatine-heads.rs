//! Astatine's http1 on its reactor, on one thread, through its lower door.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::num::NonZeroUsize;

use astatine_http1::{Head, Http1, Incoming};
use astatine_reactor::{Config, Server};
use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt, Full};

async fn answer((head, body): (Head, Incoming)) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if head.method() == b"POST" {
        let body = body.collect().await;
        body.map_or_else(|_| Bytes::new(), |body| body.to_bytes())
    } else {
        Bytes::from_static(b"Hello, World!")
    };
    let mut response = Response::new(Full::new(body));
    let plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    Ok(response)
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.expect("usage: astatine-heads ADDRESS");
    let address = address
        .parse()
        .expect("ADDRESS is an IP address and a port");
    Server::new(Config::default())
        .threads(NonZeroUsize::MIN)
        .listen(address, || {
            Http1::new(tower::service_fn(answer)).with_heads()
        })
        .on_ready(|addresses| println!("ready {}", addresses[0]))
        .run()
}

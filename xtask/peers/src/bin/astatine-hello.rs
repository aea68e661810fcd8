//! Astatine's http1 on its reactor, on a runtime of one thread.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::serve;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.method() == Method::POST {
        let body = request.into_body().collect().await;
        body.map_or_else(|_| Bytes::new(), |body| body.to_bytes())
    } else {
        Bytes::from_static(b"Hello, World!")
    };
    let mut response = Response::new(Full::new(body));
    let plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    Ok(response)
}

async fn run(address: String) -> std::io::Result<()> {
    let listener = TcpListener::bind(&address).await?;
    println!("ready {address}");
    serve(listener, Http1::new(tower::service_fn(answer))).await
}

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .expect("usage: astatine-hello ADDRESS");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(address))
}

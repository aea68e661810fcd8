//! Astatine's http1 on its reactor, on a runtime of one thread.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::net::SocketAddr;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::serve;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpSocket;

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

async fn run(address: SocketAddr) -> std::io::Result<()> {
    // Its queue is as long as that of a `Server`: the bench connects by the thousand.
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(4096)?;
    println!("ready {address}");
    serve(listener, Http1::new(tower::service_fn(answer))).await
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.expect("usage: astatine-hello ADDRESS");
    let address = address
        .parse()
        .expect("ADDRESS is an IP address and a port");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(address))
}

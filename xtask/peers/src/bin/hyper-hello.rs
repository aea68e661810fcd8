//! hyper 1 as its users run it: one thread of tokio, a task a connection. `pipeline_flush` is on,
//! which is hyper's best setting for pipelined requests and costs nothing elsewhere.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
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

async fn serve(address: String) -> std::io::Result<()> {
    let listener = TcpListener::bind(&address).await?;
    println!("ready {address}");
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(
            http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer)),
        );
    }
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: hyper-hello ADDRESS");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(address))
}

//! What the servers of the bench have in common, so that the file of each tells how it differs.
#![forbid(unsafe_code)]

pub mod epoll;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use astatine_reactor::{Bind, Config, Connection, Server};
use axum::Router;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::net::{TcpListener, TcpStream};
use tower::{BoxError, Service};

/// Returns where to listen: the first argument of each server.
pub fn address() -> SocketAddr {
    let address = std::env::args().nth(1);
    let address = address.expect("the first argument is where to listen");
    address
        .parse()
        .expect("an address is an IP address and a port")
}

/// Serves with Astatine's reactor, on one thread.
pub fn serve_astatine<M, S>(make_service: M) -> io::Result<()>
where
    M: Fn() -> S + Send + Sync + 'static,
    S: Service<Connection, Response = ()> + 'static,
    S::Error: Into<BoxError>,
    S::Future: 'static,
{
    Server::new(Config::default())
        .threads(NonZeroUsize::MIN)
        .listen(Bind::Tcp(address()), make_service)
        .on_ready(|addresses| println!("ready {}", addresses[0]))
        .run()
}

/// Serves each connection by a task of its own, on one thread of tokio.
pub fn serve_tasks<F>(serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    run_tokio(async {
        let listener = listen().await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream));
        }
    })
}

/// Serves a router with `axum::serve`, on one thread of tokio.
pub fn serve_axum(router: Router) -> io::Result<()> {
    run_tokio(async {
        let listener = listen().await?.tap_io(|stream| {
            stream
                .set_nodelay(true)
                .expect("a live socket takes NODELAY");
        });
        axum::serve(listener, router).await
    })
}

async fn listen() -> io::Result<TcpListener> {
    let address = address();
    let listener = TcpListener::bind(address).await?;
    println!("ready {address}");
    Ok(listener)
}

fn run_tokio(serve: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve)
}

/// What a GET is answered with.
pub const GREETING: Bytes = Bytes::from_static(b"Hello, World!");

/// Answers a GET with a greeting, and a POST with its body.
pub async fn hello<B: Body>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.method() == Method::POST {
        whole(request.into_body()).await
    } else {
        GREETING
    };
    Ok(plain(body))
}

/// Returns all of a body, nothing if it breaks off.
pub async fn whole(body: impl Body) -> Bytes {
    let body = body.collect().await;
    body.map_or_else(|_| Bytes::new(), |body| body.to_bytes())
}

/// Returns a response of plain text.
pub fn plain(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

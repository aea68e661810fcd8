//! axum as its users run it, `axum::serve` over a router, on one thread of tokio.
#![forbid(unsafe_code)]

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use tokio::net::TcpListener;

async fn serve(address: String) -> std::io::Result<()> {
    const PLAIN: [(axum::http::HeaderName, &str); 1] = [(CONTENT_TYPE, "text/plain")];
    let router = Router::new()
        .route("/", get(|| async { (PLAIN, "Hello, World!") }))
        .route("/echo", post(|body: Bytes| async { (PLAIN, body) }));
    let listener = TcpListener::bind(&address).await?.tap_io(|stream| {
        stream
            .set_nodelay(true)
            .expect("a live socket takes NODELAY");
    });
    println!("ready {address}");
    axum::serve(listener, router).await
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: axum-hello ADDRESS");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(address))
}

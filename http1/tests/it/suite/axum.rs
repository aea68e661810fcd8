//! An unchanged axum router with tower-http layers, served by this crate.

use std::net::SocketAddr;

use astatine_http1::Http1;
use astatine_reactor::{Address, PeerInfo, Phase, Shutdown, serve};
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::{HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::client::faulty;

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/long", get(|| async { "long ".repeat(1000) }))
        .route("/echo", post(|body: String| async { body }))
        .route(
            "/who",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-layer"),
            HeaderValue::from_static("seen"),
        ))
}

/// Adds the peer's address, as axum's own `into_make_service_with_connect_info` does.
fn with_connect_info(peer: &PeerInfo) -> Router {
    match peer.remote {
        Address::Tcp(address) => router().layer(Extension(ConnectInfo(address))),
        _ => router(),
    }
}

async fn ask(request: &str) -> (SocketAddr, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let server = serve(
        listener,
        Http1::per_connection(with_connect_info).map_request(faulty),
    );
    let server = tokio::spawn(server.with_shutdown(shutdown.clone()).into_future());
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    let near = client.local_addr().unwrap();
    drop(client);
    shutdown.advance(Phase::Draining);
    server.await.unwrap().unwrap();
    (near, answer)
}

#[tokio::test]
async fn a_route_answers_through_its_layers() {
    let (_, answer) = ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("x-layer: seen\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn a_body_reaches_an_extractor() {
    let request = "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
                   Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (_, answer) = ask(request).await;
    assert!(answer.ends_with(b"\r\n\r\nabc"));
}

#[tokio::test]
async fn a_compression_layer_replaces_the_body() {
    let request =
        "GET /long HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    let (_, answer) = ask(request).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("content-encoding: gzip\r\n"), "{text}");
    assert!(text.contains("transfer-encoding: chunked\r\n"), "{text}");
    assert!(answer.len() < 1000, "{} bytes", answer.len());
}

#[tokio::test]
async fn connect_info_is_given_by_a_small_layer() {
    let (peer, answer) = ask("GET /who HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(
        String::from_utf8(answer)
            .unwrap()
            .ends_with(&format!("\r\n\r\n{peer}"))
    );
}

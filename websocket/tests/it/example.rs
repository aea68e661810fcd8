//! The examples, over real sockets.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;

use astatine_websocket::Config;
use astatine_websocket::client::Client;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[path = "../../examples/client.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod client;
#[path = "../../examples/echo.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
pub(crate) mod echo;
#[path = "../../examples/framed.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod framed;
#[path = "../../examples/hyper_upgrade.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod hyper_upgrade;

/// Serves the echo until the test ends.
async fn echo_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(Config::default());
    let service = tower::service_fn(move |connection| echo::serve(connection, Arc::clone(&config)));
    drop(tokio::spawn(
        astatine_reactor::serve(listener, service).into_future(),
    ));
    address
}

async fn exchange(sent: &[u8]) -> Vec<u8> {
    let mut client = TcpStream::connect(echo_address().await).await.unwrap();
    client.write_all(sent).await.unwrap();
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    received
}

#[tokio::test]
async fn the_example_echoes_what_came_with_the_handshake_and_answers_the_close() {
    let mut sent = b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    sent.extend_from_slice(b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xe8");
    let received = exchange(&sent).await;
    let head_len = received
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let (head, frames) = received.split_at(head_len);
    let head = std::str::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    assert_eq!(frames, b"\x81\x02hi\x88\x02\x03\xe8");
}

#[tokio::test]
async fn the_example_refuses_what_is_no_websocket() {
    let received = exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(received.starts_with(b"HTTP/1.1 426 "), "{received:?}");
}

#[tokio::test]
async fn the_client_is_answered_six_times() {
    let url = format!("ws://{}", echo_address().await);
    let mut answers = Vec::new();
    let print = |answer: &str| answers.push(answer.to_owned());
    client::talk(&url, print).await.unwrap();
    assert_eq!(answers, ["one", "two", "three", "four", "five", "six"]);
}

#[tokio::test]
async fn the_codec_in_a_frame_is_answered() {
    let url = format!("ws://{}", echo_address().await);
    let answer = framed::ask(&url, String::from("grüße")).await.unwrap();
    assert_eq!(answer, "grüße");
}

#[tokio::test]
async fn hyper_hands_over_connections_that_are_compressed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = hyper_upgrade::router();
    drop(tokio::spawn(axum::serve(listener, router).into_future()));
    let url = format!("ws://{address}/echo");
    let request = Request::get(&url).body(()).unwrap();
    let opened = Client::default().connect(request).await.unwrap();
    assert!(opened.agreed.deflate.is_some());
    client::talk(&url, |_| {}).await.unwrap();
    let mut websocket = opened.into_websocket();
    let long = "abcd ".repeat(10_000);
    websocket.send(long.clone()).await.unwrap();
    let echoed = websocket.next().await.unwrap().unwrap();
    assert_eq!(echoed.as_text(), Some(&*long));

    let mut plain = TcpStream::connect(address).await.unwrap();
    let request = b"GET /echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    plain.write_all(request).await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

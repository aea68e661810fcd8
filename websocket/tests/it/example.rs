//! The echo example, over real sockets.

use std::future::IntoFuture;
use std::sync::Arc;

use astatine_websocket::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[path = "../../examples/echo.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
pub(crate) mod echo;

async fn exchange(sent: &[u8]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(Config::default());
    let service = tower::service_fn(move |connection| echo::serve(connection, Arc::clone(&config)));
    let server = tokio::spawn(astatine_reactor::serve(listener, service).into_future());
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(sent).await.unwrap();
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    server.abort();
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

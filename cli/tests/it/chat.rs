//! The example: one chat over WebSockets, event streams and plain requests.

use std::future::IntoFuture;
use std::net::SocketAddr;

use astatine_http1::Http1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[path = "../../examples/chat.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod example;

pub(crate) const WEBSOCKET: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http1 = Http1::new(example::router());
    drop(tokio::spawn(
        astatine_reactor::serve(listener, http1).into_future(),
    ));
    address
}

/// A connection, and what came on it.
pub(crate) struct Guest {
    stream: TcpStream,
    heard: String,
}

impl Guest {
    pub(crate) async fn ask(address: SocketAddr, request: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let heard = String::new();
        let mut guest = Self { stream, heard };
        guest.send(format!("{request}\r\n").as_bytes()).await;
        guest
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads until something was heard.
    pub(crate) async fn hears(&mut self, text: &str) {
        while !self.heard.contains(text) {
            let mut buffer = [0; 1000];
            let n_read = self.stream.read(&mut buffer).await.unwrap();
            assert_ne!(n_read, 0, "{text:?} is not in {:?}", self.heard);
            self.heard += &String::from_utf8_lossy(&buffer[..n_read]);
        }
    }
}

#[tokio::test]
async fn each_hears_all_by_its_own_protocol() {
    let address = start().await;
    let stream = "GET /chat HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n";
    let mut listener = Guest::ask(address, stream).await;
    listener.hears("content-type: text/event-stream").await;
    listener.hears("data: * guest ").await;
    let mut talker = Guest::ask(address, WEBSOCKET).await;
    talker.hears("HTTP/1.1 101 ").await;
    talker.hears(" comes").await;
    talker.send(b"\x81\x82\0\0\0\0hi").await;
    let request = "POST /chat HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let mut poster = Guest::ask(address, request).await;
    poster.hears("HTTP/1.1 204 ").await;
    for guest in [&mut listener, &mut talker] {
        guest.hears(": hi").await;
        guest.hears("somebody: hello").await;
    }
    drop(talker);
    listener.hears(" goes\n\n").await;
}

#[tokio::test]
async fn what_is_no_guest_is_refused() {
    let address = start().await;
    let plain = String::from("GET /chat HTTP/1.1\r\nHost: h\r\n");
    let foreign = format!("{WEBSOCKET}Origin: http://elsewhere\r\n");
    let long = format!(
        "POST /chat HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n{}",
        "x".repeat(5000)
    );
    for (request, status) in [(plain, "426"), (foreign, "403"), (long, "413")] {
        let mut guest = Guest::ask(address, &request).await;
        guest.hears(&format!("HTTP/1.1 {status} ")).await;
    }
}

#[tokio::test]
async fn the_page_talks_to_the_chat() {
    let address = start().await;
    let mut browser = Guest::ask(address, "GET / HTTP/1.1\r\nHost: h\r\n").await;
    browser.hears("content-type: text/html").await;
    browser.hears("new EventSource('/chat')").await;
}

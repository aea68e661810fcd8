//! The example of a protocol behind HTTP, over real sockets.

use std::future::IntoFuture;

use astatine_http1::Http1;
use astatine_reactor::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;

#[path = "../../examples/upgrade_echo.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod example;

async fn connect() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http1 = Http1::new(service_fn(example::app));
    drop(tokio::spawn(serve(listener, http1).into_future()));
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test]
async fn what_comes_behind_the_request_and_later_is_sent_back() {
    let mut stream = connect().await;
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\n\
        Upgrade: other, Echo\r\n\r\nearly";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"early") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    let head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n";
    assert!(answer.starts_with(head), "{}", answer.escape_ascii());
    assert!(answer.ends_with(b"\r\n\r\nearly"));
    stream.write_all(b"later").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "later");
}

#[tokio::test]
async fn who_asks_for_another_protocol_is_told_which_there_is() {
    for fields in [
        "",
        "Upgrade: echo\r\n",
        "Connection: upgrade\r\nUpgrade: x\r\n",
    ] {
        let mut stream = connect().await;
        let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
        assert!(answer.contains("upgrade: echo\r\n"), "{answer}");
    }
}

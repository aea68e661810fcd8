//! A client leaves HTTP behind and gets the stream.

use astatine_http1::Error;
use astatine_http1::client::{Upgraded, handshake};
use http::{HeaderValue, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower::Service;

use super::peer::{
    Body, PIPE_BYTES, Peer, Speak, data, deaf, empty, frames, get, patient, post, text,
};

const SWITCH: &str = "HTTP/1.1 101 x\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";

fn upgrading(mut request: Request<Body>) -> Request<Body> {
    let echo = HeaderValue::from_static("echo");
    request.headers_mut().insert("upgrade", echo);
    request
}

#[tokio::test]
async fn a_switch_gives_the_stream_and_what_was_read_of_it_once() {
    let mut peer = Peer::connect();
    let answer = format!("{SWITCH}hello");
    let (head, response) = peer.exchange(upgrading(get()), &answer).await;
    assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let upgraded = response.extensions().get::<Upgraded>().unwrap().clone();
    let (mut io, unread) = upgraded.take().unwrap();
    assert!(upgraded.take().is_none());
    let mut got = unread.to_vec();
    while got.len() < 5 {
        io.read_buf(&mut got).await.unwrap();
    }
    assert_eq!(got, b"hello");
    io.write_all(b"over").await.unwrap();
    io.shutdown().await.unwrap();
    assert_eq!(peer.stream.read_all().await, "over");
    peer.driver.await.unwrap();
    assert!(peer.client.is_closed());
}

#[tokio::test]
async fn the_next_protocol_begins_behind_the_request() {
    let mut peer = Peer::connect();
    let (sender, body) = frames();
    let response = peer.ask(upgrading(post(body)));
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.send(SWITCH).await;
    sender.send(data("abc")).await.unwrap();
    drop(sender);
    let response = response.await.unwrap().unwrap();
    let upgraded = response.extensions().get::<Upgraded>().unwrap().clone();
    let (mut io, _) = upgraded.take().unwrap();
    io.write_all(b"over").await.unwrap();
    let behind = peer.stream.read_until("over").await;
    assert_eq!(behind, "3\r\nabc\r\n0\r\n\r\nover");
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_whole_switches_nothing() {
    let head = "POST / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: echo\r\n";
    // The write fails before the answer is there, or behind it.
    for is_answered_first in [true, false] {
        let (far, near) = duplex(PIPE_BYTES);
        let io = deaf(near, head.len() + 40);
        let mut peer = Peer::over(far, io, patient());
        let (sender, body) = frames();
        let response = peer.ask(upgrading(post(body)));
        peer.stream.read_until("\r\n\r\n").await;
        if is_answered_first {
            peer.stream.send(SWITCH).await;
            sender.send(data("a")).await.unwrap();
        }
        for _ in 0..20 {
            // Nobody takes it once the write has failed.
            if sender.send(data("0123456789")).await.is_err() {
                break;
            }
        }
        sender.closed().await;
        if !is_answered_first {
            peer.stream.send(SWITCH).await;
        }
        let error = response.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_tunnel_is_a_stream_for_another_connection() {
    let mut peer = Peer::connect();
    let connect = Request::connect("h:80").body(empty()).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let (head, response) = peer.exchange(connect, answer).await;
    assert_eq!(head, "CONNECT h:80 HTTP/1.1\r\nhost: h:80\r\n\r\n");
    let response = response.unwrap();
    let upgraded = response.extensions().get::<Upgraded>().unwrap().clone();
    let (io, unread) = upgraded.take().unwrap();
    assert!(unread.is_empty());
    let (client, driver) = handshake(io, patient());
    drop(tokio::spawn(driver));
    let mut inside = Peer { client, ..peer };
    let (_, response) = inside.exchange(get(), super::peer::OK).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_refused_switch_is_an_ordinary_response() {
    let mut peer = Peer::connect();
    for _ in 0..2 {
        let (_, response) = peer.exchange(upgrading(get()), super::peer::OK).await;
        let response = response.unwrap();
        assert!(response.extensions().get::<Upgraded>().is_none());
        assert_eq!(text(response).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_stream_that_nobody_takes_is_closed_with_its_response() {
    let mut peer = Peer::connect();
    let (_, response) = peer.exchange(upgrading(get()), SWITCH).await;
    drop(response.unwrap());
    assert_eq!(peer.stream.read_all().await, "");
    assert!(peer.client.call(get()).await.is_err());
}

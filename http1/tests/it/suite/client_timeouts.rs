//! A client does not wait for ever; time is virtual here.

use std::time::Duration;

use astatine_http1::client::Config;
use astatine_http1::{Error, Violation};
use astatine_reactor::Foreign;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::io::{BufStream, duplex};
use tokio::time::Instant;

use super::client::{check_elapsed, pass};
use super::peer::{OK, PIPE_BYTES, Peer, Speak, frames, get, post, text};

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_come_is_an_error() {
    let mut peer = Peer::with(PIPE_BYTES, Config::default());
    let begun = Instant::now();
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    // A head that drips is no head.
    for octet in "HTTP/1.1 ".chars() {
        peer.stream.send(&octet.to_string()).await;
        pass(Duration::from_secs(1)).await;
    }
    let error = response.await.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::Violation(Violation::HeadTimeout)),
        "{error:?}"
    );
    check_elapsed(begun, 60);
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_begins_the_wait_anew() {
    let mut peer = Peer::with(PIPE_BYTES, Config::default());
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    for _ in 0..3 {
        pass(Duration::from_secs(50)).await;
        peer.stream.send("HTTP/1.1 102 Processing\r\n\r\n").await;
    }
    pass(Duration::from_secs(50)).await;
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_an_error() {
    let mut peer = Peer::with(PIPE_BYTES, Config::default());
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na";
    let (_, response) = peer.exchange(get(), begun).await;
    let mut body = response.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    pass(Duration::from_secs(50)).await;
    peer.stream.send("b").await;
    body.frame().await.unwrap().unwrap();
    let begun = Instant::now();
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::Violation(Violation::BodyTooSlow)),
        "{error:?}"
    );
    check_elapsed(begun, 60);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_takes_their_time_is_not_hurried() {
    let mut peer = Peer::with(PIPE_BYTES, Config::default());
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    peer.stream.read_until("\r\n\r\n").await;
    pass(Duration::from_secs(3600)).await;
    drop(sender);
    peer.stream.read_until("0\r\n\r\n").await;
    peer.stream
        .send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        .await;
    peer.stream.send(&"x".repeat(200_000)).await;
    let response = response.await.unwrap().unwrap();
    pass(Duration::from_secs(3600)).await;
    assert_eq!(text(response).await.unwrap().len(), 200_000);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_given_up() {
    let mut peer = Peer::with(1000, Config::default());
    let begun = Instant::now();
    let large = Full::from(Bytes::from(vec![b'x'; 1 << 20]));
    let response = peer.ask(post(large.map_err(|never| match never {}).boxed()));
    let error = response.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::WriteStalled), "{error:?}");
    check_elapsed(begun, 30);
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_keeps_back_is_not_taken() {
    let (far, near) = duplex(10);
    let io = Box::new(Foreign(BufStream::new(near)));
    let mut peer = Peer::over(far, io, Config::default());
    let begun = Instant::now();
    let error = peer.ask(get()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::WriteStalled), "{error:?}");
    check_elapsed(begun, 30);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_taken_whole_is_the_last() {
    let mut peer = Peer::with(1000, Config::default());
    let large = Full::from(Bytes::from(vec![b'x'; 16 << 10]));
    let response = peer.ask(post(large.map_err(|never| match never {}).boxed()));
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    let begun = Instant::now();
    assert!(peer.ready().await.is_err());
    check_elapsed(begun, 30);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_answered_need_not_take_the_rest() {
    let mut peer = Peer::with(1000, Config::default());
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    peer.stream.read_until("\r\n\r\n").await;
    let frame = http_body::Frame::data(Bytes::from(vec![b'x'; 16 << 10]));
    sender.send(Ok(frame)).await.unwrap();
    let begun = Instant::now();
    peer.stream.send("HTTP/1.1 200 OK\r\n\r\n").await;
    let mut body = response.await.unwrap().unwrap().into_body();
    for _ in 0..50 {
        peer.stream.send("a").await;
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "a"
        );
        pass(Duration::from_secs(1)).await;
    }
    sender.closed().await;
    assert!(begun.elapsed() >= Duration::from_secs(30));
    peer.stream.send("b").await;
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "b"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let mut peer = Peer::with(PIPE_BYTES, Config::default());
    let (_, response) = peer.exchange(get(), OK).await;
    text(response.unwrap()).await.unwrap();
    pass(Duration::from_secs(20)).await;
    let (_, response) = peer.exchange(get(), OK).await;
    text(response.unwrap()).await.unwrap();
    let begun = Instant::now();
    assert_eq!(peer.stream.read_all().await, "");
    check_elapsed(begun, 30);
    assert!(peer.ready().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_never_ends_is_no_panic() {
    let mut config = Config::default();
    config.head_timeout = Duration::MAX;
    config.keep_alive_timeout = Duration::MAX;
    let mut peer = Peer::with(1000, config);
    pass(Duration::from_secs(100)).await;
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    pass(Duration::from_secs(100)).await;
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
}

//! Bodies that stream, stop, break off or are not wanted, on the client's side.

use std::io;
use std::time::Duration;

use astatine_http1::{Error, Violation};
use astatine_reactor::Foreign;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream, duplex};
use tokio::time::timeout;

use super::peer::{OK, PIPE_BYTES, Peer, Speak, data, frames, get, patient, post, text};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_body_is_handed_on_as_it_comes() {
    let mut peer = Peer::connect();
    let (_, response) = peer.exchange(get(), CHUNKED).await;
    let mut body = response.unwrap().into_body();
    for text in ["a", "b"] {
        peer.stream.send(&format!("1\r\n{text}\r\n")).await;
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), text);
    }
    peer.stream.send("0\r\n\r\n").await;
    assert!(body.frame().await.is_none());
    peer.ready().await.unwrap();
}

#[tokio::test]
async fn a_body_that_is_not_read_holds_the_server_back() {
    let mut peer = Peer::with(1000, patient());
    let (_, response) = peer.exchange(get(), "HTTP/1.1 200 OK\r\n\r\n").await;
    let body = response.unwrap().into_body();
    let (mut receive, mut send) = tokio::io::split(peer.stream);
    let sender = tokio::spawn(async move {
        let mut n_taken = 0_usize;
        // Nothing but the pipe, and what the body holds at most, is between the two.
        while n_taken < 1 << 20 {
            n_taken += send.write(&[b'x'; 500]).await.unwrap();
            if n_taken > 512 << 10 {
                break;
            }
        }
        send.shutdown().await.unwrap();
        n_taken
    });
    // The driver's turns end, since it has nothing to wait for but the body's reader.
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    assert!(!sender.is_finished());
    let whole = body.collect().await.unwrap().to_bytes();
    assert_eq!(whole.len(), sender.await.unwrap());
    drop(peer.client);
    let mut rest = Vec::new();
    receive.read_to_end(&mut rest).await.unwrap();
}

/// What TLS does, too.
#[tokio::test(start_paused = true)]
async fn a_stream_that_keeps_back_what_it_takes_is_told_to_send_it() {
    let (far, near) = duplex(PIPE_BYTES);
    let io = Box::new(Foreign(BufStream::new(near)));
    let mut peer = Peer::over(far, io, patient());
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    for (piece, end) in [("", "\r\n\r\n"), ("ab", "2\r\nab\r\n"), ("c", "1\r\nc\r\n")] {
        if !piece.is_empty() {
            sender.send(data(piece)).await.unwrap();
        }
        let read = timeout(Duration::from_secs(1), peer.stream.read_until(end));
        read.await.expect("the client has nothing else to write");
    }
    drop(sender);
    peer.stream.read_until("0\r\n\r\n").await;
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    peer.ready().await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_nothing_holds_the_requests_body_back() {
    let mut peer = Peer::with(1000, patient());
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    let feeder = tokio::spawn(async move {
        let mut n_sent = 0;
        for _ in 0..64 {
            let frame = Frame::data(Bytes::from(vec![b'x'; 16 << 10]));
            if sender.send(Ok::<_, io::Error>(frame)).await.is_err() {
                break;
            }
            n_sent += 1;
        }
        n_sent
    });
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    assert!(!feeder.is_finished());
    let read = peer.stream.read_until("\r\n0\r\n\r\n").await;
    assert!(read.len() > 64 * (16 << 10));
    assert_eq!(feeder.await.unwrap(), 64);
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error_of_its_body() {
    for begun in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc".to_owned(),
        format!("{CHUNKED}3\r\nabc\r\n"),
    ] {
        let mut peer = Peer::connect();
        let (_, response) = peer.exchange(get(), &begun).await;
        let mut body = response.unwrap().into_body();
        let mut got = Vec::new();
        while got.len() < 3 {
            got.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(got, b"abc");
        peer.stream.shutdown().await.unwrap();
        let error = body.frame().await.unwrap().unwrap_err();
        assert!(
            matches!(error, Error::Violation(Violation::UnexpectedEof)),
            "{error:?}"
        );
        assert!(body.frame().await.is_none());
        peer.driver.await.unwrap();
    }
}

#[tokio::test]
async fn a_body_that_nothing_else_ends_ends_with_the_stream() {
    let mut peer = Peer::connect();
    let (_, response) = peer.exchange(get(), "HTTP/1.1 200 OK\r\n\r\nabc").await;
    peer.stream.shutdown().await.unwrap();
    assert_eq!(text(response.unwrap()).await.unwrap(), "abc");
    peer.driver.await.unwrap();
}

#[tokio::test]
async fn a_short_rest_that_nobody_wants_is_discarded() {
    let mut peer = Peer::connect();
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";
    let (_, response) = peer.exchange(get(), begun).await;
    drop(response);
    peer.stream.send("cd").await;
    let (_, response) = peer.exchange(get(), OK).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_rest_that_is_long_or_of_unknown_length_is_not_waited_for() {
    for begun in [
        "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\nab".to_owned(),
        format!("{CHUNKED}2\r\nab\r\n"),
        "HTTP/1.1 200 OK\r\n\r\nab".to_owned(),
    ] {
        let mut peer = Peer::connect();
        let (_, response) = peer.exchange(get(), &begun).await;
        drop(response);
        assert_eq!(peer.stream.read_all().await, "");
        peer.driver.await.unwrap();
        assert!(peer.client.is_closed());
    }
}

#[tokio::test]
async fn a_server_that_answers_early_and_closes_is_no_error() {
    let mut peer = Peer::with(1000, patient());
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    let large = Frame::data(Bytes::from(vec![b'x'; 16 << 10]));
    sender.send(Ok(large)).await.unwrap();
    // Of the rest, nothing is read before the exchange is over.
    peer.stream.read_until("xxx").await;
    peer.stream
        .send("HTTP/1.1 413 x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
        .await;
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(response).await.unwrap(), "big");
    // The rest of the body is let go.
    sender.closed().await;
    peer.driver.await.unwrap();
}

#[tokio::test]
async fn a_server_that_closes_without_reading_has_its_answer_read() {
    let mut peer = Peer::connect();
    let (sender, body) = frames();
    let mut request = post(body);
    let length = HeaderValue::from_static("50000");
    request.headers_mut().insert("content-length", length);
    let response = peer.ask(request);
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream
        .send("HTTP/1.1 503 x\r\nContent-Length: 200000\r\n\r\n")
        .await;
    peer.stream.send(&"x".repeat(200_000)).await;
    // Both directions are gone; what was written is still to be read.
    drop(peer.stream);
    let sent = sender.send(data("abc")).await;
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    sender.closed().await;
    assert_eq!(text(response).await.unwrap().len(), 200_000);
    drop(sent);
    peer.driver.await.unwrap();
}

#[tokio::test]
async fn an_early_answer_lets_the_request_go_on() {
    let mut peer = Peer::connect();
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    assert!(!peer.client.is_ready());
    sender.send(data("abc")).await.unwrap();
    drop(sender);
    let rest = peer.stream.read_until("0\r\n\r\n").await;
    assert_eq!(rest, "3\r\nabc\r\n0\r\n\r\n");
    let (_, response) = peer.exchange(get(), OK).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_server_that_ends_behind_its_answer_takes_no_more() {
    let mut peer = Peer::connect();
    let (sender, body) = frames();
    let response = peer.ask(post(body));
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    peer.stream.shutdown().await.unwrap();
    sender.closed().await;
    peer.driver.await.unwrap();
}

/// RFC 9110 §10.1.1.
mod expect {
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::super::client::{check_elapsed, pass};
    use super::*;

    type Sender = mpsc::Sender<io::Result<Frame<Bytes>>>;

    fn ask(
        peer: &mut Peer,
    ) -> (
        Sender,
        tokio::task::JoinHandle<Result<http::Response<astatine_http1::Incoming>, Error>>,
    ) {
        let (sender, body) = frames();
        assert!(!body.is_end_stream());
        let mut request = post(body);
        let expect = HeaderValue::from_static("100-continue");
        request.headers_mut().insert("expect", expect);
        (sender, peer.ask(request))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_leave() {
        let mut peer = Peer::connect();
        let (sender, response) = ask(&mut peer);
        let head = peer.stream.read_until("\r\n\r\n").await;
        assert!(head.contains("\r\nexpect: 100-continue\r\n"), "{head}");
        sender.send(data("abc")).await.unwrap();
        drop(sender);
        pass(Duration::from_millis(400)).await;
        // Nothing has come: a read of the rest would have.
        let mut octet = [0];
        let early = tokio::time::timeout(Duration::ZERO, peer.stream.read(&mut octet));
        assert!(early.await.is_err());
        peer.stream.send("HTTP/1.1 100 Continue\r\n\r\n").await;
        peer.stream.read_until("abc\r\n0\r\n\r\n").await;
        peer.stream.send(OK).await;
        assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_gets_the_body_after_a_while() {
        let mut peer = Peer::connect();
        let (sender, response) = ask(&mut peer);
        peer.stream.read_until("\r\n\r\n").await;
        let begun = Instant::now();
        sender.send(data("abc")).await.unwrap();
        drop(sender);
        peer.stream.read_until("abc\r\n0\r\n\r\n").await;
        check_elapsed(begun, 1);
        peer.stream.send(OK).await;
        assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_spares_the_body_and_ends_the_connection() {
        let mut peer = Peer::connect();
        let (sender, response) = ask(&mut peer);
        peer.stream.read_until("\r\n\r\n").await;
        peer.stream
            .send("HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\nno")
            .await;
        let response = response.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(text(response).await.unwrap(), "no");
        sender.closed().await;
        assert_eq!(peer.stream.read_all().await, "");
    }
}

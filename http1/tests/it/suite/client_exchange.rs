//! A client's requests and responses, one after the other on one connection.

use astatine_http1::{Error, Http1, Misuse, Violation};
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use http::{HeaderValue, Method, Request};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::Service;

use super::client::{echo, faulty};
use super::peer::{
    Body, OK, PIPE_BYTES, Peer, Speak, data, empty, frames, full, get, patient, pipe, post, text,
};

#[tokio::test]
async fn a_connection_is_used_again() {
    let mut peer = Peer::connect();
    for _ in 0..3 {
        let (head, response) = peer.exchange(get(), OK).await;
        assert_eq!(head, "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
        assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_head_and_a_body_of_known_length_are_written_at_once() {
    let mut peer = Peer::connect();
    let response = peer.ask(post(full("hello")));
    let whole = peer.stream.read_until("hello").await;
    assert_eq!(
        whole,
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello"
    );
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_chunked_and_has_trailers() {
    let (sender, body) = frames();
    let mut peer = Peer::connect();
    let response = peer.ask(post(body));
    let head = peer.stream.read_until("\r\n\r\n").await;
    assert!(
        head.ends_with("transfer-encoding: chunked\r\n\r\n"),
        "{head}"
    );
    sender.send(data("abc")).await.unwrap();
    assert_eq!(peer.stream.read_until("\r\nabc\r\n").await, "3\r\nabc\r\n");
    // An empty frame is no last chunk.
    sender.send(data("")).await.unwrap();
    sender.send(data("d")).await.unwrap();
    assert_eq!(peer.stream.read_until("d\r\n").await, "1\r\nd\r\n");
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    sender.send(Ok(Frame::trailers(trailers))).await.unwrap();
    assert_eq!(
        peer.stream.read_until("\r\n\r\n").await,
        "0\r\nx-sum: 1\r\n\r\n"
    );
    peer.stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn chunks_and_trailers_are_read() {
    let mut peer = Peer::connect();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n";
    let (_, response) = peer.exchange(get(), chunked).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "abcde x-sum=1");
    let (_, response) = peer.exchange(get(), OK).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_response_to_head_has_no_body() {
    let mut peer = Peer::connect();
    let head = Request::head("http://h/").body(empty()).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    let (_, response) = peer.exchange(head, answer).await;
    let response = response.unwrap();
    assert_eq!(response.headers()["content-length"], "2");
    assert_eq!(text(response).await.unwrap(), "");
    let (_, response) = peer.exchange(get(), OK).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_connection_is_ready_again_when_the_response_has_been_read() {
    let mut peer = Peer::connect();
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";
    let (_, response) = peer.exchange(get(), begun).await;
    assert!(!peer.client.is_ready());
    let refused = peer.ask(get()).await.unwrap();
    assert!(matches!(refused, Err(Error::Misuse(Misuse::NotReady))));
    peer.stream.send("cd").await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "abcd");
    peer.ready().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_nobody_has_taken_keeps_the_connection() {
    let mut peer = Peer::connect();
    let answer = peer.client.call(get());
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.send(OK).await;
    // The driver has read it by then.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!peer.client.is_ready());
    assert_eq!(text(answer.await.unwrap()).await.unwrap(), "ok");
    assert!(peer.client.is_ready());
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_leaves_the_connection_as_it_was() {
    let mut peer = Peer::connect();
    let mut request = post(full("abc"));
    let wrong = HeaderValue::from_static("2");
    request.headers_mut().insert("content-length", wrong);
    let refused = peer.ask(request).await.unwrap();
    assert!(matches!(refused, Err(Error::Misuse(Misuse::ContentLength))));
    let (head, response) = peer.exchange(get(), OK).await;
    assert_eq!(head, "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_body_that_breaks_its_promise_or_fails_ends_the_connection() {
    let failing = || Err(std::io::Error::other("no more"));
    for (last, misuse) in [
        (None, Misuse::BodyShorterThanDeclared),
        (Some(data("more than that")), Misuse::BodyLongerThanDeclared),
        (Some(failing()), Misuse::BodyFailed),
    ] {
        let mut peer = Peer::connect();
        let (sender, body) = frames();
        let mut request = post(body);
        let length = HeaderValue::from_static("5");
        request.headers_mut().insert("content-length", length);
        let response = peer.ask(request);
        sender.send(data("abc")).await.unwrap();
        if let Some(last) = last {
            sender.send(last).await.unwrap();
        }
        drop(sender);
        let error = response.await.unwrap().unwrap_err();
        assert!(
            matches!(error, Error::Misuse(m) if m == misuse),
            "{error:?}"
        );
        // Whatever has left by then, it is no whole request.
        let whole = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nabc";
        assert!(whole.starts_with(&peer.stream.read_all().await));
        peer.driver.await.unwrap();
    }
}

#[tokio::test]
async fn a_response_that_breaks_a_rule_is_an_error() {
    for (answer, violation) in [
        ("HTTP/1.1 200 OK\nA: b\r\n\r\n", Violation::BareLf),
        ("hello\r\n\r\n", Violation::StatusLine),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Violation::TransferEncoding,
        ),
        ("HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n", Violation::Switch),
    ] {
        let mut peer = Peer::connect();
        let (_, response) = peer.exchange(get(), answer).await;
        let error = response.unwrap_err();
        assert!(
            matches!(error, Error::Violation(v) if v == violation),
            "{error:?}"
        );
        assert!(peer.ready().await.is_err());
        peer.driver.await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_a_response_says_how_far_it_came() {
    let mut peer = Peer::connect();
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.shutdown().await.unwrap();
    let error = response.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Disconnected), "{error:?}");

    let mut peer = Peer::connect();
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    peer.stream.send("HTTP/1.1 2").await;
    peer.stream.shutdown().await.unwrap();
    let error = response.await.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::Violation(Violation::UnexpectedEof)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_closes_between_two_requests_is_no_error() {
    let mut peer = Peer::connect();
    let (_, response) = peer.exchange(get(), OK).await;
    text(response.unwrap()).await.unwrap();
    peer.stream.shutdown().await.unwrap();
    peer.driver.await.unwrap();
    assert!(matches!(
        peer.client.call(get()).await,
        Err(Error::Disconnected)
    ));
}

#[tokio::test]
async fn what_comes_unasked_ends_the_connection() {
    let mut peer = Peer::connect();
    peer.stream
        .send("HTTP/1.1 408 Request Timeout\r\n\r\n")
        .await;
    peer.driver.await.unwrap();
    assert!(peer.client.is_closed());

    let mut peer = Peer::connect();
    let (_, response) = peer.exchange(get(), &[OK, OK].concat()).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
    peer.driver.await.unwrap();
    assert!(peer.client.call(get()).await.is_err());
}

#[tokio::test]
async fn either_side_may_say_that_an_exchange_is_the_last() {
    let mut peer = Peer::connect();
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let (_, response) = peer.exchange(get(), closing).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
    assert_eq!(peer.stream.read_all().await, "");

    let mut peer = Peer::connect();
    let mut request = get();
    let close = HeaderValue::from_static("close");
    request.headers_mut().insert("connection", close);
    let (head, response) = peer.exchange(request, OK).await;
    assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
    assert_eq!(peer.stream.read_all().await, "");
}

#[tokio::test]
async fn interim_responses_are_passed_over() {
    let mut peer = Peer::connect();
    let hints = format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 x\r\n\r\n{OK}");
    let (_, response) = peer.exchange(get(), &hints).await;
    let response = response.unwrap();
    assert!(!response.headers().contains_key("link"));
    assert_eq!(text(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_dropped_answer_ends_the_connection_only_if_the_request_was_sent() {
    let mut peer = Peer::connect();
    drop(peer.client.call(get()));
    let (_, response) = peer.exchange(get(), OK).await;
    text(response.unwrap()).await.unwrap();

    peer.ready().await.unwrap();
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    response.abort();
    assert_eq!(peer.stream.read_all().await, "");
    peer.driver.await.unwrap();
}

#[tokio::test]
async fn a_dropped_handle_lets_the_exchange_under_way_finish() {
    let Peer {
        mut stream,
        mut client,
        driver,
    } = Peer::connect();
    let response = tokio::spawn(client.call(get()));
    stream.read_until("\r\n\r\n").await;
    drop(client);
    stream.send(OK).await;
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    assert_eq!(stream.read_all().await, "");
    driver.await.unwrap();
}

#[tokio::test]
async fn a_dropped_driver_is_an_error_of_whoever_waits() {
    let mut peer = Peer::connect();
    let response = peer.ask(get());
    peer.stream.read_until("\r\n\r\n").await;
    peer.driver.abort();
    let error = response.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Disconnected), "{error:?}");
    assert!(peer.ready().await.is_err());
}

/// Connects a client to this crate's server.
fn connect_to_echo() -> astatine_http1::client::Connection<Body> {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let server = Connection::new(Foreign(far), PeerInfo::default(), Shutdown::new());
    let server = Http1::new(echo()).call(faulty(server));
    drop(tokio::spawn(server));
    let (client, driver) = astatine_http1::client::handshake(Box::new(Foreign(near)), patient());
    drop(tokio::spawn(driver));
    client
}

#[tokio::test]
async fn our_own_server_is_understood() {
    let mut client = connect_to_echo();
    let (sender, body) = frames();
    let mut chunked = post(body);
    let expect = HeaderValue::from_static("100-continue");
    chunked.headers_mut().insert("expect", expect);
    let answer = tokio::spawn(client.call(chunked));
    sender.send(data("abc")).await.unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    sender.send(Ok(Frame::trailers(trailers))).await.unwrap();
    let response = answer.await.unwrap().unwrap();
    assert_eq!(text(response).await.unwrap(), "POST / abc x-sum=1");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        std::future::poll_fn(|cx| client.poll_ready(cx))
            .await
            .unwrap();
        let mut request = post(full("hello"));
        *request.method_mut() = method.clone();
        let response = client.call(request).await.unwrap();
        let expected = format!("{method} / hello");
        assert_eq!(text(response).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_request_is_sent_over_a_stream_that_takes_little() {
    let (mut stream, io) = pipe(7);
    let (mut client, driver) = astatine_http1::client::handshake(io, patient());
    drop(tokio::spawn(driver));
    let response = tokio::spawn(client.call(post(full("a body that is longer than the pipe"))));
    stream.read_until("longer than the pipe").await;
    stream.write_all(OK.as_bytes()).await.unwrap();
    assert_eq!(text(response.await.unwrap().unwrap()).await.unwrap(), "ok");
    drop(client);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}

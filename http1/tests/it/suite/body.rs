//! Bodies that are longer than a read: both ways, with back-pressure both ways.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use astatine_http1::{Error, Incoming};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc::{Receiver, channel};
use tower::service_fn;

use super::client::{Client, echo, last, ok};

/// Gives so many frames of 16 KiB, then trailers, and counts along.
struct Frames {
    n_left: usize,
    n_given: Arc<AtomicUsize>,
    trailers: Option<HeaderMap>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.n_left == 0 {
            return Poll::Ready(
                self.trailers
                    .take()
                    .map(|trailers| Ok(Frame::trailers(trailers))),
            );
        }
        self.n_left -= 1;
        self.n_given.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16 << 10])))))
    }
}

#[tokio::test]
async fn a_streamed_response_is_chunked_and_held_back_by_a_slow_reader() {
    let n_given = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_given);
    let app = service_fn(move |_: Request<Incoming>| {
        let n_given = Arc::clone(&counter);
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        async move {
            Ok::<_, Infallible>(Response::new(Frames {
                n_left: 1000,
                n_given,
                trailers: Some(trailers),
            }))
        }
    });
    let mut client = Client::connect(app);
    client
        .send("GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: close\r\n\r\n")
        .await;
    client.settle().await;
    // The pipe holds 64 frames, the connection 64 KiB more.
    let n_held = n_given.load(Ordering::Relaxed);
    assert!((64..=72).contains(&n_held), "{n_held} frames were taken");
    let answer = client.read_all().await;
    assert!(answer.contains("transfer-encoding: chunked\r\n"));
    assert!(answer.ends_with("\r\n0\r\nx-sum: 1\r\n\r\n"));
    assert_eq!(answer.matches("4000\r\n").count(), 1000);
}

#[tokio::test]
async fn trailers_are_kept_from_a_client_that_did_not_ask() {
    let app = service_fn(|_: Request<Incoming>| async {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        Ok::<_, Infallible>(Response::new(Frames {
            n_left: 1,
            n_given: Arc::default(),
            trailers: Some(trailers),
        }))
    });
    let mut client = Client::connect(app);
    let answer = client
        .ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_long_request_body_reaches_the_service_whole() {
    let app = service_fn(|request: Request<Incoming>| async {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let is_right = body
            .iter()
            .enumerate()
            .all(|(at, byte)| *byte == (at % 251) as u8);
        Ok::<_, Infallible>(Response::new(Full::from(format!(
            "{} {is_right}",
            body.len()
        ))))
    });
    let body: Vec<u8> = (0..3 << 20).map(|at| (at % 251) as u8).collect();
    let mut client = Client::connect(app);
    client
        .send(format!(
            "POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
    client.send(&body).await;
    assert_eq!(client.read_all().await, last("3145728 true"));
}

/// Connects to a service that gives the bodies away and never answers.
fn keeping() -> (Client, Receiver<Incoming>) {
    let (kept, keeps) = channel(1);
    let app = service_fn(move |request: Request<Incoming>| {
        let kept = kept.clone();
        async move {
            kept.send(request.into_body())
                .await
                .expect("the test goes on");
            std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }
    });
    (Client::connect(app), keeps)
}

#[tokio::test]
async fn a_service_that_does_not_read_holds_the_peer_back() {
    let (mut client, mut keeps) = keeping();
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n")
        .await;
    let body = keeps.recv().await.unwrap();
    let mut n_sent = 0;
    loop {
        client.settle().await;
        let write = tokio::io::AsyncWriteExt::write(&mut client.stream, &[0; 64 << 10]);
        tokio::select! {
            biased;
            n = write => n_sent += n.unwrap(),
            () = std::future::ready(()) => break,
        }
    }
    assert!(n_sent < 2 << 20, "{n_sent} bytes were taken");
    let hint = body.size_hint().exact();
    assert_eq!(hint, Some(8_000_000));
}

#[tokio::test]
async fn leave_to_send_the_body_is_given_when_the_service_asks_for_it() {
    let mut client = Client::connect(echo());
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(
        client.read_until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    client.send("abc").await;
    assert_eq!(client.read_until("abc").await, ok("POST / abc"));
}

#[tokio::test]
async fn no_leave_is_given_where_the_service_answers_without_the_body() {
    let app = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::from("no")))
    });
    let mut client = Client::connect(app);
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.read_until("no").await, last("no"));
}

#[tokio::test]
async fn a_short_body_that_nobody_reads_is_discarded_and_the_connection_goes_on() {
    let app = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::from("a")))
    });
    let mut client = Client::connect(app);
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        .await;
    assert_eq!(client.read_until("a").await, ok("a"));
    client.send(vec![b'x'; 100_000]).await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.read_all().await, last("a"));
}

#[tokio::test]
async fn a_long_body_that_nobody_reads_ends_the_connection() {
    let app = service_fn(|request: Request<Incoming>| async {
        drop(request);
        Ok::<_, Infallible>(Response::new(Full::from("a")))
    });
    let mut client = Client::connect(app);
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
        .await;
    assert_eq!(client.read_until("a").await, last("a"));
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_error_of_the_body() {
    let (mut client, mut keeps) = keeping();
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    client.end().await;
    let error = keeps.recv().await.unwrap().collect().await.unwrap_err();
    assert!(matches!(error, Error::Violation(_)), "{error:?}");
    assert!(client.read_all().await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_body_shorter_than_declared_aborts_the_connection() {
    let app = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder()
            .header("content-length", "9")
            .body(Full::from("abc"));
        Ok::<_, Infallible>(response.unwrap())
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let error = (&mut client.server).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Misuse(_)), "{error:?}");
}

#[tokio::test]
async fn an_empty_body_is_no_frame() {
    let app = service_fn(|request: Request<Incoming>| async {
        let mut body = request.into_body();
        let is_end = body.is_end_stream();
        let frame = body.frame().await.is_some();
        Ok::<_, Infallible>(Response::new(Full::from(format!("{is_end} {frame}"))))
    });
    let mut client = Client::connect(app);
    let answer = client
        .ask("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(answer, last("true false"));
}

#[tokio::test]
async fn leave_is_given_before_the_head_of_a_response_that_streams_the_request() {
    let app = service_fn(|request: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let mut client = Client::connect(app);
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
        .await;
    let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n";
    assert_eq!(client.read_until("6\r\n\r\n").await, head);
    client.send("abcdef").await;
    assert_eq!(client.read_until("f").await, "abcdef");
}

#[tokio::test]
async fn tiny_chunks_hold_the_peer_back_as_early_as_large_ones() {
    let (mut client, mut keeps) = keeping();
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    client.send("1\r\na\r\n".repeat(50_000)).await;
    client.settle().await;
    let body = keeps.recv().await.unwrap();
    let n_buffered = body.size_hint().lower();
    assert!(
        (500..20_000).contains(&n_buffered),
        "{n_buffered} chunks were taken"
    );
}

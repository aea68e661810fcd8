//! The limit for the time until a response begins.

use std::convert::Infallible;
use std::time::Duration;

use astatine_http1::Incoming;
use astatine_http1::layer::timeout::TimeoutLayer;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::{Layer, service_fn};

use super::super::client::{Client, ok, pass};

const LIMIT: TimeoutLayer = TimeoutLayer::new(Duration::from_secs(3));

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_too_long_is_dropped_and_answered_for() {
    let (sender, mut dropped) = mpsc::channel::<()>(1);
    let app = service_fn(move |request: Request<Incoming>| {
        let held = sender.clone();
        async move {
            if request.uri() == "/slow" {
                std::future::pending::<()>().await;
            }
            drop(held);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("fast")))
        }
    });
    let mut client = Client::connect(LIMIT.layer(app));
    let begun = Instant::now();
    client
        .send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await;
    let refusal = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let answers = client.read_until("fast").await;
    assert_eq!(answers, format!("{refusal}{}", ok("fast")));
    assert_eq!(begun.elapsed().as_secs(), 3);
    client.end().await;
    (&mut client.server).await.unwrap().unwrap();
    // Every sender is gone, that of the slow call included.
    assert_eq!(dropped.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_its_time_is_not_hurried() {
    let app = service_fn(|request: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let mut client = Client::connect(LIMIT.layer(app));
    client
        .send("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n")
        .await;
    for piece in ["a", "b", "c", "d", "e"] {
        pass(Duration::from_secs(2)).await;
        client.send(piece).await;
    }
    assert!(client.read_all().await.ends_with("\r\n\r\nabcde"));
}

//! Another protocol takes the stream.

use std::convert::Infallible;

use astatine_http1::Incoming;
use astatine_reactor::{Handover, Phase};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::service_fn;

use super::client::Client;

/// Answers with a status and echoes what comes behind it in capitals.
fn shout(status: StatusCode) -> Response<Full<Bytes>> {
    let handover = Handover::new(|mut connection, unread: Bytes| async move {
        let mut bytes = unread.to_vec();
        connection.io.read_to_end(&mut bytes).await.unwrap();
        connection
            .io
            .write_all(&bytes.to_ascii_uppercase())
            .await
            .unwrap();
        connection.io.shutdown().await.unwrap();
    });
    let mut response = Response::builder().status(status);
    if status == StatusCode::SWITCHING_PROTOCOLS {
        response = response
            .header("connection", "upgrade")
            .header("upgrade", "shout");
    }
    response.extension(handover).body(Full::default()).unwrap()
}

async fn ask(status: StatusCode, request: &str) -> String {
    let app =
        service_fn(move |_: Request<Incoming>| async move { Ok::<_, Infallible>(shout(status)) });
    let mut client = Client::connect(app);
    client.send(request).await;
    client.send("def").await;
    client.end().await;
    let answer = client.read_all().await;
    client.server.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn bytes_behind_an_upgrade_reach_the_next_protocol() {
    let request = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nabc";
    assert_eq!(
        ask(StatusCode::SWITCHING_PROTOCOLS, request).await,
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\nABCDEF"
    );
}

/// RFC 9110 §15.2.
#[tokio::test]
async fn a_client_of_http_10_is_never_switched() {
    let request = "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nabc";
    let answer = ask(StatusCode::SWITCHING_PROTOCOLS, request).await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(!answer.contains("ABC"), "{answer}");
}

#[tokio::test]
async fn a_tunnel_has_no_framing() {
    let request = "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nabc";
    assert_eq!(
        ask(StatusCode::OK, request).await,
        "HTTP/1.1 200 OK\r\n\r\nABCDEF"
    );
}

#[tokio::test]
async fn any_other_status_says_that_the_connection_ends() {
    let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\nabc";
    assert_eq!(
        ask(StatusCode::OK, request).await,
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nABCDEF"
    );
}

#[tokio::test]
async fn the_next_protocol_begins_behind_the_request() {
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: upgrade\r\n\
                   Upgrade: shout\r\n\r\nhe";
    let app = service_fn(move |_: Request<Incoming>| async move {
        Ok::<_, Infallible>(shout(StatusCode::SWITCHING_PROTOCOLS))
    });
    let mut client = Client::connect(app);
    client.send(request).await;
    client.read_until("shout\r\n\r\n").await;
    client.send("lloabc").await;
    client.end().await;
    assert_eq!(client.read_all().await, "ABC");
}

#[tokio::test]
async fn a_client_that_waits_for_leave_is_told_to_send_its_body_first() {
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\
                   Connection: upgrade\r\nUpgrade: shout\r\n\r\n";
    let app = service_fn(move |_: Request<Incoming>| async move {
        Ok::<_, Infallible>(shout(StatusCode::SWITCHING_PROTOCOLS))
    });
    let mut client = Client::connect(app);
    client.send(request).await;
    let heads = client.read_until("shout\r\n\r\n").await;
    assert!(
        heads.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 "),
        "{heads}"
    );
    client.send("heabc").await;
    client.end().await;
    assert_eq!(client.read_all().await, "ABC");
}

#[tokio::test]
async fn the_next_protocol_hears_of_a_shutdown() {
    let app = service_fn(|_: Request<Incoming>| async {
        let handover = Handover::new(|mut connection, _unread: Bytes| async move {
            connection.io.write_all(b"here").await.unwrap();
            connection.shutdown.reached(Phase::Draining).await;
            connection.io.write_all(b"gone").await.unwrap();
        });
        let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        response.extension(handover).body(Full::<Bytes>::default())
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_until("here").await;
    client.shutdown.advance(Phase::Draining);
    assert_eq!(client.read_all().await, "gone");
}

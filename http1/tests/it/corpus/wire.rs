//! The corpus through the whole server: what a client reads.

use std::convert::Infallible;

use astatine_http1::{Config, Http1, Incoming};
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower_service::Service;

use super::requests;

#[tokio::test]
async fn every_request_is_answered_with_its_status() {
    let mut faults = Vec::new();
    for case in requests() {
        let answers = answers(&case.stream(), case.config.clone()).await;
        if !case.is_answered_by(&answers) {
            faults.push(format!("{case}: {answers:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Sends a stream and its end, and returns the statuses of the final answers.
async fn answers(stream: &[u8], config: Config) -> Vec<u16> {
    let (mut client, server) = duplex(1 << 20);
    let connection = Connection::new(Foreign(server), PeerInfo::default(), Shutdown::new());
    let serve = Http1::new(tower::service_fn(answer))
        .config(config)
        .call(connection);
    let ask = async {
        client.write_all(stream).await.unwrap();
        client.shutdown().await.unwrap();
        let mut text = Vec::new();
        client.read_to_end(&mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    };
    let (served, text) = tokio::join!(serve, ask);
    // What was refused inside a body is an error of the connection.
    drop(served);
    let lines = text
        .split("\r\n")
        .filter(|line| line.starts_with("HTTP/1.1 "));
    let statuses = lines.map(|line| line[9..12].parse().unwrap());
    statuses.filter(|status| *status >= 200).collect()
}

/// Answers what comes whole.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    if request.into_body().collect().await.is_err() {
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    }
    Ok(response)
}

//! Answers with fields that are written already.

use std::convert::Infallible;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::{FieldLines, Handover};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::service_fn;

use super::client::Client;

const CLOSE: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

fn lines() -> FieldLines {
    FieldLines::new([("etag", &b"\"1\""[..]), ("x", b"y")]).unwrap()
}

/// Returns all that an answer begins with, up to what the server says of itself.
async fn head_of(app: fn() -> Response<Full<Bytes>>) -> String {
    let app =
        move |_: Request<Incoming>| async move { Ok::<_, Infallible>((app(), lines(), None)) };
    let mut client = Client::to(Http1::new(service_fn(app)));
    let answer = client.ask(CLOSE).await;
    let (head, _) = answer.split_once("connection: close").unwrap();
    head.to_owned()
}

#[tokio::test]
async fn they_are_sent_behind_the_fields_of_the_map() {
    let head = head_of(|| {
        let response = Response::builder().header("a", "b").header("x", "z");
        response.body(Full::from("abc")).unwrap()
    });
    assert_eq!(
        head.await,
        "HTTP/1.1 200 OK\r\na: b\r\nx: z\r\netag: \"1\"\r\nx: y\r\ncontent-length: 3\r\n"
    );
}

#[tokio::test]
async fn they_are_sent_where_another_protocol_follows() {
    let head = head_of(|| {
        let response = Response::builder().status(StatusCode::ACCEPTED);
        let handover = Handover::new(|_, _| async {});
        response.extension(handover).body(Full::default()).unwrap()
    });
    assert_eq!(
        head.await,
        "HTTP/1.1 202 Accepted\r\netag: \"1\"\r\nx: y\r\n"
    );
}

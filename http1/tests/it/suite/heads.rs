//! The lower door: an app that takes heads as they came.

use std::convert::Infallible;

use astatine_http1::{Config, Fragments, Head, Http1, Incoming, Violation};
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use tower::service_fn;

use super::client::{Client, last};

/// Answers with what the head says, and the body.
async fn tell((head, body): (Head, Incoming)) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let mut answer = format!("{} {}", text(head.method()), text(head.target()));
    for (name, value) in head.fields() {
        answer += &format!(" {}={}", text(name), text(value));
    }
    answer += &format!(" {:?}", head.field("x-a").map(text));
    answer += &text(&body.collect().await.unwrap().to_bytes());
    Ok(Response::new(Full::from(answer)))
}

#[tokio::test]
async fn a_head_gives_out_its_parts_and_the_body_follows() {
    let mut config = Config::default();
    config.fragments = Fragments::LeftOut;
    let http1 = Http1::new(service_fn(tell)).config(config);
    let mut client = Client::to(http1.with_heads());
    let answer = client
        .ask(
            "POST /a?b#c HTTP/1.1\r\nHost: h\r\nX-A: \t1 2 \r\nConnection: close\r\n\
             Content-Length: 3\r\n\r\nabc",
        )
        .await;
    let expected = "POST /a?b Host=h X-A=1 2 Connection=close Content-Length=3 Some(\"1 2\")abc";
    assert_eq!(answer, last(expected));
}

#[tokio::test]
async fn a_head_becomes_a_request_with_the_targets_authority() {
    let app = service_fn(|(head, body): (Head, Incoming)| async move {
        let request = head.into_request(body).unwrap();
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        Ok::<_, Infallible>(Response::new(Full::from(format!(
            "{host} {}",
            request.uri()
        ))))
    });
    let mut client = Client::to(Http1::new(app).with_heads());
    let answer = client
        .ask("GET http://a/b HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(answer, last("a http://a/b"));
}

#[tokio::test]
async fn a_malformed_head_is_refused_before_the_app() {
    for field in ["a b: c", "a: \u{7f}", "a", " a: b", "Content-Length: x"] {
        let mut client = Client::to(Http1::new(service_fn(tell)).with_heads());
        let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n");
        let answer = client.ask(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{field:?}: {answer}");
    }
}

#[tokio::test]
async fn a_violation_that_the_app_fails_with_is_answered_with_its_status() {
    let app = service_fn(|(_, body): (Head, Incoming)| async move {
        drop(body);
        Err::<Response<Full<Bytes>>, _>(Violation::RequestLineTooLong)
    });
    for request in [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    ] {
        let mut client = Client::to(Http1::new(app).with_heads());
        let answer = client.ask(request).await;
        assert!(answer.starts_with("HTTP/1.1 414 "), "{request:?}: {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

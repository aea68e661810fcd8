//! What is refused gets its status, and the next client is served.

use std::sync::{Arc, Mutex};

use astatine_http1::{Config, Http1, Incoming};
use astatine_reactor::{PeerInfo, Refused};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::io::AsyncReadExt;
use tower::service_fn;

use super::client::{Client, echo, last};

async fn check(request: &str, status: &str) {
    let mut client = Client::connect(echo());
    let tail = "GET /tail HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(format!("{request}{tail}")).await;
    client.end().await;
    let answer = client.read_all().await;
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status}")),
        "{request:?}: {answer}"
    );
    assert!(
        answer.contains("connection: close\r\n"),
        "{request:?}: {answer}"
    );
    assert!(!answer.contains("/tail"), "{request:?}: {answer}");
    client.server.await.unwrap().unwrap();
    let mut next = Client::connect(echo());
    assert_eq!(next.ask("GET / HTTP/1.0\r\n\r\n").await, last("GET / "));
}

#[tokio::test]
async fn a_head_request_is_refused_without_content() {
    for head in [
        "\r\nHEAD / HTTP/1.1",
        "HEAD / HTTP/1.1",
        "HEAD / HTTP/1.1\r\nHost: h\r\nX : a",
    ] {
        let mut client = Client::connect(echo());
        client.send(format!("{head}\r\n\r\n")).await;
        let answer = client.read_all().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn each_smuggling_shape_is_answered_with_400_and_the_connection_closed() {
    for fields in [
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked\r\n folded",
        "Content-Length : 3",
        "X: a\rb",
    ] {
        check(
            &format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n"),
            "400",
        )
        .await;
    }
    check("POST / HTTP/1.1\nHost: h\r\n\r\n", "400").await;
    check(
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "400",
    )
    .await;
}

#[tokio::test]
async fn each_limit_has_its_status() {
    let long = "a".repeat(9000);
    check(&format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n"), "414").await;
    check(
        &format!("GET / HTTP/1.1\r\nHost: h\r\nX: {long}\r\n\r\n"),
        "431",
    )
    .await;
    let many = "X: a\r\n".repeat(128);
    check(&format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n"), "431").await;
    check(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 53477376\r\n\r\n",
        "413",
    )
    .await;
    check(
        "GET / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n",
        "417",
    )
    .await;
    check("GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505").await;
}

#[tokio::test]
async fn a_bad_chunk_ends_a_request_under_way() {
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&format!("{head}1\r\na\r\nx\r\n"), "400").await;
}

#[tokio::test]
async fn a_refused_peer_may_send_on_for_a_while_and_still_reads_the_answer() {
    let mut client = Client::connect(echo());
    client.send("nonsense\r\n\r\n").await;
    client.send(vec![b'x'; 100_000]).await;
    assert!(client.read_all().await.starts_with("HTTP/1.1 400 "));
    client.end().await;
    client.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_peer_that_never_stops_is_cut_off() {
    let mut client = Client::connect(echo());
    client.send("nonsense\r\n\r\n").await;
    let mut n_sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut client.stream, &[0; 4096])
        .await
        .is_ok()
    {
        n_sent += 4096;
        assert!(n_sent < 4 << 20, "{n_sent} bytes were taken");
    }
    client.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_beyond_a_limit_of_the_listener_is_told() {
    for (refused, status) in [(Refused::Full, "503"), (Refused::PerAddress, "429")] {
        let mut peer = PeerInfo::default();
        peer.refused = Some(refused);
        let mut client = Client::over(4096, peer, echo(), Config::default());
        let mut answer = String::new();
        client.stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        client.end().await;
        client.server.await.unwrap().unwrap();
    }
}

/// What a hook was told of.
type Told = Arc<Mutex<Vec<(&'static str, StatusCode)>>>;

fn telling<M>(http: Http1<M>) -> (Http1<M>, Told) {
    let told = Told::default();
    let list = Arc::clone(&told);
    let http = http.on_refusal(move |refusal| {
        let reason = refusal.reason;
        list.lock().unwrap().push((reason.name(), reason.status()));
    });
    (http, told)
}

#[tokio::test]
async fn a_hook_is_told_of_each_refusal_once() {
    for (request, name, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "host", StatusCode::BAD_REQUEST),
        ("GET / HTTP/1.1\n\n", "bare_lf", StatusCode::BAD_REQUEST),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "chunk",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let (http, told) = telling(Http1::new(echo()));
        let mut client = Client::to(http);
        client.send(request).await;
        client.read_all().await;
        assert_eq!(*told.lock().unwrap(), [(name, status)], "{request:?}");
    }
}

#[tokio::test]
async fn a_hook_is_told_of_an_app_that_fails_and_of_nothing_that_is_served() {
    let app = service_fn(|request: Request<Incoming>| async move {
        match request.uri().path() {
            "/" => Ok(Response::new(Full::<Bytes>::default())),
            _ => Err("no"),
        }
    });
    let (http, told) = telling(Http1::new(app));
    let mut client = Client::to(http);
    client
        .send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        .await;
    client.read_all().await;
    let expected = ("service_failed", StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(*told.lock().unwrap(), [expected]);
}

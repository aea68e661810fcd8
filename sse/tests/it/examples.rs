//! The examples, on axum and hyper, over real sockets.

use std::net::SocketAddr;

use astatine_sse::proto::Parser;
use astatine_sse::{Config, EventBody, MessageEvent, event_stream};
use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[path = "../../examples/clock.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod clock;
#[path = "../../examples/emit.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod emit;

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(axum::serve(listener, router).into_future()));
    address
}

async fn ask(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nHost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads the whole of an answer.
async fn answer(address: SocketAddr, request: &str) -> String {
    let mut stream = ask(address, &format!("{request}\r\nConnection: close")).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Reads the begin of an answer until it has this many events; its chunk lines are fields that
/// nobody knows, and pass for such.
async fn events(stream: &mut TcpStream, n_events: usize) -> Vec<MessageEvent> {
    let mut parser = Parser::new(&Config::default());
    let mut events = Vec::new();
    let mut buffer = [0; 4096];
    while events.len() < n_events {
        let n_read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(n_read, 0, "the stream goes on");
        let mut input = &buffer[..n_read];
        while let Some(event) = parser.receive(&mut input).unwrap() {
            events.push(event);
        }
    }
    events
}

#[tokio::test]
async fn the_clock_goes_on_where_a_client_has_left() {
    let address = serve(clock::router()).await;
    let request = "GET /ticks HTTP/1.1\r\nAccept: text/event-stream";
    let first = events(&mut ask(address, request).await, 1).await;
    let second: u64 = first[0].data.parse().unwrap();
    assert_eq!(first[0].event_type, "tick");
    assert_eq!(*first[0].last_event_id, *first[0].data);

    let resumed = format!("{request}\r\nLast-Event-ID: {}", second - 20);
    let missed = events(&mut ask(address, &resumed).await, 20).await;
    let seconds: Vec<u64> = missed
        .iter()
        .map(|event| event.data.parse().unwrap())
        .collect();
    assert_eq!(seconds, (second - 19..=second).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_clock_sends_no_stream_to_a_client_that_wants_none() {
    let address = serve(clock::router()).await;
    let seen = answer(
        address,
        "GET /ticks HTTP/1.1\r\nAccept: text/html, */*;q=0.8",
    )
    .await;
    assert!(seen.starts_with("HTTP/1.1 406 "), "{seen}");
    let seen = answer(address, "GET / HTTP/1.1").await;
    assert!(seen.contains("new EventSource('/ticks')"), "{seen}");
}

#[tokio::test]
async fn a_client_that_goes_is_noticed() {
    let (handed, mut hand) = tokio::sync::mpsc::channel(1);
    let router = Router::new().route(
        "/",
        get(|| async move {
            let (events, body) = EventBody::new(&Config::default());
            handed.send(events).await.unwrap();
            event_stream(body)
        }),
    );
    let stream = ask(serve(router).await, "GET / HTTP/1.1").await;
    let events = hand.recv().await.unwrap();
    assert!(!events.is_closed());
    drop(stream);
    events.closed().await;
}

#[tokio::test]
async fn emit_answers_with_one_event_or_the_bytes_as_they_are() {
    let address = serve(emit::router()).await;
    let json = "%7B%22event%22:%22a%22,%22id%22:%22b%22,%22data%22:%22c%5Cnd%22%7D";
    for (target, head, body) in [
        (
            format!("/emit?json={json}"),
            "content-type: text/event-stream\r\n",
            "id: b\nevent: a\ndata: c\ndata: d\n\n",
        ),
        (
            String::from("/emit?json=%7B%22id%22:7,%22event%22:null,%22data%22:%5B1%5D%7D"),
            "access-control-allow-origin: *\r\n",
            "id: 7\ndata: [1]\n\n",
        ),
        (
            String::from("/raw?b64=ZGF0YTphCgo="),
            "content-type: text/event-stream\r\n",
            "\r\n\r\ndata:a\n\n",
        ),
        (
            String::from("/raw?b64=ZGF0YTphCgo=&mime=x%20bogus"),
            "content-type: x bogus\r\n",
            "\r\n\r\ndata:a\n\n",
        ),
    ] {
        let seen = answer(address, &format!("GET {target} HTTP/1.1")).await;
        assert!(
            seen.starts_with("HTTP/1.1 200 ") && seen.contains(head),
            "{seen}"
        );
        assert!(seen.contains("connection: close\r\n"), "{seen}");
        assert!(seen.contains(body), "{seen}");
    }
}

#[tokio::test]
async fn emit_refuses_an_event_that_would_be_two() {
    let address = serve(emit::router()).await;
    for target in [
        "/emit?json=%7B%22id%22:%22a%5Cn%22%7D",
        "/emit",
        "/emit?json=5",
        "/raw?b64=!",
    ] {
        let seen = answer(address, &format!("GET {target} HTTP/1.1")).await;
        assert!(seen.starts_with("HTTP/1.1 400 "), "{seen}");
    }
}

//! A WebSocket behind an HTTP server: the answer with its fields, and the connection handed over.

use std::convert::Infallible;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::handler::{Handler, Message, Peer, Turn};
use astatine_websocket::client::Client as WebSocketClient;
use astatine_websocket::proto::CloseCode;
use astatine_websocket::{Upgrade, WebSocket};
use http::{HeaderValue, Request, Response, header};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::client::Client;

struct Echo;

impl Handler for Echo {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message).unwrap();
        Turn::Next
    }
}

/// Answers with a WebSocket that has a subprotocol and a cookie, or says why there is none.
fn answer(upgrade: &Upgrade, request: &Request<Incoming>) -> Response<axum::body::Body> {
    let response = match upgrade.answer(request, Echo) {
        Ok(mut response) => {
            let cookie = HeaderValue::from_static("seen=1");
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Err(violation) => violation.response(),
    };
    response.map(|()| axum::body::Body::empty())
}

fn client(runtime: &Runtime) -> Client {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let upgrade = Upgrade::default().subprotocols(["chat".to_owned()]);
    let app = tower::service_fn(move |request: Request<Incoming>| {
        let answered = Ok::<_, Infallible>(answer(&upgrade, &request));
        async { answered }
    });
    let served = astatine_reactor::serve(listener, Http1::new(app));
    drop(runtime.spawn(async move { served.await }));
    Client::connect(address)
}

#[test]
fn a_websocket_gets_its_fields_its_early_messages_and_its_close() {
    let runtime = Runtime::new().unwrap();
    let mut client = client(&runtime);
    // The first message comes in one piece with the request.
    let request: &[u8] =
        b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: other, chat\r\n\r\n\x81\x82\0\0\0\0hi";
    client.send_bytes(request);
    let answer = client.response();
    assert_eq!(answer.status, 101);
    assert_eq!(answer.field("sec-websocket-protocol"), Some("chat"));
    assert_eq!(answer.field("set-cookie"), Some("seen=1"));
    let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    assert_eq!(answer.field("sec-websocket-accept"), Some(accept));
    client.send_bytes(b"\x88\x82\0\0\0\0\x03\xe8");
    assert_eq!(client.rest(), b"\x81\x02hi\x88\x02\x03\xe8");
}

#[test]
fn a_request_that_is_no_websocket_is_answered_and_the_connection_kept() {
    let runtime = Runtime::new().unwrap();
    let mut client = client(&runtime);
    for _ in 0..2 {
        assert_eq!(client.get("/chat", "").status, 426);
    }
}

#[test]
fn both_ends_may_be_streams_and_sinks() {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let app = tower::service_fn(|request: Request<Incoming>| async move {
        let run = |mut websocket: WebSocket| async move {
            while let Some(Ok(message)) = websocket.next().await {
                websocket.send(message).await.unwrap();
            }
        };
        let answered = Upgrade::default().answer_with(&request, run).unwrap();
        Ok::<_, Infallible>(answered.map(|()| axum::body::Body::empty()))
    });
    let served = astatine_reactor::serve(listener, Http1::new(app));
    drop(runtime.spawn(async move { served.await }));
    runtime.block_on(async {
        let request = Request::get(url).body(()).unwrap();
        let opened = WebSocketClient::default().connect(request).await.unwrap();
        assert!(opened.agreed.deflate.is_some());
        let mut websocket = opened.into_websocket();
        let long = "abcd ".repeat(10_000);
        websocket.send(&*long).await.unwrap();
        let echoed = websocket.next().await.unwrap().unwrap();
        assert_eq!(echoed.as_text(), Some(&*long));
        let closed = websocket.close_with(CloseCode::NORMAL, "").await;
        closed.unwrap();
    });
}

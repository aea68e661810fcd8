//! The client: its handshake by hand, against an echo, and against servers that do it wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use astatine_reactor::handler::{Handler, Message, Peer, Reason, Turn};
use astatine_reactor::test_util::{Faults, Faulty};
use astatine_reactor::{ConnectConfig, Connection, Foreign, PeerInfo, Shutdown, Target, reconnect};
use astatine_websocket::client::{Client, ConnectError, Opened};
use astatine_websocket::proto::CloseCode;
use astatine_websocket::{Config, HandshakeViolation, Misuse};
use http::{Request, Uri};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::TcpListener;

use crate::example::echo;

fn connection(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Connection {
    Connection::new(Foreign(io), PeerInfo::default(), Shutdown::new())
}

fn request(uri: &'static str) -> Request<()> {
    Request::get(Uri::from_static(uri)).body(()).unwrap()
}

/// Opens a WebSocket at a server that answers with these bytes, and returns what it was asked.
async fn asked(
    client: &Client,
    request: Request<()>,
    answer: impl FnOnce(&str) -> Vec<u8>,
) -> (String, Result<Opened, ConnectError>) {
    let (near, mut far) = duplex(1 << 17);
    let server = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(far.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let answer = answer(&head);
        far.write_all(&answer).await.unwrap();
        head
    };
    let (head, opened) = tokio::join!(server, client.handshake(connection(near), request));
    (head, opened)
}

/// Returns the right answer to a request, with more fields.
fn switching(head: &str, fields: &str) -> Vec<u8> {
    let mut request = Request::get("/");
    for line in head.lines().skip(1).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let offer = astatine_websocket::handshake::Offer::default();
    let request = request.body(()).unwrap();
    let accepted =
        astatine_websocket::handshake::accept(&request, offer, &Config::default()).unwrap();
    let mut answer = "HTTP/1.1 101 Switching\r\n".to_owned();
    for (name, value) in accepted.response.headers() {
        answer += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    (answer + fields + "\r\n").into_bytes()
}

fn field<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn a_request_has_what_the_handshake_asks_for_and_the_fields_of_the_caller() {
    let client = Client::default().subprotocols(["a".to_owned(), "b".to_owned()]);
    let mut mine = request("ws://user:secret@example.org:81/chat?room=1#part");
    for (name, value) in [
        ("cookie", "c=1"),
        ("cookie", "d=2"),
        ("sec-websocket-key", "mine"),
        ("sec-websocket-extensions", "mine"),
        ("upgrade", "mine"),
        ("content-length", "5"),
    ] {
        mine.headers_mut().append(name, value.parse().unwrap());
    }
    let (head, opened) = asked(&client, mine, |head| {
        switching(head, "Set-Cookie: e=3\r\nSec-WebSocket-Protocol: b\r\n")
    })
    .await;
    assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\n"), "{head}");
    for (name, values) in [
        ("host", &["example.org:81"][..]),
        ("upgrade", &["websocket"]),
        ("connection", &["upgrade"]),
        ("sec-websocket-version", &["13"]),
        ("sec-websocket-protocol", &["a, b"]),
        ("cookie", &["c=1", "d=2"]),
        ("content-length", &[]),
    ] {
        assert_eq!(field(&head, name), values, "{name}");
    }
    let [key] = field(&head, "sec-websocket-key")[..] else {
        panic!("one key: {head}");
    };
    assert_eq!(key.len(), 24);
    let [extensions] = field(&head, "sec-websocket-extensions")[..] else {
        panic!("one offer: {head}");
    };
    assert!(extensions.starts_with("permessage-deflate"));
    let opened = opened.unwrap();
    assert_eq!(opened.response.headers()["set-cookie"], "e=3");
    assert_eq!(opened.agreed.subprotocol.as_deref(), Some("b"));
}

#[tokio::test]
async fn targets_and_hosts_follow_from_the_uri() {
    for (uri, target, host) in [
        ("ws://h", "/", "h"),
        ("ws://h?a=1", "/?a=1", "h"),
        ("wss://[::1]:1/a/b", "/a/b", "[::1]:1"),
    ] {
        let client = Client::default().without_deflate();
        let (head, opened) = asked(&client, request(uri), |head| switching(head, "")).await;
        assert!(
            head.starts_with(&format!("GET {target} HTTP/1.1\r\n")),
            "{head}"
        );
        assert_eq!(field(&head, "host"), [host]);
        assert_eq!(field(&head, "sec-websocket-extensions"), [""; 0]);
        assert!(opened.is_ok());
    }
    let mut other = request("ws://h/");
    other.headers_mut().insert("host", "other".parse().unwrap());
    let (head, _) = asked(&Client::default(), other, |head| switching(head, "")).await;
    assert_eq!(field(&head, "host"), ["other"]);
}

#[tokio::test]
async fn each_key_is_another() {
    let client = Client::default();
    let mut keys = Vec::new();
    for _ in 0..3 {
        let (head, _) = asked(&client, request("ws://h/"), |head| switching(head, "")).await;
        keys.push(field(&head, "sec-websocket-key")[0].to_owned());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

#[tokio::test]
async fn a_refusal_has_its_status_and_fields() {
    for (status, name, value) in [
        (302, "location", "ws://elsewhere/"),
        (401, "www-authenticate", "Basic"),
        (503, "retry-after", "1"),
        (200, "content-length", "0"),
    ] {
        let answer = format!("HTTP/1.1 {status} x\r\n{name}: {value}\r\n\r\nbody").into_bytes();
        let (_, opened) = asked(&Client::default(), request("ws://h/"), |_| answer).await;
        let Err(ConnectError::Refused(response)) = opened else {
            panic!("a refusal, not {opened:?}");
        };
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[name], value);
    }
}

#[tokio::test]
async fn answers_that_break_a_rule_are_refused() {
    let long = format!("HTTP/1.1 101 x\r\na: {}\r\n\r\n", "x".repeat(33 << 10));
    let many = format!("HTTP/1.1 101 x\r\n{}\r\n", "a: b\r\n".repeat(129));
    let cases = [
        ("SSH-2.0-x\r\n\r\n", HandshakeViolation::Response),
        ("HTTP/1.0 101 x\r\n\r\n", HandshakeViolation::Response),
        (
            "HTTP/1.1 101 x\r\na: b\nc: d\r\n\r\n",
            HandshakeViolation::Response,
        ),
        (
            "HTTP/1.1 101 x\r\na b: c\r\n\r\n",
            HandshakeViolation::Response,
        ),
        (
            "HTTP/1.1 101 x\n\na: b\r\n\r\n",
            HandshakeViolation::Response,
        ),
        (&long, HandshakeViolation::Response),
        (&many, HandshakeViolation::Response),
        ("HTTP/1.1 101 x\r\n\r\n", HandshakeViolation::NotSwitched),
        (
            "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            HandshakeViolation::Accept,
        ),
    ];
    for (answer, violation) in cases {
        let answer = |_: &str| answer.as_bytes().to_owned();
        let (_, opened) = asked(&Client::default(), request("ws://h/"), answer).await;
        assert!(
            matches!(opened, Err(ConnectError::Violation(told)) if told == violation),
            "{violation:?}: {opened:?}"
        );
    }
    let unasked = |head: &str| switching(head, "Sec-WebSocket-Protocol: c\r\n");
    let (_, opened) = asked(&Client::default(), request("ws://h/"), unasked).await;
    let violation = HandshakeViolation::Subprotocol;
    assert!(matches!(opened, Err(ConnectError::Violation(told)) if told == violation));
}

#[tokio::test]
async fn interim_responses_are_passed_over_and_the_bytes_behind_the_head_kept() {
    let early = "HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 100 x\r\n\r\n";
    let answer = |head: &str| [early.as_bytes(), &switching(head, ""), b"\x81\x01a"].concat();
    let (_, opened) = asked(&Client::default(), request("ws://h/"), answer).await;
    let mut websocket = opened.unwrap().into_websocket();
    assert_eq!(websocket.next().await.unwrap().unwrap(), Message::text("a"));
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_a_misuse() {
    let client = Client::default().subprotocols(["no token".to_owned()]);
    for (uri, misuse) in [("ws://h/", Misuse::Subprotocol), ("/path", Misuse::Uri)] {
        let (near, _far) = duplex(100);
        let opened = client.handshake(connection(near), request(uri)).await;
        assert!(
            matches!(opened, Err(ConnectError::Misuse(told)) if told == misuse),
            "{opened:?}"
        );
    }
    for uri in ["wss://localhost/", "http://localhost/", "/path"] {
        let opened = client.connect(request(uri)).await;
        assert!(matches!(opened, Err(ConnectError::Misuse(Misuse::Scheme))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up() {
    let (near, far) = duplex(1000);
    let client = Client::default();
    let opened = client.handshake(connection(near), request("ws://h/"));
    assert!(matches!(opened.await, Err(ConnectError::TimedOut)));
    drop(far);
}

#[tokio::test]
async fn a_server_that_hangs_up_is_an_error_of_the_stream() {
    let (near, mut far) = duplex(1000);
    far.write_all(b"HTTP/1.1 101 x\r\n").await.unwrap();
    far.shutdown().await.unwrap();
    let client = Client::default();
    let opened = client.handshake(connection(near), request("ws://h/"));
    assert!(matches!(opened.await, Err(ConnectError::Io(_))));
}

/// Serves one connection of a listener with the echo, and returns where.
async fn echo_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let config = Arc::new(Config::default());
        echo::serve(connection(stream), config).await.unwrap();
    }));
    format!("ws://{address}/")
}

#[tokio::test]
async fn messages_are_echoed_over_tcp_compressed_and_not() {
    for client in [Client::default(), Client::default().without_deflate()] {
        let request = Request::get(echo_server().await).body(()).unwrap();
        let opened = client.connect(request).await.unwrap();
        let is_offered = format!("{client:?}").contains("Deflate");
        assert_eq!(opened.agreed.deflate.is_some(), is_offered);
        let mut websocket = opened.into_websocket();
        for len in [0, 10, 50_000] {
            let message = Message::text("abcd ".repeat(len));
            websocket.send(message.clone()).await.unwrap();
            assert!(websocket.next().await.unwrap().unwrap() == message);
        }
        websocket.close_with(CloseCode::NORMAL, "").await.unwrap();
    }
}

#[tokio::test]
async fn the_handshake_takes_any_pieces() {
    for faults in [Faults::one_byte(), Faults::random(1)] {
        let (near, far) = duplex(100);
        let config = Arc::new(Config::default());
        let served = tokio::spawn(echo::serve(connection(Faulty::new(far, &faults)), config));
        let client = Client::default();
        let near = connection(Faulty::new(near, &faults));
        let opened = client.handshake(near, request("ws://h/")).await.unwrap();
        let mut websocket = opened.into_websocket();
        websocket.send("hello").await.unwrap();
        assert_eq!(
            websocket.next().await.unwrap().unwrap(),
            Message::text("hello")
        );
        websocket.close_with(CloseCode::NORMAL, "").await.unwrap();
        served.await.unwrap().unwrap();
    }
}

/// Says something, and notes what comes back.
struct Saying(Arc<Mutex<Vec<String>>>);

impl Handler for Saying {
    fn open(&mut self, peer: &Peer) {
        peer.write("hello").unwrap();
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        let text = message.as_text().unwrap().to_owned();
        self.0.lock().unwrap().push(text);
        peer.close();
        Turn::Next
    }

    fn close(&mut self, _peer: &Peer, reason: Reason) {
        self.0.lock().unwrap().push(format!("{reason:?}"));
    }
}

#[tokio::test]
async fn a_handler_is_served_at_the_client_s_end_too() {
    let request = Request::get(echo_server().await).body(()).unwrap();
    let said = Arc::default();
    let opened = Client::default().connect(request).await.unwrap();
    let reason = opened.serve(Saying(Arc::clone(&said))).await;
    assert_eq!(reason, Reason::Local);
    assert_eq!(*said.lock().unwrap(), ["hello", "Local"]);
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_of_the_stream() {
    // A free port could be another test's by now; the system gives nobody this one.
    let request = Request::get("ws://127.0.0.1:1/").body(()).unwrap();
    let opened = Client::default().connect(request).await;
    assert!(matches!(opened, Err(ConnectError::Io(_))));
}

/// Counts the connections that it is opened on, and closes the last one.
struct Returning(Arc<Mutex<usize>>);

impl Handler for Returning {
    fn open(&mut self, peer: &Peer) {
        let mut n_opened = self.0.lock().unwrap();
        *n_opened += 1;
        if *n_opened == 3 {
            peer.close();
        }
    }
}

#[tokio::test]
async fn a_handler_goes_on_with_a_new_connection_where_the_server_hangs_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target: Target = listener.local_addr().unwrap().to_string().parse().unwrap();
    drop(tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let answer = switching(std::str::from_utf8(&head).unwrap(), "");
            stream.write_all(&answer).await.unwrap();
        }
    }));
    let n_opened = Arc::default();
    let mut config = ConnectConfig::default();
    config.min_wait = Duration::from_millis(1);
    let client = Client::default();
    let reason = reconnect(target, Returning(Arc::clone(&n_opened)))
        .with_config(config)
        .with_driver(move |connection, handler| {
            let client = client.clone();
            async move {
                let opened = client.handshake(connection, request("ws://h/")).await;
                opened.unwrap().serve(handler).await
            }
        })
        .await;
    assert_eq!((reason, *n_opened.lock().unwrap()), (Reason::Local, 3));
}

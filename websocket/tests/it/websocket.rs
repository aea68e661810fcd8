//! WebSockets as streams and sinks, both ends in memory, or one of them by hand.

use std::sync::Arc;
use std::time::Duration;

use astatine_reactor::handler::{Handler, Message, Peer};
use astatine_reactor::test_util::{Cut, Faults, Faulty, Flood};
use astatine_reactor::{Connection, Foreign, Handover, PeerInfo, Phase, Shutdown};
use astatine_websocket::proto::deflate::{Context, Direction, Terms, WindowBits};
use astatine_websocket::proto::{Close, CloseCode, MaskKeys, Role};
use astatine_websocket::{Config, Error, Misuse, Upgrade, Violation, WebSocket};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::dice::Dice;

pub(crate) fn client_role() -> Role {
    Role::Client(MaskKeys::new([7; 16]))
}

pub(crate) fn open(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    role: Role,
    terms: Option<Terms>,
    config: &Config,
) -> WebSocket {
    let connection = Connection::new(Foreign(io), PeerInfo::default(), Shutdown::new());
    let config = Arc::new(config.clone());
    WebSocket::new(connection, Bytes::new(), role, terms, config)
}

fn pair(room: usize, terms: Option<Terms>, config: &Config) -> (WebSocket, WebSocket) {
    let (near, far) = duplex(room);
    let server = open(near, Role::Server, terms, config);
    (server, open(far, client_role(), terms, config))
}

/// A server, and the bytes of its peer.
fn server(config: &Config) -> (WebSocket, DuplexStream) {
    let (near, far) = duplex(1 << 20);
    (open(near, Role::Server, None, config), far)
}

/// Without compression, with what the threads share, and with contexts of each connection.
pub(crate) fn all_terms() -> [Option<Terms>; 3] {
    let terms = |context| {
        let direction = Direction {
            context,
            window_bits: WindowBits::MAX,
        };
        Some(Terms {
            server: direction,
            client: direction,
        })
    };
    [None, terms(Context::PerMessage), terms(Context::Kept)]
}

fn messages(seed: u64) -> Vec<Message> {
    let mut dice = Dice(seed);
    let mut messages = vec![Message::text(""), Message::binary("")];
    for len in [1, 126, 127, 300, 65_535, 65_536, 200_000] {
        messages.push(Message::text(dice.text(len)));
        messages.push(Message::binary(dice.bytes(len)));
    }
    messages
}

async fn receive_all(websocket: &mut WebSocket) -> Vec<Message> {
    let mut received = Vec::new();
    while let Some(message) = websocket.next().await {
        received.push(message.unwrap());
    }
    received
}

fn told(code: CloseCode, reason: &str) -> Close {
    Close {
        code,
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn all_that_is_sent_arrives_in_both_directions_at_once() {
    for terms in all_terms() {
        for server_closes in [true, false] {
            let (server, client) = pair(20_000, terms, &Config::default());
            // Without the longest ones, which take the most time.
            let exchanged = |seed| messages(seed).into_iter().take(14).collect::<Vec<_>>();
            let run = |websocket: WebSocket, seed, closes| async move {
                let (mut reader, mut writer) = websocket.split();
                let send = async {
                    for message in exchanged(seed) {
                        writer.send(message).await.unwrap();
                    }
                    if closes {
                        writer.send("last").await.unwrap();
                    }
                };
                let receive = async {
                    let mut received = Vec::new();
                    while let Some(message) = reader.next().await {
                        received.push(message.unwrap());
                        if received.len() == exchanged(0).len() {
                            break;
                        }
                    }
                    received
                };
                let (received, ()) = tokio::join!(receive, send);
                if closes {
                    writer.close_with(CloseCode::NORMAL, "done").await.unwrap();
                    assert!(reader.next().await.is_none());
                } else {
                    assert_eq!(reader.next().await.unwrap().unwrap(), Message::text("last"));
                    assert!(reader.next().await.is_none());
                    assert_eq!(reader.close_frame(), Some(&told(CloseCode::NORMAL, "done")));
                }
                received
            };
            let server = tokio::spawn(run(server, 1, server_closes));
            let client = tokio::spawn(run(client, 2, !server_closes));
            assert!(server.await.unwrap() == exchanged(2), "{terms:?}");
            assert!(client.await.unwrap() == exchanged(1), "{terms:?}");
        }
    }
}

#[tokio::test]
async fn streams_of_any_kind_carry_the_same() {
    let kinds = [Faults::none(), Faults::one_byte(), Faults::random(3)];
    for faults in &kinds {
        let (near, far) = duplex(200);
        let config = Config::default();
        let mut server = open(Faulty::new(near, faults), Role::Server, None, &config);
        let mut client = open(Faulty::new(far, faults), client_role(), None, &config);
        let served = tokio::spawn(async move {
            while let Some(message) = server.next().await {
                server.send(message.unwrap()).await.unwrap();
            }
        });
        for message in messages(5).into_iter().take(8) {
            client.send(message.clone()).await.unwrap();
            assert!(client.next().await.unwrap().unwrap() == message);
        }
        client.close_with(CloseCode::NORMAL, "").await.unwrap();
        assert_eq!(client.close_frame(), Some(&told(CloseCode::NORMAL, "")));
        served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn both_ends_come_to_their_end_wherever_the_stream_is_cut() {
    let config = Config::default();
    for n_bytes in 0..40 {
        for cut in [
            Cut::InputEnds(n_bytes),
            Cut::ResetBehindRead(n_bytes),
            Cut::ResetBehindWritten(n_bytes),
        ] {
            let (near, far) = duplex(100);
            let near = Faulty::new(near, &Faults::none().cut(cut));
            let mut server = open(near, Role::Server, None, &config);
            let mut client = open(far, client_role(), None, &config);
            let serve = async {
                while let Some(Ok(message)) = server.next().await {
                    server.send(message).await.unwrap_or_default();
                }
                assert!(server.next().await.is_none(), "an error is the last");
                assert!(server.send("late").await.is_err());
                drop(server);
            };
            let ask = async {
                for _ in 0..2 {
                    client.send("hello").await.unwrap_or_default();
                    if !matches!(client.next().await, Some(Ok(_))) {
                        return;
                    }
                }
                drop(client.close_with(CloseCode::NORMAL, "").await);
                assert!(client.next().await.is_none(), "an error is the last");
            };
            let both = async { tokio::join!(serve, ask) };
            let ended = tokio::time::timeout(Duration::from_secs(1000), both).await;
            assert!(ended.is_ok(), "{n_bytes}");
        }
    }
}

#[tokio::test]
async fn either_end_may_close_and_so_may_both_at_once() {
    for (server_closes, client_closes) in [(true, false), (false, true), (true, true)] {
        let (mut server, mut client) = pair(1000, None, &Config::default());
        let server_end = async {
            if server_closes {
                server.close_with(CloseCode::GOING_AWAY, "a").await.unwrap();
            } else {
                assert_eq!(receive_all(&mut server).await, []);
            }
        };
        let client_end = async {
            if client_closes {
                client.close_with(CloseCode::NORMAL, "b").await.unwrap();
            } else {
                assert_eq!(receive_all(&mut client).await, []);
            }
        };
        tokio::join!(server_end, client_end);
        let (to_client, to_server) = match (server_closes, client_closes) {
            (true, true) => (
                told(CloseCode::GOING_AWAY, "a"),
                told(CloseCode::NORMAL, "b"),
            ),
            (true, false) => (
                told(CloseCode::GOING_AWAY, "a"),
                told(CloseCode::GOING_AWAY, ""),
            ),
            _ => (told(CloseCode::NORMAL, ""), told(CloseCode::NORMAL, "b")),
        };
        assert_eq!(client.close_frame(), Some(&to_client));
        assert_eq!(server.close_frame(), Some(&to_server));
        assert!(matches!(server.send("late").await, Err(Error::Closed)));
        assert!(server.next().await.is_none() && client.next().await.is_none());
    }
}

#[tokio::test]
async fn messages_behind_our_close_are_dropped() {
    let (mut server, mut far) = server(&Config::default());
    far.write_all(b"\x81\x81\0\0\0\0a\x88\x82\0\0\0\0\x0f\xa0")
        .await
        .unwrap();
    drop(far.shutdown().await);
    server.close_with(CloseCode::NORMAL, "").await.unwrap();
    let code = server.close_frame().unwrap().code;
    assert_eq!(code.value(), 4000);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn a_reason_that_is_too_long_closes_nothing() {
    let (mut server, mut client) = pair(1000, None, &Config::default());
    let long = "x".repeat(124);
    let closed = server.close_with(CloseCode::NORMAL, &long).await;
    assert!(matches!(closed, Err(Error::Misuse(Misuse::ReasonTooLong))));
    server.send("still there").await.unwrap();
    assert!(client.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_rule_that_is_broken_is_the_last_error_and_the_peer_is_told() {
    let cases: &[(&[u8], Violation, u16)] = &[
        (b"\x81\x01a", Violation::UnmaskedFrame, 1002),
        (b"\x81\x81\0\0\0\0\xff", Violation::Text, 1007),
        (b"\xc1\x81\0\0\0\0a", Violation::ReservedBits, 1002),
        (b"\x82\x8b\0\0\0\0", Violation::MessageTooLong, 1009),
    ];
    for (sent, violation, code) in cases {
        let mut config = Config::default();
        config.max_message_bytes = 10;
        let (mut server, mut far) = server(&config);
        far.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
        far.write_all(sent).await.unwrap();
        far.shutdown().await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Message::text("hi"));
        let error = server.next().await.unwrap();
        assert!(
            matches!(error, Err(Error::Violation(told)) if told == *violation),
            "{error:?}"
        );
        assert!(server.next().await.is_none());
        assert!(matches!(server.send("late").await, Err(Error::Closed)));
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        let [high, low] = code.to_be_bytes();
        assert_eq!(received, [0x88, 2, high, low]);
    }
}

#[tokio::test]
async fn compressed_messages_are_inflated_up_to_the_limit() {
    let mut config = Config::default();
    config.max_message_bytes = 1000;
    let terms = all_terms()[1];
    let (near, far) = duplex(1 << 16);
    let mut server = open(near, Role::Server, terms, &config);
    let mut client = open(far, client_role(), terms, &Config::default());
    client.send("x".repeat(1000)).await.unwrap();
    client.send("x".repeat(1001)).await.unwrap();
    assert!(server.next().await.unwrap().is_ok());
    let (error, told) = tokio::join!(server.next(), client.next());
    let violation = Violation::MessageTooLong;
    assert!(matches!(error, Some(Err(Error::Violation(told))) if told == violation));
    assert!(told.is_none());
    assert_eq!(client.close_frame().unwrap().code, CloseCode::TOO_LONG);
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_is_an_error_behind_its_messages() {
    let (mut server, mut far) = server(&Config::default());
    far.write_all(b"\x81\x82\0\0\0\0hi\x81").await.unwrap();
    drop(far);
    assert!(server.next().await.unwrap().is_ok());
    let error = server.next().await.unwrap();
    let violation = Violation::UnexpectedEof;
    assert!(matches!(error, Err(Error::Violation(told)) if told == violation));
    assert!(server.next().await.is_none());
}

#[tokio::test]
async fn what_was_read_behind_the_handshake_comes_first() {
    let (near, mut far) = duplex(100);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let unread = Bytes::from_static(b"\x81\x82\0\0\0\0h");
    let config = Arc::new(Config::default());
    let mut server = WebSocket::new(connection, unread, Role::Server, None, config);
    far.write_all(b"i").await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("hi"));
}

#[tokio::test]
async fn no_message_is_lost_to_futures_that_are_dropped() {
    let (mut server, mut far) = server(&Config::default());
    let mut frames = Vec::new();
    for _ in 0..3 {
        frames.extend_from_slice(b"\x01\x82\0\0\0\0gr\x80\x85\0\0\0\0\xc3\xbc\xc3\x9fe");
    }
    let mut received = Vec::new();
    for octet in frames {
        far.write_all(&[octet]).await.unwrap();
        tokio::select! {
            biased;
            message = server.next() => received.push(message.unwrap().unwrap()),
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(received, [(); 3].map(|()| Message::text("grüße")));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_sent_a_ping_and_given_up_for_dead() {
    let begun = Instant::now();
    let (mut server, mut far) = server(&Config::default());
    let error = server.next().await.unwrap();
    assert!(matches!(error, Err(Error::TimedOut)), "{error:?}");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(80), "{waited:?}");
    assert!(waited < Duration::from_secs(83), "{waited:?}");
    assert!(server.next().await.is_none());
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"\x89\0", "one ping, and the end");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_is_kept() {
    let (mut server, mut client) = pair(1000, None, &Config::default());
    let (hour, times) = (Duration::from_secs(3600), [(); 2]);
    for _ in times {
        let idle = async { tokio::join!(server.next(), client.next()) };
        assert!(tokio::time::timeout(hour, idle).await.is_err());
    }
    client.send("still there").await.unwrap();
    assert!(server.next().await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_interval_without_end_sends_no_ping() {
    let mut config = Config::default();
    config.ping_interval = Duration::MAX;
    let (mut server, mut far) = server(&config);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, server.next()).await.is_err());
    drop(server);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"");
}

#[tokio::test(start_paused = true)]
async fn no_time_runs_while_the_caller_is_busy_with_a_message() {
    let (mut server, mut far) = server(&Config::default());
    far.write_all(b"\x81\x81\0\0\0\0a").await.unwrap();
    server.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let begun = Instant::now();
    assert!(matches!(server.next().await, Some(Err(Error::TimedOut))));
    assert!(begun.elapsed() >= Duration::from_secs(80));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_given_up() {
    let (mut server, far) = server(&Config::default());
    let begun = Instant::now();
    let closed = server.close_with(CloseCode::NORMAL, "").await;
    assert!(matches!(closed, Err(Error::TimedOut)), "{closed:?}");
    assert!(begun.elapsed() < Duration::from_secs(8));
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_and_leaves_its_stream_open_is_cut_off() {
    let (mut server, mut far) = server(&Config::default());
    far.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    let begun = Instant::now();
    assert!(server.next().await.is_none());
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
    assert!(waited < Duration::from_secs(8), "{waited:?}");
    assert_eq!(server.close_frame(), None, "it had no code");
}

#[tokio::test(start_paused = true)]
async fn a_client_leaves_it_to_the_server_to_end_the_stream() {
    let (near, mut far) = duplex(1000);
    let mut client = open(near, client_role(), None, &Config::default());
    far.write_all(b"\x88\0").await.unwrap();
    let served = tokio::spawn(async move {
        let mut answer = [0; 6];
        far.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer[..2], b"\x88\x80");
        let more = far.read_u8();
        let second = Duration::from_secs(1);
        assert!(tokio::time::timeout(second, more).await.is_err());
    });
    assert!(client.next().await.is_none());
    served.await.unwrap();
}

#[tokio::test]
async fn a_server_that_ends_closes_with_1001() {
    let (near, far) = duplex(1000);
    let shutdown = Shutdown::new();
    let connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown.clone());
    let config = Arc::new(Config::default());
    let mut server = WebSocket::new(connection, Bytes::new(), Role::Server, None, config);
    let mut client = open(far, client_role(), None, &Config::default());
    client.send("before").await.unwrap();
    assert!(server.next().await.unwrap().is_ok());
    let end = async { shutdown.advance(Phase::Draining) };
    let (served, closed, ()) = tokio::join!(server.next(), client.next(), end);
    assert!(served.is_none() && closed.is_none());
    assert_eq!(client.close_frame().unwrap().code, CloseCode::GOING_AWAY);
}

fn upgrade_request(subprotocols: &str) -> http::Request<()> {
    http::Request::get("/")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", subprotocols)
        .body(())
        .unwrap()
}

/// Takes the connection over as a server of HTTP does, and returns its other end.
fn switch(response: &http::Response<()>) -> (JoinHandle<()>, WebSocket) {
    assert_eq!(response.status(), 101);
    let takeover = response.extensions().get::<Handover>().unwrap().take();
    let (near, far) = duplex(100);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let served = tokio::spawn(takeover.unwrap()(connection, Bytes::new()));
    (served, open(far, client_role(), None, &Config::default()))
}

#[tokio::test]
async fn an_upgrade_gives_its_function_a_websocket() {
    let run = |websocket: WebSocket| async {
        let (reader, writer) = websocket.split();
        reader.forward(writer).await.unwrap();
    };
    let response = Upgrade::default().answer_with(&upgrade_request("a"), run);
    let (served, mut client) = switch(&response.unwrap());
    for text in ["a", "b"] {
        client.send(text).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text(text));
    }
    client.close_with(CloseCode::NORMAL, "").await.unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn a_handler_may_be_made_for_the_subprotocol_that_was_agreed_on() {
    struct Says(String);
    impl Handler for Says {
        fn open(&mut self, peer: &Peer) {
            peer.write(std::mem::take(&mut self.0)).unwrap();
        }
    }
    let upgrade = Upgrade::default().subprotocols(["chat.1", "chat.2"]);
    let accepted = upgrade.accept(&upgrade_request("chat.2, chat.1")).unwrap();
    let spoken = accepted.agreed.subprotocol.clone().unwrap();
    let response = upgrade.hand_over(accepted, Says(spoken));
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat.2");
    let (served, mut client) = switch(&response);
    let first = client.next().await.unwrap().unwrap();
    assert_eq!(first, Message::text("chat.2"));
    client.close_with(CloseCode::NORMAL, "").await.unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_pings_without_end_leaves_others_their_turn_and_is_closed_in_time() {
    let mut config = Config::default();
    config.close_timeout = Duration::ZERO;
    let pings = Flood::of(b"\x89\x80\0\0\0\0");
    let mut server = open(pings, Role::Server, None, &config);
    for _ in 0..10 {
        tokio::select! {
            biased;
            _ = server.next() => panic!("there is no message"),
            () = std::future::ready(()) => {}
        }
    }
    let closed = server.close_with(CloseCode::NORMAL, "").await;
    assert!(matches!(closed, Err(Error::TimedOut)));
}

#[tokio::test]
async fn a_client_masks_answers_and_messages_by_different_keys() {
    let (near, mut far) = duplex(1000);
    let mut client = open(near, client_role(), None, &Config::default());
    far.write_all(b"\x89\0\x89\0\x81\x01a").await.unwrap();
    client.next().await.unwrap().unwrap();
    client.send("").await.unwrap();
    client.send("").await.unwrap();
    let mut frames = [0; 4 * 6];
    far.read_exact(&mut frames).await.unwrap();
    let mut keys: Vec<_> = frames.chunks(6).map(|frame| &frame[2..]).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_on_and_takes_nothing_has_no_longer_for_our_close() {
    let config = Config::default();
    let (near, far) = duplex(1000);
    let mut websocket = open(near, Role::Server, None, &config);
    let (far_read, mut far) = tokio::io::split(far);
    let peer = tokio::spawn(async move {
        // An empty text message, masked.
        while far.write_all(&[0x81, 0x80, 0, 0, 0, 0]).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    futures_util::SinkExt::feed(&mut websocket, Message::binary(vec![0; 10_000]))
        .await
        .unwrap();
    let closing = websocket.close_with(CloseCode::NORMAL, "");
    let closed = tokio::time::timeout(Duration::from_secs(3600), closing).await;
    assert!(matches!(closed, Ok(Err(Error::TimedOut))), "{closed:?}");
    peer.await.unwrap();
    drop(far_read);
}

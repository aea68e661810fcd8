//! Handlers over WebSockets, both ends in memory, or one of them by hand.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use astatine_reactor::handler::{Message, Peer, Policy, Reason};
use astatine_reactor::test_util::{Call, Calls, Flood, noting};
use astatine_reactor::{Connection, Foreign, PeerInfo, Phase, Shutdown};
use astatine_websocket::proto::Role;
use astatine_websocket::proto::deflate::Terms;
use astatine_websocket::{Config, serve};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use crate::websocket::{all_terms, client_role};

/// One end, served.
struct End {
    calls: Calls,
    shutdown: Shutdown,
    served: JoinHandle<()>,
}

impl End {
    fn new(
        io: DuplexStream,
        role: Role,
        terms: Option<Terms>,
        config: &Config,
        also: impl FnMut(&Peer, &Call) + Send + 'static,
    ) -> Self {
        Self::behind(Bytes::new(), io, role, terms, config, also)
    }

    fn behind(
        unread: Bytes,
        io: DuplexStream,
        role: Role,
        terms: Option<Terms>,
        config: &Config,
        also: impl FnMut(&Peer, &Call) + Send + 'static,
    ) -> Self {
        let (handler, calls) = noting(also);
        let shutdown = Shutdown::new();
        let connection = Connection::new(Foreign(io), PeerInfo::default(), shutdown.clone());
        let config = Arc::new(config.clone());
        let served = serve(connection, unread, role, terms, handler, config);
        Self {
            calls,
            shutdown,
            served: tokio::spawn(async { drop(served.await) }),
        }
    }

    /// Waits for the end, and returns all calls, without those that depend on who is the faster.
    async fn end(self) -> Vec<Call> {
        self.served.await.unwrap();
        let mut calls = self.calls.take();
        calls.retain(|call| *call != Call::Drained);
        calls
    }
}

fn nothing(_: &Peer, _: &Call) {}

fn remote(code: impl Into<Option<u16>>, text: &str) -> Call {
    let (code, text) = (code.into(), text.to_owned());
    Call::Close(Reason::Remote { code, text })
}

/// Messages of every form of a header, compressible and not.
fn messages() -> Vec<Message> {
    let mut noise = 1_u32;
    let mut messages = vec![Message::text("grüße"), Message::binary("")];
    for len in [1, 125, 126, 300, 32_767, 32_768, 65_535, 65_536, 200_000] {
        messages.push(Message::text("abcd ".repeat(len / 5)));
        let byte = |_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        };
        messages.push(Message::binary((0..len).map(byte).collect::<Vec<u8>>()));
    }
    messages
}

#[tokio::test]
async fn what_waits_at_a_close_arrives_before_it_from_either_end() {
    for terms in all_terms() {
        for server_sends in [true, false] {
            let (near, far) = duplex(1000);
            let mut config = Config::default();
            config.outbox_bytes = 16 << 20;
            let send = move |peer: &Peer, call: &Call| {
                if *call == Call::Open {
                    for message in messages().into_iter().cycle().take(40) {
                        peer.write(message).unwrap();
                    }
                    peer.close_with(4000, "done");
                }
            };
            let (sender, receiver) = if server_sends {
                (Role::Server, client_role())
            } else {
                (client_role(), Role::Server)
            };
            let sender = End::new(near, sender, terms, &config, send);
            let receiver = End::new(far, receiver, terms, &config, nothing);
            let expected = [Call::Open, Call::Close(Reason::Local)];
            assert_eq!(sender.end().await, expected);
            let received = receiver.end().await;
            let sent = messages().into_iter().cycle().take(40).map(Call::Message);
            assert_eq!(received.len(), 42, "{terms:?}");
            let begin = [Call::Open].into_iter().chain(sent);
            let expected = begin.chain([remote(4000, "done")]);
            assert!(received.into_iter().eq(expected), "{terms:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_or_too_little_is_waited_for_as_long_as_configured() {
    let about = |n| Duration::from_secs(n)..Duration::from_secs(n + 2);
    let mut config = Config::default();
    assert!(about(30).contains(&patience(&config, false).await));
    config.write_stall_timeout = Duration::from_secs(10);
    assert!(about(10).contains(&patience(&config, false).await));
    assert!(about(30).contains(&patience(&config, true).await));
    config.drain_grace = Duration::from_secs(20);
    assert!(about(20).contains(&patience(&config, true).await));
    config.drain_min_rate = 0;
    assert!(patience(&config, true).await > Duration::from_secs(60));
}

/// Returns how long a peer is waited for that takes a byte each second, or none.
async fn patience(config: &Config, takes: bool) -> Duration {
    let (near, mut far) = duplex(64);
    let server = End::new(near, Role::Server, None, config, |peer, call| {
        if *call == Call::Open {
            peer.write(Message::binary(vec![b'x'; 1000])).unwrap();
        }
    });
    let begun = tokio::time::Instant::now();
    let reading = tokio::spawn(async move {
        while takes && far.read_exact(&mut [0]).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        far
    });
    assert!(matches!(server.end().await.last(), Some(Call::Close(_))));
    drop(reading);
    begun.elapsed()
}

#[tokio::test]
async fn an_echo_returns_all_as_it_was() {
    for terms in all_terms() {
        let (near, far) = duplex(100_000);
        let config = Config::default();
        let mut rest = messages();
        rest.reverse();
        let server = End::new(near, Role::Server, terms, &config, |peer, call| {
            if let Call::Message(message) = call {
                peer.write(message.clone()).unwrap();
            }
        });
        let client = End::new(far, client_role(), terms, &config, move |peer, call| {
            if let Call::Open | Call::Message(_) = call {
                match rest.pop() {
                    Some(message) => peer.write(message).unwrap(),
                    None => peer.close(),
                }
            }
        });
        let calls = client.end().await;
        let echoed = messages().into_iter().map(Call::Message);
        let expected = [Call::Open].into_iter().chain(echoed);
        assert!(
            calls
                .into_iter()
                .eq(expected.chain([Call::Close(Reason::Local)]))
        );
        assert_eq!(server.end().await.last(), Some(&remote(1000, "")));
    }
}

#[tokio::test]
async fn a_code_that_no_frame_may_have_is_1000_and_a_long_text_is_cut() {
    let long = "ü".repeat(100);
    for (code, text, told) in [
        (None, "", remote(1000, "")),
        (Some(1006), "a", remote(1000, "a")),
        (Some(2999), "", remote(1000, "")),
        (Some(3000), "", remote(3000, "")),
        (Some(4999), &long[..], remote(4999, &long[..122])),
    ] {
        let (near, far) = duplex(1000);
        let config = Config::default();
        let text = text.to_owned();
        let server = End::new(near, Role::Server, None, &config, move |peer, call| {
            if *call == Call::Open {
                peer.close_with(code, &text);
            }
        });
        let client = End::new(far, client_role(), None, &config, nothing);
        assert_eq!(client.end().await, [Call::Open, told]);
        assert_eq!(server.end().await.last(), Some(&Call::Close(Reason::Local)));
    }
}

/// Sends bytes to a server, and returns all that it sends, and what it was called with.
async fn exchange(sent: &[u8], config: &Config) -> (Vec<u8>, Vec<Call>) {
    let (near, mut far) = duplex(1 << 20);
    let server = End::new(near, Role::Server, None, config, |peer, call| {
        if let Call::Message(message) = call {
            peer.write(message.clone()).unwrap();
        }
    });
    far.write_all(sent).await.unwrap();
    far.shutdown().await.unwrap();
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    (received, server.end().await)
}

#[tokio::test]
async fn a_rule_that_is_broken_ends_with_its_code() {
    let mut config = Config::default();
    config.max_message_bytes = 10;
    config.max_frames = 2;
    let cases: &[(&[u8], u16)] = &[
        (b"\x81\x01a", 1002),
        (b"\x91\x81\0\0\0\0a", 1002),
        (b"\x80\x81\0\0\0\0a", 1002),
        (b"\x88\x82\0\0\0\0\x03\xee", 1002),
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x02\x80\0\0\0\0\x00\x80\0\0\0\0\x80\x80\0\0\0\0", 1008),
        (b"\x82\x8b\0\0\0\0", 1009),
        (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009),
    ];
    for (sent, code) in cases {
        let (received, calls) = exchange(sent, &config).await;
        let [high, low] = code.to_be_bytes();
        assert_eq!(received, [0x88, 2, high, low], "{sent:x?}");
        let violation = Call::Close(Reason::Violation(*code));
        assert_eq!(calls, [Call::Open, violation]);
    }
}

#[tokio::test]
async fn the_end_of_the_stream_alone_is_1006() {
    let (received, calls) = exchange(b"\x81\x81\0\0\0\0a", &Config::default()).await;
    assert_eq!(received, b"\x81\x01a");
    assert_eq!(calls.last(), Some(&remote(1006, "")));
    let (received, calls) = exchange(b"\x88\x80\0\0\0\0", &Config::default()).await;
    assert_eq!(received, b"\x88\x00");
    assert_eq!(calls, [Call::Open, remote(None, "")]);
}

#[tokio::test]
async fn nothing_is_sent_behind_a_close_frame() {
    let sent = b"\x81\x81\0\0\0\0a\x88\x82\0\0\0\0\x03\xe8\x81\x81\0\0\0\0b\x89\x80\0\0\0\0";
    let (received, calls) = exchange(sent, &Config::default()).await;
    assert_eq!(received, b"\x81\x01a\x88\x02\x03\xe8");
    let expected = [
        Call::Open,
        Call::Message(Message::text("a")),
        remote(1000, ""),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn what_came_behind_the_handshake_is_a_message_like_any_other() {
    let (near, mut far) = duplex(1000);
    let unread = Bytes::from_static(b"\x81\x81\0\0\0\0a\x81");
    let config = Config::default();
    let server = End::behind(unread, near, Role::Server, None, &config, nothing);
    far.write_all(b"\x81\0\0\0\0b").await.unwrap();
    far.shutdown().await.unwrap();
    let calls = server.end().await;
    let texts = ["a", "b"].map(|text| Call::Message(Message::text(text)));
    assert_eq!(calls[1..3], texts);
}

#[tokio::test(start_paused = true)]
async fn who_takes_too_little_is_sent_1013() {
    let mut config = Config::default();
    config.outbox_bytes = 1000;
    let (near, mut far) = duplex(10);
    let server = End::new(near, Role::Server, None, &config, |peer, call| {
        if *call == Call::Open {
            let message = Message::binary(vec![b'x'; 400]);
            while peer.deliver(&message, 1, Policy::Close).is_ok() {}
        }
    });
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    drop(far);
    assert_eq!(received, b"\x88\x02\x03\xf5");
    let expected = [Call::Open, Call::Close(Reason::SlowConsumer)];
    assert_eq!(server.end().await, expected);
}

#[tokio::test]
async fn a_server_that_ends_says_1001_behind_what_is_written() {
    let (near, far) = duplex(1000);
    let config = Config::default();
    let server = End::new(near, Role::Server, None, &config, |peer, call| {
        if *call == Call::Shutdown {
            peer.write("bye").unwrap();
        }
    });
    let client = End::new(far, client_role(), None, &config, nothing);
    server.shutdown.advance(Phase::Draining);
    let expected = [
        Call::Open,
        Call::Message(Message::text("bye")),
        remote(1001, ""),
    ];
    assert_eq!(client.end().await, expected);
    let expected = [Call::Open, Call::Shutdown, Call::Close(Reason::Shutdown)];
    assert_eq!(server.end().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_is_kept_and_a_dead_one_is_not() {
    let (near, far) = duplex(1000);
    let mut config = Config::default();
    let server = End::new(near, Role::Server, None, &config, nothing);
    config.ping_interval = Duration::from_secs(100_000);
    let client = End::new(far, client_role(), None, &config, nothing);
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let pings = server.calls.take().len() - 1;
    assert!(pings > 20, "{pings}");
    client.shutdown.advance(Phase::Draining);
    assert_eq!(server.end().await.last(), Some(&remote(1001, "")));

    let (near, far) = duplex(1000);
    let begun = tokio::time::Instant::now();
    let server = End::new(near, Role::Server, None, &Config::default(), nothing);
    let expected = [Call::Open, Call::Ping, Call::Close(Reason::TimedOut)];
    assert_eq!(server.end().await, expected);
    // Twice the interval, and nothing for an end in good order.
    let took = begun.elapsed().as_secs();
    assert!((80..=82).contains(&took), "{took}");
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_given_up() {
    let (near, mut far) = duplex(1000);
    let server = End::new(
        near,
        Role::Server,
        None,
        &Config::default(),
        |peer, call| {
            if *call == Call::Open {
                peer.close();
            }
        },
    );
    let begun = tokio::time::Instant::now();
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x02\x03\xe8");
    assert!(begun.elapsed() >= Config::default().close_timeout);
    let expected = [Call::Open, Call::Close(Reason::Local)];
    assert_eq!(server.end().await, expected);
}

#[tokio::test(start_paused = true)]
async fn who_sends_without_end_leaves_the_thread_to_others() {
    // Pings, pongs, messages, and messages in fragments.
    for first_bytes in [&b"\x89"[..], b"\x8a", b"\x81", b"\x01\x00\x80"] {
        let frames = first_bytes.iter().flat_map(|first| {
            let head = [*first, 0x80 | 125, 0, 0, 0, 0];
            head.into_iter().chain([b'a'; 125])
        });
        let (flood, shutdown) = (Flood::of(frames.collect::<Vec<u8>>()), Shutdown::new());
        let n_read = flood.n_read();
        let (handler, _) = noting(nothing);
        let connection = Connection::new(Foreign(flood), PeerInfo::default(), shutdown.clone());
        let config = Arc::new(Config::default());
        let mut served = pin!(serve(
            connection,
            Bytes::new(),
            Role::Server,
            None,
            handler,
            config
        ));
        let mut n_turns = 0;
        loop {
            let turn = poll_fn(|cx| Poll::Ready(served.as_mut().poll(cx))).await;
            let n_bytes = n_read.swap(0, Ordering::Relaxed);
            assert!(n_bytes <= 5 << 20, "{n_bytes} in one turn");
            if turn.is_ready() {
                break;
            }
            n_turns += 1;
            if n_turns == 3 {
                shutdown.advance(Phase::Draining);
            }
            assert!(n_turns < 60, "it never answers our Close frame");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(n_turns > 3);
    }
}

#[tokio::test]
async fn who_sends_without_end_does_not_keep_the_runtime_from_other_streams() {
    let flood = Flood::of([&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'a'; 125]].concat());
    let n_read = flood.n_read();
    let (handler, _) = noting(nothing);
    let connection = Connection::new(Foreign(flood), PeerInfo::default(), Shutdown::new());
    let config = Arc::new(Config::default());
    let served = serve(
        connection,
        Bytes::new(),
        Role::Server,
        None,
        handler,
        config,
    );
    let served = tokio::spawn(async { drop(served.await) });
    for _ in 0..3 {
        let (mut far, near) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let near = tokio::net::UnixStream::from_std(near).unwrap();
        n_read.store(0, Ordering::Relaxed);
        io::Write::write_all(&mut far, b"a").unwrap();
        near.readable().await.unwrap();
        let n_bytes = n_read.load(Ordering::Relaxed);
        assert!(n_bytes <= 16 << 20, "{n_bytes} before another was seen");
    }
    served.abort();
}

//! Handlers over streams: the order of callbacks, what peers write, and the end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use astatine_reactor::handler::{
    Handler, HandlerConfig, Message, Peer, Policy, Protocol, Raw, RawProtocol, Reason, Turn,
    WriteError, drive,
};
use astatine_reactor::test_util::{Call, Calls, noting};
use astatine_reactor::{Connection, Foreign, Io, PeerInfo, Phase, Shutdown, Socket, serve};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A connection in memory with a handler at its other end.
pub(crate) struct Far {
    pub(crate) stream: DuplexStream,
    pub(crate) calls: Calls,
    pub(crate) shutdown: Shutdown,
    pub(crate) server: JoinHandle<Reason>,
}

impl Far {
    pub(crate) fn connect<F>(n_pipe_bytes: usize, config: HandlerConfig, also: F) -> Self
    where
        F: FnMut(&Peer, &Call) + Send + 'static,
    {
        let (handler, calls) = noting(also);
        let (stream, io) = duplex(n_pipe_bytes);
        let shutdown = Shutdown::new();
        let connection = Connection::new(Foreign(io), PeerInfo::default(), shutdown.clone());
        let handler = Box::new(handler);
        let server = drive(connection, Bytes::new(), RawProtocol, handler, config);
        let server = tokio::spawn(server);
        Self {
            stream,
            calls,
            shutdown,
            server,
        }
    }

    /// Waits for the end, and returns all calls.
    pub(crate) async fn end(self) -> Vec<Call> {
        drop(self.stream);
        self.server.await.unwrap();
        self.calls.take()
    }
}

/// Serves a stream with a handler.
pub(crate) fn driven(
    io: impl Io + 'static,
    protocol: impl Protocol,
    handler: impl Handler,
    config: HandlerConfig,
) -> JoinHandle<Reason> {
    let connection = Connection::new(io, PeerInfo::default(), Shutdown::new());
    let handler = Box::new(handler);
    tokio::spawn(drive(connection, Bytes::new(), protocol, handler, config))
}

/// As [`driven`], a raw stream.
pub(crate) fn served(io: impl Io + 'static, handler: impl Handler) -> JoinHandle<Reason> {
    driven(io, RawProtocol, handler, HandlerConfig::default())
}

/// Waits until the handler is open.
pub(crate) async fn opened(calls: &Calls) -> Peer {
    while !calls.has(&Call::Open) {
        tokio::task::yield_now().await;
    }
    calls.peer()
}

/// Sends messages back.
pub(crate) fn echo(peer: &Peer, call: &Call) {
    if let Call::Message(message) = call {
        peer.write(message.clone()).unwrap();
    }
}

/// What a stream without messages of its own gives.
pub(crate) fn message(bytes: &'static str) -> Call {
    Call::Message(Message::binary(bytes))
}

pub(crate) fn remote() -> Call {
    Call::Close(Reason::Remote {
        code: None,
        text: String::new(),
    })
}

#[tokio::test]
async fn what_another_thread_writes_in_a_turn_has_its_place_among_what_the_handler_writes() {
    let mut far = Far::connect(64, HandlerConfig::default(), |peer, call| {
        if let Call::Message(_) = call {
            peer.write("a").unwrap();
            assert_eq!(peer.pending(), 1);
            let other = peer.clone();
            let thread = std::thread::spawn(move || other.write("b").unwrap());
            thread.join().unwrap();
            peer.write("c").unwrap();
            peer.write_urgent("!").unwrap();
            assert_eq!(peer.pending(), 4);
        }
    });
    for _ in 0..2 {
        far.stream.write_all(b"x").await.unwrap();
        let mut written = [0; 4];
        far.stream.read_exact(&mut written).await.unwrap();
        assert_eq!(&written, b"!abc");
    }
}

#[tokio::test]
async fn what_a_handler_writes_in_one_turn_is_bounded() {
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 8;
    let mut far = Far::connect(64, config, |peer, call| {
        if let Call::Message(_) = call {
            peer.write("01234").unwrap();
            peer.write("56789").unwrap();
            assert_eq!(peer.write("more"), Err(WriteError::Full));
        }
    });
    far.stream.write_all(b"x").await.unwrap();
    let mut written = [0; 10];
    far.stream.read_exact(&mut written).await.unwrap();
    assert_eq!(&written, b"0123456789");
    assert!(far.end().await.contains(&Call::Drained));
}

#[tokio::test]
async fn a_handler_that_panics_in_its_turn_leaves_the_thread_to_others() {
    for also in [true, false] {
        let mut far = Far::connect(64, HandlerConfig::default(), move |peer, call| {
            if let Call::Message(_) = call {
                peer.write("a").unwrap();
                assert!(!also, "a panic in a turn");
                assert_eq!(peer.pending(), 1);
            }
        });
        far.stream.write_all(b"x").await.unwrap();
        let mut written = Vec::new();
        if also {
            far.stream.read_to_end(&mut written).await.unwrap();
        } else {
            written.resize(1, 0);
            far.stream.read_exact(&mut written).await.unwrap();
        }
        assert_eq!(written, if also { &b""[..] } else { b"a" });
    }
}

#[tokio::test]
async fn open_comes_first_and_close_last() {
    let mut far = Far::connect(64, HandlerConfig::default(), |peer, call| {
        if let Call::Message(message) = call {
            peer.write(message.payload().to_ascii_uppercase()).unwrap();
        }
    });
    far.stream.write_all(b"ab").await.unwrap();
    let mut echo = [0; 2];
    far.stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"AB");
    let expected = [Call::Open, message("ab"), remote()];
    assert_eq!(far.end().await, expected);
}

#[tokio::test]
async fn what_was_written_reaches_an_end_that_has_said_all() {
    let mut far = Far::connect(4, HandlerConfig::default(), |peer, call| {
        if let Call::Message(_) = call {
            peer.write("0123456789").unwrap();
        }
    });
    far.stream.write_all(b"a").await.unwrap();
    far.stream.shutdown().await.unwrap();
    let mut text = String::new();
    far.stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "0123456789");
}

#[tokio::test]
async fn ten_megabytes_written_before_a_close_arrive() {
    let mut far = Far::connect(1 << 16, HandlerConfig::default(), |peer, call| {
        if *call == Call::Open {
            peer.write(vec![b'x'; 10 << 20]).unwrap();
            peer.close();
            assert_eq!(peer.write("late"), Err(WriteError::Closed));
        }
    });
    let mut bytes = Vec::new();
    far.stream.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, vec![b'x'; 10 << 20]);
    assert_eq!(far.end().await.last(), Some(&Call::Close(Reason::Local)));
}

#[tokio::test]
async fn a_full_outbox_refuses_and_is_drained_once() {
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 100;
    let n_taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_taken);
    let mut far = Far::connect(16, config, move |peer, call| {
        if *call == Call::Open {
            while peer.write("0123456789").is_ok() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            assert_eq!(peer.write("x"), Err(WriteError::Full));
        }
    });
    let mut bytes = vec![0; 100];
    far.stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(n_taken.load(Ordering::Relaxed), 10);
    far.stream.shutdown().await.unwrap();
    let expected = [Call::Open, Call::Drained, remote()];
    assert_eq!(far.end().await, expected);
}

#[tokio::test]
async fn another_handler_takes_over_between_two_messages() {
    let (next, second) = noting(|peer, call| {
        if *call == Call::Open {
            peer.write("next").unwrap();
        }
    });
    let mut next = Some(next);
    let mut far = Far::connect(64, HandlerConfig::default(), move |peer, call| {
        if let Call::Message(_) = call {
            peer.set_handler(next.take().unwrap());
        }
    });
    far.stream.write_all(b"a").await.unwrap();
    let mut next = [0; 4];
    far.stream.read_exact(&mut next).await.unwrap();
    far.stream.write_all(b"b").await.unwrap();
    let first = far.end().await;
    let replaced = Call::Close(Reason::Replaced);
    assert_eq!(first, [Call::Open, message("a"), replaced]);
    let expected = [Call::Open, message("b"), remote()];
    assert_eq!(second.take(), expected);
}

/// Waits for a permit behind each message.
struct Waiting {
    permits: Arc<tokio::sync::Semaphore>,
    calls: Calls,
}

impl Handler for Waiting {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message.payload().clone()).unwrap();
        Turn::Wait(Box::pin(async {
            self.permits.acquire().await.unwrap().forget();
        }))
    }

    fn close(&mut self, _peer: &Peer, reason: Reason) {
        self.calls.note(Call::Close(reason));
    }
}

fn waiting(io: DuplexStream) -> (JoinHandle<Reason>, Arc<tokio::sync::Semaphore>, Calls) {
    let permits = Arc::new(tokio::sync::Semaphore::new(0));
    let calls = Calls::default();
    let handler = Waiting {
        permits: Arc::clone(&permits),
        calls: calls.clone(),
    };
    (served(Foreign(io), handler), permits, calls)
}

#[tokio::test]
async fn a_handler_that_waits_holds_the_other_end_back_and_still_writes() {
    let (mut far, near) = duplex(4);
    let (server, permits, _calls) = waiting(near);
    let mut echo = [0; 1];
    far.write_all(b"a").await.unwrap();
    far.read_exact(&mut echo).await.unwrap();
    // The pipe takes four bytes and no more, since nobody reads.
    far.write_all(b"bcde").await.unwrap();
    assert!(futures_pending(far.write_all(b"f")).await);
    permits.add_permits(2);
    let mut rest = [0; 4];
    far.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"bcde");
    drop(far);
    server.abort();
}

async fn futures_pending(future: impl Future) -> bool {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[tokio::test]
async fn a_connection_that_is_cut_while_its_handler_waits_closes_it_once() {
    let (mut far, near) = duplex(64);
    let (server, _permits, calls) = waiting(near);
    far.write_all(b"a").await.unwrap();
    far.read_exact(&mut [0]).await.unwrap();
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    assert_eq!(calls.take(), [Call::Close(Reason::Aborted)]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_pinged_and_then_closed() {
    let far = Far::connect(64, HandlerConfig::default(), |_, _| {});
    let begun = tokio::time::Instant::now();
    let Far {
        stream,
        calls,
        server,
        ..
    } = far;
    let mut stream = stream;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert!(begun.elapsed() >= Duration::from_secs(80));
    drop(stream);
    server.await.unwrap();
    let expected = [Call::Open, Call::Ping, Call::Close(Reason::TimedOut)];
    assert_eq!(calls.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_writes_at_each_ping_keeps_the_connection() {
    let mut far = Far::connect(64, HandlerConfig::default(), |peer, call| {
        if *call == Call::Ping {
            peer.write("?").unwrap();
        }
    });
    let mut pings = [0; 5];
    far.stream.read_exact(&mut pings).await.unwrap();
    let calls = far.end().await;
    assert_eq!(calls[1..6], vec![Call::Ping; 5]);
}

#[tokio::test]
async fn a_server_that_ends_says_so_before_it_closes() {
    let mut far = Far::connect(64, HandlerConfig::default(), |peer, call| {
        if *call == Call::Shutdown {
            peer.write("bye").unwrap();
        }
    });
    far.shutdown.advance(Phase::Draining);
    let mut text = String::new();
    far.stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye");
    let expected = [Call::Open, Call::Shutdown, Call::Close(Reason::Shutdown)];
    assert_eq!(far.end().await, expected);
}

#[tokio::test]
async fn a_handle_that_outlives_its_connection_is_harmless() {
    let far = Far::connect(64, HandlerConfig::default(), |_, _| {});
    let peer = opened(&far.calls).await;
    far.end().await;
    assert!(!peer.is_open());
    assert_eq!(peer.write("a"), Err(WriteError::Closed));
    peer.set_handler(noting(|_, _| unreachable!("it is never opened")).0);
    peer.set_timeout(None);
    peer.close();
    peer.abort();
    peer.flush();
}

/// Writes from several threads at once, over a socket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_threads_write_arrives_whole_and_in_the_order_of_each() {
    const N_THREADS: usize = 4;
    const N_MESSAGES: usize = 2000;
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut far = tokio::net::UnixStream::from_std({
        far.set_nonblocking(true).unwrap();
        far
    })
    .unwrap();
    let mut config = HandlerConfig::default();
    config.outbox_bytes = usize::MAX;
    let (handler, _) = noting(|peer, call| {
        if *call == Call::Open {
            for thread in 0..N_THREADS {
                let peer = peer.clone();
                std::thread::spawn(move || {
                    for n in 0..N_MESSAGES {
                        let line = Message::text(format!("{thread} {n}\n"));
                        if thread % 2 == 0 {
                            peer.write(line).unwrap();
                        } else {
                            let delivered = peer.deliver_now(&line, 1, Policy::Close);
                            assert!(delivered.unwrap().is_taken);
                        }
                    }
                });
            }
        }
    });
    let server = driven(
        Socket::try_from(near).unwrap(),
        RawProtocol,
        handler,
        config,
    );
    let mut next = [0; N_THREADS];
    let (mut buf, mut line) = (vec![0; 1000], String::new());
    while next.iter().any(|n| *n < N_MESSAGES) {
        let n = far.read(&mut buf).await.unwrap();
        for byte in &buf[..n] {
            if *byte != b'\n' {
                line.push(char::from(*byte));
                continue;
            }
            let (thread, n) = line.split_once(' ').unwrap();
            let (thread, n): (usize, usize) = (thread.parse().unwrap(), n.parse().unwrap());
            assert_eq!(next[thread], n);
            next[thread] += 1;
            line.clear();
        }
    }
    drop(far);
    server.await.unwrap();
}

#[tokio::test]
async fn raw_connections_are_served_from_a_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let raw = Raw::new(|_| noting(echo).0);
    let server = tokio::spawn(serve(listener, raw).into_future());
    let mut client = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        client.write_all(b"hello").await.unwrap();
        let mut echo = [0; 5];
        client.read_exact(&mut echo).await.unwrap();
        assert_eq!(&echo, b"hello");
    }
    server.abort();
}

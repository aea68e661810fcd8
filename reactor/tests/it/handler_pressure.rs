//! Handlers whose other end takes too little, or nothing, and what that costs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use astatine_reactor::handler::{
    Answer, Encoding, Event, Form, Handler, HandlerConfig, Message, Peer, Policy, Protocol,
    RawProtocol, Reason, Turn, WriteError, drive,
};
use astatine_reactor::test_util::{Call, Calls, noting};
use astatine_reactor::{
    Connection, Direct, DirectSocket, FileRegion, Foreign, Io, PeerInfo, Shutdown, Socket,
};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf, duplex};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::handler::{Far, driven, echo, opened, remote, served};

/// Answers each byte by itself, and asks for an answer to its pings.
struct Answering;

impl Protocol for Answering {
    fn encoding(&self) -> Encoding {
        Encoding::Payload
    }

    fn receive(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) -> Option<Event> {
        output.extend_from_slice(input);
        input.clear();
        None
    }

    fn ping(&mut self, output: &mut Vec<u8>) -> Answer {
        output.push(b'?');
        Answer::Awaited
    }

    fn close(&mut self, _code: Option<u16>, _text: &str, _output: &mut Vec<u8>) -> bool {
        false
    }

    fn encode(&mut self, _message: &Message, _output: &mut Vec<u8>) {}
}

/// A connection over a socket, with a handle to it.
struct Local {
    stream: UnixStream,
    peer: Peer,
    calls: Calls,
    server: JoinHandle<Reason>,
}

async fn local(config: HandlerConfig, also: impl FnMut(&Peer, &Call) + Send + 'static) -> Local {
    let (near, far) = StdStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let (handler, calls) = noting(also);
    let server = driven(
        Socket::try_from(near).unwrap(),
        RawProtocol,
        handler,
        config,
    );
    let peer = opened(&calls).await;
    // The driver waits from now on.
    tokio::task::yield_now().await;
    Local {
        stream: UnixStream::from_std(far).unwrap(),
        peer,
        calls,
        server,
    }
}

fn small_outbox() -> HandlerConfig {
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 1000;
    config
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_takes_are_bounded() {
    let (mut far, near) = duplex(64);
    let (handler, calls) = noting(|_, _| {});
    let server = driven(Foreign(near), Answering, handler, small_outbox());
    let sent = far.write_all(&vec![b'x'; 1_000_000]).await;
    assert!(sent.is_err(), "all was taken in and answered into memory");
    server.await.unwrap();
    let expected = [Call::Open, Call::Close(Reason::SlowConsumer)];
    assert_eq!(calls.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn who_takes_a_long_message_slowly_is_not_taken_for_dead() {
    let (mut far, near) = duplex(1000);
    let (handler, calls) = noting(|peer, call| {
        if *call == Call::Open {
            peer.write(vec![b'x'; 300_000]).unwrap();
        }
    });
    let server = driven(Foreign(near), Answering, handler, HandlerConfig::default());
    // 300 seconds, in which no ping can come through.
    for _ in 0..300 {
        far.read_exact(&mut [0; 1000]).await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    drop(far);
    server.await.unwrap();
    assert_eq!(calls.take().last(), Some(&remote()));
}

#[tokio::test]
async fn drained_comes_also_when_another_than_the_driver_has_written_all() {
    let Local {
        mut stream,
        peer,
        calls,
        server,
    } = local(small_outbox(), |_, _| {}).await;
    let message = Message::from(vec![b'x'; 1000]);
    let delivered = peer.deliver(&message, 1, Policy::Close).unwrap();
    assert!(delivered.is_taken);
    assert_eq!(peer.write("y"), Err(WriteError::Full));
    peer.flush();
    assert_eq!(peer.pending(), 0);
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(calls.take(), [Call::Open, Call::Drained]);
    drop(stream);
    server.await.unwrap();
}

#[tokio::test]
async fn a_message_that_has_begun_to_leave_at_once_does_not_give_way_to_newer_ones() {
    const N_BYTES: usize = 1 << 20;
    let Local {
        mut stream,
        peer,
        calls,
        server,
    } = local(HandlerConfig::default(), |_, _| {}).await;
    let mut n_dropped = Vec::new();
    for message in [Message::from(vec![b'x'; N_BYTES]), "a".into(), "b".into()] {
        let delivered = peer.deliver_now(&message, 1, Policy::KeepLatest).unwrap();
        assert!(delivered.is_taken);
        n_dropped.push(delivered.n_dropped);
    }
    assert_eq!(n_dropped, [0, 0, 1]);
    assert!((2..N_BYTES).contains(&peer.pending()), "some has left");
    let mut received = vec![0; N_BYTES + 1];
    stream.read_exact(&mut received).await.unwrap();
    assert!(received[..N_BYTES].iter().all(|byte| *byte == b'x'));
    assert_eq!(received[N_BYTES], b'b');
    drop(stream);
    server.await.unwrap();
    assert_eq!(calls.take(), [Call::Open, Call::Drained, remote()]);
}

#[tokio::test(start_paused = true)]
async fn what_peers_write_past_the_driver_keeps_a_raw_connection() {
    let Local {
        mut stream,
        peer,
        calls,
        server,
    } = local(HandlerConfig::default(), |_, _| {}).await;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        peer.write("x").unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
    }
    drop(stream);
    server.await.unwrap();
    assert_eq!(calls.take(), [Call::Open, remote()]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_writes_at_each_ping_keeps_its_socket() {
    let write = |peer: &Peer, call: &Call| {
        if *call == Call::Ping {
            peer.write("?").unwrap();
        }
    };
    let Local {
        mut stream,
        calls,
        server,
        ..
    } = local(HandlerConfig::default(), write).await;
    for _ in 0..5 {
        stream.read_exact(&mut [0]).await.unwrap();
    }
    drop(stream);
    server.await.unwrap();
    assert_eq!(calls.take()[1..6], vec![Call::Ping; 5]);
}

#[tokio::test]
async fn what_a_callback_writes_waits_for_its_end() {
    let pending = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&pending);
    let write = move |peer: &Peer, call: &Call| {
        if *call == Call::Drained {
            peer.write("ab").unwrap();
            peer.write("cd").unwrap();
            *seen.lock().unwrap() = peer.pending();
        }
    };
    let Local {
        mut stream, peer, ..
    } = local(small_outbox(), write).await;
    let message = Message::from(vec![b'x'; 1000]);
    assert!(peer.deliver(&message, 1, Policy::Close).unwrap().is_taken);
    assert_eq!(peer.write("y"), Err(WriteError::Full));
    peer.flush();
    stream.read_exact(&mut [0; 1004]).await.unwrap();
    assert_eq!(*pending.lock().unwrap(), 4);
}

#[tokio::test]
async fn empty_messages_hold_nothing_up() {
    let mut far = Far::connect(64, HandlerConfig::default(), |peer, call| {
        if let Call::Message(_) = call {
            for _ in 0..100 {
                let empty = Message::binary("");
                peer.deliver(&empty, 1, Policy::DropOldest).unwrap();
            }
            peer.write("end").unwrap();
        }
    });
    far.stream.write_all(b"a").await.unwrap();
    let mut end = [0; 3];
    far.stream.read_exact(&mut end).await.unwrap();
    assert_eq!(&end, b"end");
}

#[tokio::test]
async fn a_stream_that_gathers_what_is_written_is_flushed() {
    let (mut far, near) = duplex(64);
    let server = served(Foreign(BufStream::new(near)), noting(echo).0);
    far.write_all(b"a").await.unwrap();
    let echo = tokio::time::timeout(Duration::from_secs(5), far.read_exact(&mut [0])).await;
    echo.expect("it is not kept back").unwrap();
    server.abort();
}

#[tokio::test]
async fn small_messages_that_may_be_dropped_count_for_what_they_cost() {
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 64_000;
    let far = Far::connect(64, config, |peer, call| {
        if *call == Call::Open {
            let message = Message::binary("x").shared();
            for _ in 0..10_000 {
                peer.deliver(&message, 1, Policy::DropOldest).unwrap();
            }
            assert!(peer.pending() <= 1000, "{} pieces", peer.pending());
        }
    });
    far.end().await;
}

/// Counts how often it encodes.
struct Counted;

static N_ENCODED: AtomicUsize = AtomicUsize::new(0);

impl Protocol for Counted {
    fn encoding(&self) -> Encoding {
        Encoding::Shared {
            form: |_| Form::Event,
            encode: |message, output| {
                N_ENCODED.fetch_add(1, Ordering::Relaxed);
                output.extend_from_slice(message.payload());
            },
            head: None,
        }
    }

    fn receive(&mut self, _input: &mut BytesMut, _output: &mut Vec<u8>) -> Option<Event> {
        None
    }

    fn ping(&mut self, _output: &mut Vec<u8>) -> Answer {
        Answer::NotAwaited
    }

    fn close(&mut self, _code: Option<u16>, _text: &str, _output: &mut Vec<u8>) -> bool {
        false
    }

    fn encode(&mut self, _message: &Message, _output: &mut Vec<u8>) {}
}

#[tokio::test]
async fn a_shared_message_is_encoded_once_however_many_it_is_written_to() {
    let message = Message::text("a").shared();
    for _ in 0..3 {
        let (mut far, near) = duplex(64);
        let message = message.clone();
        let (handler, _) = noting(move |peer, call| {
            if *call == Call::Open {
                peer.write(message.clone()).unwrap();
            }
        });
        let server = driven(Foreign(near), Counted, handler, HandlerConfig::default());
        far.read_exact(&mut [0]).await.unwrap();
        drop(far);
        server.await.unwrap();
    }
    assert_eq!(N_ENCODED.load(Ordering::Relaxed), 1);
}

/// A socket that takes nothing, and counts how often it is tried.
#[derive(Default)]
struct Full {
    n_tried: AtomicUsize,
}

impl DirectSocket for Full {
    fn try_writev(&self, _bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.n_tried.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn try_writev_more(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_writev(bufs)
    }

    fn try_send_file(&self, _: &FileRegion, _: u64, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn poll_write_ready(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// The stream of that socket.
struct FullStream(Arc<Full>);

impl AsyncRead for FullStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for FullStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Io for FullStream {
    fn direct(&self) -> Option<Direct> {
        Some(Direct::new(Arc::clone(&self.0) as Arc<dyn DirectSocket>))
    }
}

#[tokio::test]
async fn a_socket_that_is_full_is_not_tried_by_everybody() {
    let socket = Arc::new(Full::default());
    let (handler, calls) = noting(|_, _| {});
    let server = served(FullStream(Arc::clone(&socket)), handler);
    let peer = opened(&calls).await;
    tokio::task::yield_now().await;
    for _ in 0..100 {
        peer.write("x").unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(socket.n_tried.load(Ordering::Relaxed), 1);
    assert_eq!(peer.pending(), 100);
    server.abort();
}

/// Writes numbers, as many as there is room for at a time.
fn write_on(peer: &Peer, next: &mut usize) {
    while *next < N_NUMBERS && peer.write(format!("{next}\n")).is_ok() {
        *next += 1;
    }
}

const N_NUMBERS: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_on_at_each_drained_comes_to_its_end_while_others_write() {
    let mut next = 0;
    let write = move |peer: &Peer, call: &Call| {
        if let Call::Open | Call::Drained = call {
            write_on(peer, &mut next);
        }
    };
    let Local {
        stream,
        peer,
        server,
        ..
    } = local(small_outbox(), write).await;
    let others: Vec<_> = (0..2)
        .map(|_| {
            let peer = peer.clone();
            // Refused where it is full, and at last where it is closed.
            std::thread::spawn(move || {
                while peer.write("other\n") != Err(WriteError::Closed) {
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stream));
    let mut expected = 0;
    while expected < N_NUMBERS {
        let line = lines.next_line().await.unwrap().unwrap();
        if line != "other" {
            assert_eq!(line, expected.to_string());
            expected += 1;
        }
    }
    peer.abort();
    server.await.unwrap();
    for other in others {
        other.join().unwrap();
    }
}

/// Tells whether it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits, behind the first message, for what it is told.
struct Waiting {
    told: Option<oneshot::Receiver<()>>,
    tell_peer: Option<oneshot::Sender<Peer>>,
}

impl Handler for Waiting {
    fn message(&mut self, peer: &Peer, _message: Message) -> Turn<'_> {
        let tell_peer = self.tell_peer.take().unwrap();
        tell_peer.send(peer.clone()).unwrap();
        let told = self.told.take().unwrap();
        Turn::Wait(Box::pin(async { told.await.unwrap() }))
    }
}

#[tokio::test]
async fn a_connection_that_comes_back_to_a_task_is_woken_there() {
    let (tell, told) = oneshot::channel();
    let (tell_peer, mut peer) = oneshot::channel();
    let handler = Waiting {
        told: Some(told),
        tell_peer: Some(tell_peer),
    };
    let (mut far, near) = duplex(16);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let (handler, config) = (Box::new(handler), HandlerConfig::default());
    let driving = drive(connection, Bytes::new(), RawProtocol, handler, config);
    let mut driving = Box::pin(driving);
    let mut poll = |woken: &Arc<Woken>| {
        let waker = Waker::from(Arc::clone(woken));
        let polled = driving.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    };
    let (home, away) = <(Arc<Woken>, Arc<Woken>)>::default();
    poll(&home);
    far.write_all(b"a").await.unwrap();
    poll(&home);
    poll(&away);
    tell.send(()).unwrap();
    poll(&home);
    home.0.store(false, Ordering::Relaxed);
    peer.try_recv().unwrap().close();
    assert!(home.0.load(Ordering::Relaxed));
}

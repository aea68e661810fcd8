//! How connections with handlers end: what still leaves, who is told, and in what time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use astatine_reactor::handler::{Handler, HandlerConfig, Message, Peer, Raw, Reason, Turn};
use astatine_reactor::{Connection, Foreign, PeerInfo, Phase, Shutdown};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};

use crate::handler::{Call, Calls, Far, taken};

#[tokio::test(start_paused = true)]
async fn what_waits_at_a_close_leaves_however_slowly_it_is_taken() {
    let mut far = Far::connect(1000, HandlerConfig::default(), |peer, call| {
        if *call == Call::Open {
            peer.write(vec![b'x'; 200_000]).unwrap();
            peer.close();
        }
    });
    for _ in 0..200 {
        far.stream.read_exact(&mut [0; 1000]).await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(far.stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(far.end().await.last(), Some(&Call::Close(Reason::Local)));
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_what_waits_at_a_close_is_cut_off() {
    let Far {
        stream,
        calls,
        server,
        ..
    } = Far::connect(4, HandlerConfig::default(), |peer, call| {
        if *call == Call::Open {
            peer.write("0123456789").unwrap();
            peer.close();
        }
    });
    server.await.unwrap();
    drop(stream);
    let expected = [Call::Open, Call::Close(Reason::SlowConsumer)];
    assert_eq!(taken(&calls), expected);
}

/// A stream that never gets done with its end.
struct Endless(DuplexStream);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Endless {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_gets_done_with_its_end_is_given_up() {
    let (far, near) = duplex(64);
    let raw = Raw::new(|_| Closing);
    let connection = Connection::new(Foreign(Endless(near)), PeerInfo::default(), Shutdown::new());
    let served = tokio::time::timeout(Duration::from_secs(60), raw.serve(connection));
    served.await.expect("there is a time for it");
    drop(far);
}

struct Closing;

impl Handler for Closing {
    fn open(&mut self, peer: &Peer) {
        peer.close();
    }
}

/// Waits for ever behind its first message.
struct Stuck {
    calls: Calls,
}

impl Handler for Stuck {
    fn message(&mut self, _peer: &Peer, _message: Message) -> Turn<'_> {
        self.calls
            .lock()
            .unwrap()
            .push(Call::Message(String::new()));
        Turn::Wait(Box::pin(std::future::pending()))
    }

    fn shutdown(&mut self, peer: &Peer) {
        self.calls.lock().unwrap().push(Call::Shutdown);
        peer.write("bye").unwrap();
    }

    fn close(&mut self, _peer: &Peer, reason: Reason) {
        self.calls.lock().unwrap().push(Call::Close(reason));
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_hears_that_the_server_ends() {
    let calls = Calls::default();
    let (mut far, near) = duplex(64);
    let shutdown = Shutdown::new();
    let handler_calls = Arc::clone(&calls);
    let raw = Raw::new(move |_| Stuck {
        calls: Arc::clone(&handler_calls),
    });
    let connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown.clone());
    let server = tokio::spawn(raw.serve(connection));
    far.write_all(b"a").await.unwrap();
    while calls.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    shutdown.advance(Phase::Draining);
    let mut text = String::new();
    let read = far.read_to_string(&mut text);
    let ended = tokio::time::timeout(Duration::from_secs(60), read).await;
    ended.expect("it ends").unwrap();
    assert_eq!(text, "bye");
    drop(far);
    server.await.unwrap();
    let expected = [
        Call::Message(String::new()),
        Call::Shutdown,
        Call::Close(Reason::Shutdown),
    ];
    assert_eq!(taken(&calls), expected);
}

/// Panics in its first message, and again when it is closed.
struct Panicking(Arc<Mutex<u32>>);

impl Handler for Panicking {
    fn message(&mut self, _peer: &Peer, _message: Message) -> Turn<'_> {
        panic!("a fault of the application")
    }

    fn close(&mut self, _peer: &Peer, _reason: Reason) {
        *self.0.lock().unwrap() += 1;
        panic!("and another")
    }
}

#[tokio::test]
async fn a_handler_that_panics_twice_ends_its_connection_and_no_more() {
    let n_closed = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&n_closed);
    let raw = Raw::new(move |_| Panicking(Arc::clone(&counter)));
    let (mut far, near) = duplex(64);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let server = tokio::spawn(raw.serve(connection));
    far.write_all(b"a").await.unwrap();
    assert!(server.await.unwrap_err().is_panic());
    assert_eq!(*n_closed.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_takes_nothing_more_when_its_handler_is_closed() {
    let is_open = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&is_open);
    let far = Far::connect(64, HandlerConfig::default(), move |peer, call| {
        if let Call::Close(_) = call {
            *seen.lock().unwrap() = Some(peer.is_open() || peer.write("late").is_ok());
        }
    });
    while taken(&far.calls).is_empty() {
        tokio::task::yield_now().await;
    }
    far.server.abort();
    assert!(far.server.await.unwrap_err().is_cancelled());
    assert_eq!(*is_open.lock().unwrap(), Some(false));
}

/// Gives its connection to another of its kind as soon as it has it.
struct Restless(Arc<Mutex<u32>>);

impl Handler for Restless {
    fn open(&mut self, peer: &Peer) {
        *self.0.lock().unwrap() += 1;
        if *self.0.lock().unwrap() < 100_000 {
            peer.set_handler(Self(Arc::clone(&self.0)));
        }
    }
}

#[tokio::test]
async fn handlers_that_replace_each_other_leave_others_their_turn() {
    let n_opened = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&n_opened);
    let raw = Raw::new(move |_| Restless(Arc::clone(&counter)));
    let (_far, near) = duplex(64);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let server = tokio::spawn(raw.serve(connection));
    // Its turn comes behind the server's first.
    let next = tokio::spawn(async move { *n_opened.lock().unwrap() });
    assert!(next.await.unwrap() < 1000);
    server.abort();
}

#[tokio::test]
async fn what_a_connection_keeps_goes_with_it_whichever_way_it_ends() {
    type End = fn(&Peer, &tokio::task::JoinHandle<()>);
    let ends: [End; 3] = [
        |peer, _| peer.close(),
        |peer, _| peer.abort(),
        |_, server| server.abort(),
    ];
    for end in ends {
        let kept = Arc::new(());
        let peers = Arc::new(Mutex::new(Vec::new()));
        let (value, seen) = (Arc::clone(&kept), Arc::clone(&peers));
        let far = Far::connect(64, HandlerConfig::default(), move |peer, call| {
            if *call == Call::Open {
                peer.keep(Arc::clone(&value));
                seen.lock().unwrap().push(peer.clone());
            }
        });
        while taken(&far.calls).is_empty() {
            tokio::task::yield_now().await;
        }
        let peer = peers.lock().unwrap().remove(0);
        assert_eq!(Arc::strong_count(&kept), 3);
        end(&peer, &far.server);
        drop(far.stream);
        far.server.await.unwrap_or_default();
        assert_eq!(Arc::strong_count(&kept), 1);
        peer.keep(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}

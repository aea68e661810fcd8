//! How connections with handlers end: what still leaves, who is told, and in what time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use astatine_reactor::handler::{Handler, HandlerConfig, Message, Peer, Raw, Reason, Turn};
use astatine_reactor::test_util::{Call, Calls, noting};
use astatine_reactor::{Connection, Foreign, PeerInfo, Phase, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, join};

use crate::handler::{Far, message, opened, served};

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
    assert_eq!(calls.take(), expected);
}

/// Takes what is written, and never gets done with its end.
struct Endless;

impl AsyncWrite for Endless {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_gets_done_with_its_end_is_given_up() {
    let (far, near) = duplex(64);
    let (handler, _) = noting(|peer, _| peer.close());
    let served = served(Foreign(join(near, Endless)), handler);
    let served = tokio::time::timeout(Duration::from_secs(60), served);
    served.await.expect("there is a time for it").unwrap();
    drop(far);
}

/// Waits for ever behind its first message.
struct Stuck {
    calls: Calls,
}

impl Handler for Stuck {
    fn message(&mut self, _peer: &Peer, message: Message) -> Turn<'_> {
        self.calls.note(Call::Message(message));
        Turn::Wait(Box::pin(std::future::pending()))
    }

    fn shutdown(&mut self, peer: &Peer) {
        self.calls.note(Call::Shutdown);
        peer.write("bye").unwrap();
    }

    fn close(&mut self, _peer: &Peer, reason: Reason) {
        self.calls.note(Call::Close(reason));
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_hears_that_the_server_ends() {
    let calls = Calls::default();
    let (mut far, near) = duplex(64);
    let shutdown = Shutdown::new();
    let handler_calls = calls.clone();
    let raw = Raw::new(move |_| Stuck {
        calls: handler_calls.clone(),
    });
    let connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown.clone());
    let server = tokio::spawn(raw.serve(connection));
    far.write_all(b"a").await.unwrap();
    while !calls.has(&message("a")) {
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
    let expected = [message("a"), Call::Shutdown, Call::Close(Reason::Shutdown)];
    assert_eq!(calls.take(), expected);
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
    let (mut far, near) = duplex(64);
    let server = served(Foreign(near), Panicking(Arc::clone(&n_closed)));
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
    opened(&far.calls).await;
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
    let (_far, near) = duplex(64);
    let server = served(Foreign(near), Restless(Arc::clone(&n_opened)));
    // Its turn comes behind the server's first.
    let next = tokio::spawn(async move { *n_opened.lock().unwrap() });
    assert!(next.await.unwrap() < 1000);
    server.abort();
}

#[tokio::test]
async fn what_a_connection_keeps_goes_with_it_whichever_way_it_ends() {
    type End = fn(&Peer, &tokio::task::JoinHandle<Reason>);
    let ends: [End; 3] = [
        |peer, _| peer.close(),
        |peer, _| peer.abort(),
        |_, server| server.abort(),
    ];
    for end in ends {
        let kept = Arc::new(());
        let far = Far::connect(64, HandlerConfig::default(), |_, _| {});
        let peer = opened(&far.calls).await;
        peer.keep(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 2);
        end(&peer, &far.server);
        drop(far.stream);
        drop(far.server.await);
        assert_eq!(Arc::strong_count(&kept), 1);
        peer.keep(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}

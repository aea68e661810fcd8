//! Random closes from every side, on four threads: each handler sees its callbacks in their order.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use astatine_reactor::handler::{Handler, Message, Peer, Raw, Reason, Turn};
use astatine_reactor::{Phase, Shutdown, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What all handlers of a run count.
#[derive(Debug, Default)]
struct Counts {
    n_opened: AtomicUsize,
    n_closed: AtomicUsize,
    n_dropped: AtomicUsize,
    peers: Mutex<Vec<Peer>>,
}

/// Checks the order of its own callbacks.
struct Checked {
    counts: Arc<Counts>,
    is_inside: AtomicBool,
    is_open: bool,
    is_closed: bool,
}

impl Checked {
    fn new(counts: &Arc<Counts>) -> Self {
        Self {
            counts: Arc::clone(counts),
            is_inside: AtomicBool::new(false),
            is_open: false,
            is_closed: false,
        }
    }

    fn enter(&self) {
        assert!(!self.is_inside.swap(true, Ordering::SeqCst), "two at once");
        assert!(self.is_open, "before open");
        assert!(!self.is_closed, "after close");
    }

    fn leave(&self) {
        self.is_inside.store(false, Ordering::SeqCst);
    }
}

impl Handler for Checked {
    fn open(&mut self, peer: &Peer) {
        assert!(!self.is_open, "opened twice");
        self.is_open = true;
        self.counts.n_opened.fetch_add(1, Ordering::SeqCst);
        self.counts.peers.lock().unwrap().push(peer.clone());
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        self.enter();
        // The connection may close between the message and the answer.
        peer.write(message).unwrap_or_default();
        self.leave();
        if peer.pending() % 3 == 0 {
            return Turn::Next;
        }
        Turn::Wait(Box::pin(async {
            self.enter();
            tokio::task::yield_now().await;
            self.leave();
        }))
    }

    fn drained(&mut self, _peer: &Peer) {
        self.enter();
        self.leave();
    }

    fn shutdown(&mut self, _peer: &Peer) {
        self.enter();
        self.leave();
    }

    fn close(&mut self, _peer: &Peer, _reason: Reason) {
        assert!(self.is_open, "closed before open");
        assert!(!self.is_closed, "closed twice");
        self.is_closed = true;
        self.counts.n_closed.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.counts.n_dropped.fetch_add(1, Ordering::SeqCst);
        let is_unused = !self.is_open;
        assert!(self.is_closed || is_unused || std::thread::panicking());
    }
}

/// Numbers that look random, the same in every run (Knuth's multiplier).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, max: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % max
    }
}

/// Does something to a random connection, from this thread.
fn meddle(counts: &Arc<Counts>, numbers: &mut Numbers, n_made: &AtomicUsize) {
    let peer = {
        let peers = counts.peers.lock().unwrap();
        let Some(last) = peers.len().checked_sub(1) else {
            return;
        };
        peers[numbers.below(last as u64 + 1) as usize].clone()
    };
    match numbers.below(12) {
        0 => peer.close(),
        1 => peer.abort(),
        2 => peer.set_timeout(None),
        3 => {
            n_made.fetch_add(1, Ordering::SeqCst);
            peer.set_handler(Checked::new(counts));
        }
        4 => peer.write_urgent("urgent").unwrap_or_default(),
        _ => peer.write("from elsewhere").unwrap_or_default(),
    }
}

async fn client(address: std::net::SocketAddr, seed: u64) {
    let mut numbers = Numbers(seed);
    // It may be reset before the call is over.
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return;
    };
    let mut buf = [0; 4096];
    for _ in 0..numbers.below(40) {
        // The other end closes at random.
        if stream.write_all(b"message").await.is_err() {
            return;
        }
        if numbers.below(2) == 0 && !matches!(stream.read(&mut buf).await, Ok(n) if n > 0) {
            return;
        }
    }
    if numbers.below(2) == 0 {
        // Ends in good order; else it is reset where something is unread.
        drop(stream.shutdown().await);
        while matches!(stream.read(&mut buf).await, Ok(n) if n > 0) {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callbacks_keep_their_order_whoever_closes() {
    const N_CLIENTS: u64 = 300;
    let counts = Arc::new(Counts::default());
    let n_made = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let (handlers, made) = (Arc::clone(&counts), Arc::clone(&n_made));
    let raw = Raw::new(move |_| {
        made.fetch_add(1, Ordering::SeqCst);
        Checked::new(&handlers)
    });
    let server = tokio::spawn(
        serve(listener, raw)
            .with_shutdown(shutdown.clone())
            .into_future(),
    );
    let is_done = Arc::new(AtomicBool::new(false));
    let meddlers: Vec<_> = (0..3)
        .map(|seed| {
            let (counts, is_done) = (Arc::clone(&counts), Arc::clone(&is_done));
            let n_made = Arc::clone(&n_made);
            std::thread::spawn(move || {
                let mut numbers = Numbers(seed);
                while !is_done.load(Ordering::SeqCst) {
                    meddle(&counts, &mut numbers, &n_made);
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    let clients: Vec<_> = (0..N_CLIENTS)
        .map(|seed| tokio::spawn(client(address, seed + 1000)))
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    is_done.store(true, Ordering::SeqCst);
    for meddler in meddlers {
        meddler.join().unwrap();
    }
    shutdown.advance(Phase::Draining);
    server.await.unwrap().unwrap();
    counts.peers.lock().unwrap().clear();
    let count = |n: &AtomicUsize| n.load(Ordering::SeqCst);
    assert_eq!(count(&counts.n_closed), count(&counts.n_opened));
    assert_eq!(count(&counts.n_dropped), count(&n_made));
    assert!(count(&counts.n_opened) > 0);
}

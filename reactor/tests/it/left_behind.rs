//! What a connection leaves behind, however it ends: nothing but handles that do no harm.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use astatine_reactor::handler::{
    Handler, Message, Peer, PeerId, Policy, Raw, Reason, Trigger, Turn, WriteError,
};
use astatine_reactor::test_util::{Cut, Faults, faulty_io, noting};
use astatine_reactor::{Connection, Foreign, PeerInfo, Phase, Shutdown, serve};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};

use crate::handler::{opened, served};

/// A value that counts how many of its kind there are.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What outlives a connection.
type Handles = (Peer, Trigger<Alive>);

/// Has a value of each kind that belongs to a connection: its own, one kept, a handler to come, a
/// payload on its way, and the future that is waited for.
struct Owner {
    own: Alive,
    handles: Arc<Mutex<Vec<Handles>>>,
}

impl Owner {
    fn told(&mut self, _peer: &Peer, _payload: Alive) {}
}

impl Handler for Owner {
    fn open(&mut self, peer: &Peer) {
        let trigger = peer.trigger(Self::told);
        let mut handles = self.handles.lock().unwrap();
        handles.push((peer.clone(), trigger));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        let count = &self.own.0;
        peer.keep(Alive::new(count));
        peer.trigger(Self::told)
            .fire(Alive::new(count))
            .unwrap_or_default();
        // It may be full or closing.
        peer.write(message.payload().clone()).unwrap_or_default();
        if message.payload().contains(&b'!') {
            peer.set_handler(Self {
                own: Alive::new(count),
                handles: Arc::clone(&self.handles),
            });
        }
        let held = Alive::new(count);
        Turn::Wait(Box::pin(async move {
            tokio::task::yield_now().await;
            drop(held);
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn everything_goes_with_its_connection_wherever_that_is_cut() {
    const SENT: &[u8] = b"first!second!third";
    let count = Arc::new(AtomicUsize::new(0));
    let handles = Arc::new(Mutex::new(Vec::new()));
    let cuts = (0..=SENT.len() as u64).flat_map(|at| {
        [
            Cut::InputEnds(at),
            Cut::ResetBehindRead(at),
            Cut::ResetBehindWritten(at),
        ]
    });
    for (seed, cut) in cuts.enumerate() {
        let plain = [
            Faults::none(),
            Faults::one_byte(),
            Faults::random(seed as u64),
        ];
        for faults in plain.map(|faults| faults.cut(cut)) {
            let (mut far, near) = duplex(8);
            let shutdown = Shutdown::new();
            let mut connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown);
            connection.io = faulty_io(connection.io, &faults);
            let (alive, handles) = (Arc::clone(&count), Arc::clone(&handles));
            let raw = Raw::new(move |_| Owner {
                own: Alive::new(&alive),
                handles: Arc::clone(&handles),
            });
            let serving = tokio::spawn(raw.serve(connection));
            drop(raw);
            let exchange = async {
                // The connection is cut somewhere in it.
                if far.write_all(SENT).await.is_ok() {
                    far.read_to_end(&mut Vec::new()).await.unwrap_or_default();
                }
                drop(far);
            };
            // An end of the stream that the other side does not see ends with this.
            tokio::time::timeout(Duration::from_secs(1), exchange)
                .await
                .unwrap_or_default();
            serving.await.unwrap();
            assert_eq!(count.load(Ordering::SeqCst), 0, "{faults:?}");
        }
    }
    check_stale(&handles.lock().unwrap(), &count);
}

/// Uses each handle in every way, long after its connection.
fn check_stale(handles: &[Handles], count: &Arc<AtomicUsize>) {
    for (peer, trigger) in handles {
        assert!(!peer.is_open());
        assert_eq!(peer.pending(), 0);
        assert_eq!(peer.write("a"), Err(WriteError::Closed));
        assert_eq!(peer.write_urgent("a"), Err(WriteError::Closed));
        assert!(trigger.fire(Alive::new(count)).is_err());
        peer.keep(Alive::new(count));
        peer.set_handler(Owner {
            own: Alive::new(count),
            handles: Arc::default(),
        });
        peer.set_timeout(None);
        peer.flush();
        peer.close();
        peer.abort();
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

/// Closes after one message, and keeps its id and a handle.
struct Short(Arc<Mutex<Vec<(PeerId, Peer)>>>);

impl Handler for Short {
    fn open(&mut self, peer: &Peer) {
        self.0.lock().unwrap().push((peer.id(), peer.clone()));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message).unwrap();
        peer.close();
        Turn::Next
    }

    fn close(&mut self, peer: &Peer, _reason: Reason) {
        // Descriptors are used again by now; handles of those before must not reach the new ones.
        for (_, other) in self.0.lock().unwrap().iter() {
            if other != peer && !other.is_open() {
                other.write("stale").unwrap_err();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ids_are_never_used_again_and_stale_handles_reach_nobody() {
    const N_CLIENTS: usize = 200;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let handlers = Arc::clone(&seen);
    let server = serve(listener, Raw::new(move |_| Short(Arc::clone(&handlers))));
    let server = tokio::spawn(server.with_shutdown(shutdown.clone()).into_future());
    let client = move || async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"mine").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "mine");
    };
    let clients: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn(async move {
                for _ in 0..N_CLIENTS / 4 {
                    client().await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    shutdown.advance(Phase::Draining);
    server.await.unwrap().unwrap();
    let seen = seen.lock().unwrap();
    let ids: BTreeSet<PeerId> = seen.iter().map(|(id, _)| *id).collect();
    assert_eq!((seen.len(), ids.len()), (N_CLIENTS, N_CLIENTS));
}

/// A handler whose future is never done is dropped with it when its connection is.
struct Stuck(Alive);

impl Handler for Stuck {
    fn message(&mut self, _peer: &Peer, _message: Message) -> Turn<'_> {
        let held = Alive::new(&self.0.0);
        Turn::Wait(Box::pin(async move {
            let _held = held;
            std::future::pending().await
        }))
    }
}

#[tokio::test]
async fn a_future_that_is_waited_for_goes_with_its_connection() {
    let count = Arc::new(AtomicUsize::new(0));
    let alive = Arc::clone(&count);
    let (mut far, near) = duplex(8);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let serving = Raw::new(move |_| Stuck(Alive::new(&alive))).serve(connection);
    let mut serving = Box::pin(serving);
    far.write_all(b"a").await.unwrap();
    while count.load(Ordering::SeqCst) < 2 {
        assert!(!is_done(&mut serving).await);
    }
    drop(serving);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

async fn is_done(future: &mut (impl Future + Unpin)) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_ready())).await
}

/// A payload that has something to say when it is dropped.
struct LastWords(Peer);

impl AsRef<[u8]> for LastWords {
    fn as_ref(&self) -> &[u8] {
        b"payload"
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        // Whether it is taken does not matter: that it comes back does.
        self.0.write("last words").unwrap_or_default();
    }
}

#[tokio::test]
async fn payloads_that_are_dropped_for_newer_ones_may_use_their_connection() {
    let (handler, calls) = noting(|_, _| {});
    let (far, near) = duplex(1);
    let driving = served(Foreign(near), handler);
    let peer = opened(&calls).await;
    for _ in 0..3 {
        let message = Message::binary(Bytes::from_owner(LastWords(peer.clone())));
        let delivered = peer.deliver(&message, 1, Policy::KeepLatest);
        assert!(delivered.unwrap().is_taken);
    }
    let (message, stays) = (Message::binary(vec![0; 2 << 20]), Policy::Close);
    // As what a connection gives up that is too slow.
    peer.deliver(&message, 2, stays).unwrap_err();
    drop(far);
    driving.await.unwrap();
}

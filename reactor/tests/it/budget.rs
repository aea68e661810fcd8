//! What waits in many outboxes together, and which connections end for it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Read;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;

use astatine_reactor::handler::{
    Budget, HandlerConfig, Message, Peer, Policy, RawProtocol, Reason,
};
use astatine_reactor::test_util::{Call, Calls, Faults, faulty_io, noting};
use astatine_reactor::{Foreign, Io, Socket};
use tokio::io::{AsyncReadExt, duplex};
use tokio::task::{JoinHandle, yield_now};

use crate::handler::{driven, opened};

/// A connection that counts in a budget.
struct Member {
    peer: Peer,
    calls: Calls,
    server: JoinHandle<Reason>,
}

impl Member {
    async fn new(io: impl Io + 'static, budget: &Budget) -> Self {
        let (handler, calls) = noting(|_, _| {});
        let mut config = HandlerConfig::default();
        config.budget = budget.clone();
        let server = driven(io, RawProtocol, handler, config);
        Self {
            peer: opened(&calls).await,
            calls,
            server,
        }
    }

    /// Writes so many messages of a size, and waits until the first of them has begun to leave
    /// through a pipe of 16 bytes.
    async fn write(&self, n: usize, n_bytes: usize) {
        for _ in 0..n {
            self.peer.write(vec![b'x'; n_bytes]).unwrap();
        }
        while self.peer.pending() != n * n_bytes - 16 {
            yield_now().await;
        }
    }

    async fn end(self) -> Reason {
        self.server.await.unwrap();
        match self.calls.take().pop() {
            Some(Call::Close(reason)) => reason,
            other => panic!("{other:?} came last"),
        }
    }
}

#[tokio::test]
async fn the_largest_is_closed_and_the_others_go_on() {
    let budget = Budget::new(100_000);
    let ((far_a, a), (mut far_b, b), (far_c, c)) = (duplex(16), duplex(16), duplex(16));
    let a = Member::new(Foreign(a), &budget).await;
    let b = Member::new(Foreign(b), &budget).await;
    let c = Member::new(Foreign(c), &budget).await;
    a.write(6, 5_000).await;
    b.write(10, 5_000).await;
    assert!(a.peer.is_open() && b.peer.is_open());
    for _ in 0..5 {
        c.peer.write(vec![b'x'; 5_000]).unwrap();
    }
    while b.peer.is_open() {
        yield_now().await;
    }
    // What had begun leaves whole, and nothing more.
    let mut taken = Vec::new();
    far_b.read_to_end(&mut taken).await.unwrap();
    assert_eq!(taken.len(), 5_000);
    drop(far_b);
    assert_eq!(b.end().await, Reason::SlowConsumer);
    assert!(a.peer.is_open() && c.peer.is_open());
    assert_eq!(budget.n_closed(), 1);
    drop((far_a, far_c));
    a.end().await;
    c.end().await;
    assert_eq!(budget.n_bytes(), 0);
}

#[tokio::test]
async fn what_cannot_be_given_up_in_parts_is_aborted() {
    let budget = Budget::new(usize::MAX);
    let (mut far, near) = duplex(16);
    let member = Member::new(Foreign(near), &budget).await;
    member.write(1, 200_000).await;
    budget.set_max_bytes(100_000);
    member.peer.write("x").unwrap();
    assert_eq!(member.end().await, Reason::SlowConsumer);
    assert_eq!(far.read_to_end(&mut Vec::new()).await.unwrap(), 16);
    assert_eq!((budget.n_closed(), budget.n_bytes()), (1, 0));
}

#[tokio::test]
async fn a_limit_can_be_lowered_while_much_waits() {
    let budget = Budget::new(usize::MAX);
    let (_far, near) = duplex(16);
    let member = Member::new(Foreign(near), &budget).await;
    member.write(20, 5_000).await;
    budget.set_max_bytes(10_000);
    member.peer.write("x").unwrap();
    assert!(!member.peer.is_open());
    assert!(budget.n_bytes() <= 10_000);
}

#[tokio::test]
async fn what_leaves_at_once_is_not_counted_and_what_waited_is_no_longer() {
    let budget = Budget::new(usize::MAX);
    let (mut far, near) = StdStream::pair().unwrap();
    let member = Member::new(Socket::try_from(near).unwrap(), &budget).await;
    for _ in 0..10 {
        member.peer.write(vec![b'x'; 100]).unwrap();
        yield_now().await;
        far.read_exact(&mut [0; 100]).unwrap();
        assert_eq!(budget.n_bytes(), 0);
    }
    while member.peer.pending() == 0 {
        member.peer.write(vec![b'x'; 5_000]).unwrap();
    }
    assert!(budget.n_bytes() > 0);
    member.peer.close();
    let reader = std::thread::spawn(move || far.read_to_end(&mut Vec::new()).unwrap());
    assert_eq!(member.end().await, Reason::Local);
    assert_eq!(budget.n_bytes(), 0);
    reader.join().unwrap();
}

/// Writes from four threads to connections that nobody reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_overdraw_a_budget_end_with_nothing_counted() {
    let budget = Budget::new(1 << 20);
    let mut members = Vec::new();
    let mut far = Vec::new();
    for seed in 0..40 {
        let (there, here) = StdStream::pair().unwrap();
        far.push(there);
        let io = Box::new(Socket::try_from(here).unwrap());
        let faults = match seed % 2 {
            0 => Faults::none(),
            _ => Faults::random(seed),
        };
        members.push(Member::new(faulty_io(io, &faults), &budget).await);
    }
    let peers: Vec<Peer> = members.iter().map(|member| member.peer.clone()).collect();
    let peers = Arc::new(peers);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let peers = Arc::clone(&peers);
            std::thread::spawn(move || {
                for n in 0..4_000 {
                    // It is full, or closed.
                    let message = vec![b'x'; 100 + n];
                    peers[n % peers.len()].write(message).unwrap_or_default();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(budget.n_closed() > 0);
    assert!(budget.n_bytes() <= 1 << 20, "{budget:?}");
    drop(far);
    for member in members {
        member.end().await;
    }
    assert_eq!(budget.n_bytes(), 0);
}

#[tokio::test]
async fn the_largest_is_the_one_that_costs_most() {
    let budget = Budget::new(100_000);
    let ((far_one, one), (far_many, many)) = (duplex(16), duplex(16));
    let one = Member::new(Foreign(one), &budget).await;
    let many = Member::new(Foreign(many), &budget).await;
    one.write(1, 40_000).await;
    // A tenth of the bytes, in pieces that cost more each than they hold.
    let message = Message::text("0123");
    for _ in 0..1_000 {
        let delivered = many.peer.deliver(&message, 1, Policy::DropOldest);
        assert!(delivered.unwrap().is_taken);
    }
    many.peer.flush();
    while one.peer.is_open() && many.peer.is_open() {
        yield_now().await;
    }
    assert!(one.peer.is_open());
    drop((far_one, far_many));
    assert_eq!(many.end().await, Reason::SlowConsumer);
    one.end().await;
    assert_eq!(budget.n_bytes(), 0);
}

//! What happens to those who do not keep up, and that every message is accounted for.

use astatine_pubsub::{Config, Options, PubSub, Scope, Stats};
use astatine_reactor::Socket;
use astatine_reactor::handler::{HandlerConfig, Policy};
use tokio::net::UnixStream;

use crate::line::{Line, serve};
use crate::subscribe::{channel, next};

const N: u64 = 100;

fn options(policy: Policy) -> Options {
    let mut options = Options::default();
    options.policy = policy;
    options
}

/// Publishes messages of 100 bytes to a connection that takes none, with room for about ten.
async fn overrun(policy: Policy) -> (Stats, Line) {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 2000;
    let line = Line::with(1, config).await;
    pubsub
        .subscribe(&line.peer, &chat, &options(policy))
        .unwrap();
    for n in 0..N {
        pubsub.publish(&chat, format!("{n:0>99}\n"), Scope::Process);
        // Each in its own turn, so that each meets what the last one has left.
        tokio::task::yield_now().await;
    }
    pubsub.publish_counted(&chat, "", Scope::Process).await;
    (pubsub.stats(), line)
}

/// Reads the numbers that arrive until the connection is quiet.
async fn numbers(line: &mut Line, n: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..n {
        let text = line.read_until("\n").await;
        numbers.push(text.trim_end().parse().unwrap());
    }
    numbers
}

#[tokio::test]
async fn who_is_too_slow_is_closed() {
    let (stats, line) = overrun(Policy::Close).await;
    assert_eq!(stats.n_closed_slow, 1);
    assert!(!line.peer.is_open());
    assert!(stats.n_delivered > 0 && stats.n_delivered < 30, "{stats:?}");
    assert_eq!(stats.n_dropped_slow, 1);
}

#[tokio::test]
async fn a_burst_is_no_slowness_of_who_takes_it() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let (near, _far) = UnixStream::pair().unwrap();
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 32 << 10;
    let (peer, _) = serve(Socket::try_from(near).unwrap(), config).await;
    pubsub.subscribe(&peer, &chat, &Options::default()).unwrap();
    for _ in 0..64 {
        pubsub.publish(&chat, "x".repeat(1024), Scope::Process);
    }
    pubsub.publish_counted(&chat, "", Scope::Process).await;
    assert_eq!(pubsub.stats().n_delivered, 65);
    assert!(peer.is_open());
}

#[tokio::test]
async fn the_oldest_give_way() {
    let (stats, mut line) = overrun(Policy::DropOldest).await;
    assert_eq!(stats.n_delivered, N + 1, "{stats:?}");
    let n_left = stats.n_delivered - stats.n_evicted - 1;
    assert!(n_left > 0 && n_left < 30, "{stats:?}");
    let numbers = numbers(&mut line, n_left as usize).await;
    // The first had begun to leave.
    assert_eq!(numbers[0], 0);
    let newest: Vec<u64> = (N + 1 - n_left..N).collect();
    assert_eq!(numbers[1..], newest);
}

#[tokio::test]
async fn the_newest_are_left_out() {
    let (stats, mut line) = overrun(Policy::DropNewest).await;
    let n_taken = stats.n_delivered;
    assert_eq!(n_taken + stats.n_dropped_slow, N + 1, "{stats:?}");
    assert!(n_taken < 30, "{stats:?}");
    let numbers = numbers(&mut line, n_taken as usize - 1).await;
    assert_eq!(numbers, (0..n_taken - 1).collect::<Vec<u64>>());
}

#[tokio::test]
async fn only_the_latest_waits() {
    let (stats, mut line) = overrun(Policy::KeepLatest).await;
    assert_eq!(stats.n_delivered, N + 1, "{stats:?}");
    // The first has begun to leave, and the last is empty.
    assert_eq!(stats.n_evicted, N - 1, "{stats:?}");
    assert_eq!(numbers(&mut line, 1).await, [0]);
}

#[tokio::test]
async fn a_stream_has_the_same_policies() {
    let cases: [(Policy, &[&str], bool); 4] = [
        (Policy::Close, &["0", "1", "2"], true),
        (Policy::DropNewest, &["0", "1", "2"], false),
        (Policy::DropOldest, &["7", "8", "9"], false),
        (Policy::KeepLatest, &["9"], false),
    ];
    for (policy, expected, has_ended) in cases {
        let mut config = Config::default();
        config.max_stream_bytes = 200;
        let pubsub = PubSub::new(config);
        let chat = channel("chat");
        let mut items = pubsub.stream(&chat, &options(policy)).unwrap();
        for n in 0..10 {
            pubsub.publish(&chat, n.to_string(), Scope::Process);
        }
        let n_delivered = pubsub.publish_counted(&channel("other"), "", Scope::Process);
        assert_eq!(n_delivered.await.n_delivered, 0);
        tokio::task::yield_now().await;
        for text in expected {
            assert_eq!(next(&mut items).await.as_deref(), Some(*text), "{policy:?}");
        }
        let stats = pubsub.stats();
        let n_kept = stats.n_delivered - stats.n_evicted;
        assert_eq!(n_kept, expected.len() as u64, "{policy:?}");
        if has_ended {
            assert_eq!(next(&mut items).await, None);
            assert_eq!(stats.n_closed_slow, 1);
        } else {
            pubsub.publish(&chat, "on", Scope::Process);
            assert_eq!(next(&mut items).await.as_deref(), Some("on"), "{policy:?}");
        }
        let stats = pubsub.stats();
        let n_accounted = stats.n_delivered + stats.n_dropped_slow + stats.n_dropped_closed;
        assert_eq!(n_accounted, if has_ended { 10 } else { 11 }, "{policy:?}");
    }
}

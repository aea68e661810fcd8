//! The timeout of a connection, in virtual time: when a handler is asked for a ping, and what keeps
//! a connection.

use std::time::Duration;

use astatine_reactor::Foreign;
use astatine_reactor::handler::{Handler, HandlerConfig, Message, Peer, RawProtocol, Reason, Turn};
use astatine_reactor::test_util::{Call, Calls, noting};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

use crate::handler::{Far, driven, remote};

/// Timeouts act up to this much late: the table of deadlines is swept twice a second.
const LATE: Duration = Duration::from_secs(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[track_caller]
fn assert_about(waited: Duration, expected: Duration) {
    assert!(waited >= expected && waited < expected + LATE, "{waited:?}");
}

/// Waits until the handler was called so.
async fn called(calls: &Calls, call: &Call) {
    while !calls.has(call) {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_sets_the_timeout_of_its_own_connection() {
    let mut far = Far::connect(64, HandlerConfig::default(), |peer, call| match call {
        Call::Open => peer.set_timeout(Some(seconds(10))),
        Call::Ping => peer.close(),
        _ => {}
    });
    let begun = Instant::now();
    assert_eq!(far.stream.read(&mut [0]).await.unwrap(), 0);
    assert_about(begun.elapsed(), seconds(10));
    let expected = [Call::Open, Call::Ping, Call::Close(Reason::Local)];
    assert_eq!(far.end().await, expected);
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_puts_the_ping_off() {
    let mut far = Far::connect(64, HandlerConfig::default(), |_, _| {});
    for _ in 0..10 {
        sleep(seconds(39)).await;
        far.stream.write_all(b"a").await.unwrap();
    }
    let last = Instant::now();
    called(&far.calls, &Call::Ping).await;
    assert_about(last.elapsed(), seconds(40));
    far.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_timeout_is_never_pinged() {
    let mut config = HandlerConfig::default();
    config.timeout = None;
    let far = Far::connect(64, config, |_, _| {});
    sleep(seconds(60 * 60)).await;
    assert_eq!(far.end().await, [Call::Open, remote()]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_is_set_from_elsewhere_counts_from_then() {
    let far = Far::connect(64, HandlerConfig::default(), |_, _| {});
    sleep(seconds(20)).await;
    let peer = far.calls.peer();
    let set = Instant::now();
    peer.set_timeout(Some(seconds(30)));
    called(&far.calls, &Call::Ping).await;
    assert_about(set.elapsed(), seconds(30));
    far.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_timeout_stays_when_another_handler_takes_over() {
    let far = Far::connect(64, HandlerConfig::default(), |_, _| {});
    sleep(seconds(1)).await;
    let peer = far.calls.peer();
    peer.set_timeout(Some(seconds(5)));
    let (handler, second) = noting(|_, _| {});
    peer.set_handler(handler);
    let set = Instant::now();
    called(&second, &Call::Ping).await;
    assert_about(set.elapsed(), seconds(5));
    far.end().await;
    assert_eq!(second.take(), [Call::Open, Call::Ping, remote()]);
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_writing_is_neither_pinged_nor_cut() {
    let mut far = Far::connect(1000, HandlerConfig::default(), |peer, call| {
        if *call == Call::Open {
            peer.write(vec![b'x'; 3600 * 1000]).unwrap();
        }
    });
    for _ in 0..3600 {
        far.stream.read_exact(&mut [0; 1000]).await.unwrap();
        sleep(seconds(1)).await;
    }
    let expected = [Call::Open, Call::Drained, remote()];
    assert_eq!(far.end().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_raw_connection_is_pinged_a_timeout_after_the_last_byte_either_way() {
    let far = Far::connect(64, HandlerConfig::default(), |_, _| {});
    sleep(seconds(25)).await;
    let peer = far.calls.peer();
    peer.write("x").unwrap();
    let written = Instant::now();
    called(&far.calls, &Call::Ping).await;
    assert_about(written.elapsed(), seconds(40));
    far.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_only_queued_keeps_nobody() {
    let mut config = HandlerConfig::default();
    config.timeout = Some(seconds(10));
    let far = Far::connect(4, config, |_, _| {});
    sleep(seconds(1)).await;
    let peer = far.calls.peer();
    peer.write("01234567").unwrap();
    called(&far.calls, &Call::Ping).await;
    let pinged = Instant::now();
    while peer.write("x").is_ok() {
        sleep(Duration::from_millis(100)).await;
    }
    assert_about(pinged.elapsed(), seconds(10));
    drop(far);
}

/// Takes a minute for each message.
struct Slow(Calls);

impl Handler for Slow {
    fn message(&mut self, _peer: &Peer, _message: Message) -> Turn<'_> {
        Turn::Wait(Box::pin(sleep(seconds(60))))
    }

    fn ping(&mut self, _peer: &Peer) {
        self.0.note(Call::Ping);
    }

    fn close(&mut self, _peer: &Peer, reason: Reason) {
        self.0.note(Call::Close(reason));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_is_not_ended_by_its_own_timeout() {
    let calls = Calls::default();
    let mut config = HandlerConfig::default();
    config.timeout = Some(seconds(10));
    let (mut far, near) = duplex(64);
    let server = driven(Foreign(near), RawProtocol, Slow(calls.clone()), config);
    let begun = Instant::now();
    far.write_all(b"a").await.unwrap();
    // The time begins when the handler is done.
    called(&calls, &Call::Ping).await;
    assert_about(begun.elapsed(), seconds(70));
    drop(far);
    server.await.unwrap();
    assert_eq!(calls.take(), [Call::Ping, remote()]);
}

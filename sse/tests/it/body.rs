//! A body that is fed by events, in virtual time.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use astatine_reactor::{Phase, Shutdown};
use astatine_sse::{Config, Encoded, Event, EventBody, SendError, event_stream};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, advance, timeout};

/// Returns the next frame as text; `None` at the end.
async fn next(body: &mut EventBody) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    let bytes = frame.into_data().unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Polls outside of any runtime.
fn poll_once(body: &mut EventBody) -> Poll<Option<String>> {
    let frame = Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()));
    frame.map(|frame| {
        let bytes = frame?.unwrap().into_data().unwrap();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    })
}

fn with_queue(max_queue_bytes: u32) -> Config {
    let mut config = Config::default();
    config.max_queue_bytes = max_queue_bytes;
    config.keep_alive = None;
    config
}

#[test]
fn each_event_is_a_frame_and_the_last_sender_ends_the_body() {
    let (events, mut body) = EventBody::new(&with_queue(1000));
    assert_eq!(poll_once(&mut body), Poll::Pending);
    let clone = events.clone();
    events.try_send(Event::data("a")).unwrap();
    let shared = Encoded::from(Event::data("b"));
    clone.try_send(shared.clone()).unwrap();
    drop(events);
    clone.try_send(shared).unwrap();
    drop(clone);
    assert!(!body.is_end_stream());
    for data in ["a", "b", "b"] {
        let frame = format!("data: {data}\n\n");
        assert_eq!(poll_once(&mut body), Poll::Ready(Some(frame)));
    }
    assert!(body.is_end_stream());
    assert_eq!(poll_once(&mut body), Poll::Ready(None));
    assert_eq!(poll_once(&mut body), Poll::Ready(None));
}

#[tokio::test]
async fn a_body_that_waits_is_woken_by_an_event_and_by_the_end() {
    let (events, mut body) = EventBody::new(&with_queue(1000));
    let (seen, mut saw) = tokio::sync::mpsc::channel(1);
    let reader = tokio::spawn(async move {
        while let Some(frame) = next(&mut body).await {
            seen.send(frame).await.unwrap();
        }
    });
    tokio::task::yield_now().await;
    events.try_send(Event::data("a")).unwrap();
    assert_eq!(saw.recv().await.unwrap(), "data: a\n\n");
    tokio::task::yield_now().await;
    drop(events);
    reader.await.unwrap();
}

#[test]
fn the_queue_is_full_before_it_is_past_its_limit() {
    let (events, mut body) = EventBody::new(&with_queue(1000));
    let event = Encoded::from(Event::data(&"a".repeat(92)));
    assert_eq!(event.as_bytes().len(), 100);
    // Each takes 64 bytes for its place.
    let n_sent = (0..100).take_while(|_| events.try_send(event.clone()).is_ok());
    assert_eq!(n_sent.count(), 6);
    assert_eq!(events.n_pending_bytes(), 600);
    assert_eq!(events.try_send(event.clone()), Err(SendError::Full));
    assert!(poll_once(&mut body).is_ready());
    assert_eq!(events.n_pending_bytes(), 500);
    assert_eq!(events.try_send(event.clone()), Ok(()));
    assert_eq!(events.try_send(event), Err(SendError::Full));
}

#[test]
fn an_event_longer_than_the_queue_has_it_for_itself() {
    for max_queue_bytes in [100, 1, 0] {
        let (events, mut body) = EventBody::new(&with_queue(max_queue_bytes));
        let long = Encoded::from(Event::data(&"a".repeat(500)));
        events.try_send(long.clone()).unwrap();
        assert_eq!(events.try_send(Event::data("b")), Err(SendError::Full));
        assert!(poll_once(&mut body).is_ready());
        events.try_send(Event::data("b")).unwrap();
        assert_eq!(events.try_send(long), Err(SendError::Full));
    }
}

#[tokio::test]
async fn a_sender_that_waits_is_served_in_order_and_sends_nothing_when_dropped() {
    let (events, mut body) = EventBody::new(&with_queue(1));
    events.send(Event::data("a")).await.unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut second = Box::pin(events.send(Event::data("b")));
    let mut third = pin!(events.send(Event::data("c")));
    assert!(second.as_mut().poll(&mut cx).is_pending());
    assert!(third.as_mut().poll(&mut cx).is_pending());
    drop(second);
    assert_eq!(next(&mut body).await.unwrap(), "data: a\n\n");
    assert_eq!(events.try_send(Event::data("d")), Err(SendError::Full));
    third.await.unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: c\n\n");
    assert_eq!(poll_once(&mut body), Poll::Pending);
}

#[tokio::test]
async fn a_body_that_is_dropped_is_noticed_by_every_sender() {
    let (events, body) = EventBody::new(&with_queue(1));
    let clone = events.clone();
    events.try_send(Event::data("a")).unwrap();
    let waiting = tokio::spawn(async move { clone.send(Event::data("b")).await });
    let watching = tokio::spawn({
        let clone = events.clone();
        async move { clone.closed().await }
    });
    tokio::task::yield_now().await;
    assert!(!events.is_closed() && !watching.is_finished());
    drop(body);
    assert_eq!(waiting.await.unwrap(), Err(SendError::Closed));
    watching.await.unwrap();
    assert!(events.is_closed());
    assert_eq!(events.n_pending_bytes(), 0);
    assert_eq!(events.try_send(Event::data("c")), Err(SendError::Closed));
    events.closed().await;
}

#[tokio::test]
async fn a_closed_stream_gives_what_was_sent_and_takes_no_more() {
    let (events, mut body) = EventBody::new(&with_queue(1000));
    events.try_send(Event::data("a")).unwrap();
    events.clone().close();
    assert!(events.is_closed());
    assert_eq!(events.try_send(Event::data("b")), Err(SendError::Closed));
    assert_eq!(next(&mut body).await.unwrap(), "data: a\n\n");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_comment_is_sent_after_each_interval_without_an_event() {
    let (events, mut body) = EventBody::new(&Config::default());
    let begun = Instant::now();
    for n in 1..=3 {
        assert_eq!(next(&mut body).await.unwrap(), ": ping\n\n");
        let passed = begun.elapsed();
        let due = Duration::from_secs(40 * n);
        assert!(
            passed >= due && passed <= due + Duration::from_secs(n),
            "{passed:?}"
        );
    }
    drop(events);
}

#[tokio::test(start_paused = true)]
async fn an_event_puts_the_comment_off() {
    let (events, mut body) = EventBody::new(&Config::default());
    let quiet = Duration::from_secs(30);
    for _ in 0..5 {
        assert!(timeout(quiet, next(&mut body)).await.is_err());
        events.try_send(Event::data("a")).unwrap();
        assert_eq!(next(&mut body).await.unwrap(), "data: a\n\n");
    }
    assert_eq!(next(&mut body).await.unwrap(), ": ping\n\n");
}

#[tokio::test(start_paused = true)]
async fn comments_do_not_pile_up_for_a_peer_that_takes_nothing() {
    let (events, mut body) = EventBody::new(&Config::default());
    assert!(
        timeout(Duration::from_secs(1), next(&mut body))
            .await
            .is_err()
    );
    for _ in 0..1000 {
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(events.n_pending_bytes(), 0);
    assert_eq!(next(&mut body).await.unwrap(), ": ping\n\n");
    assert!(
        timeout(Duration::from_secs(30), next(&mut body))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_server_that_drains_ends_the_stream_after_what_was_sent() {
    let shutdown = Shutdown::new();
    let (events, body) = EventBody::new(&with_queue(1000));
    let mut body = body.with_shutdown(&shutdown);
    events.try_send(Event::data("a")).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: a\n\n");
    let reader = tokio::spawn(async move { (next(&mut body).await, next(&mut body).await) });
    tokio::task::yield_now().await;
    events.try_send(Event::data("b")).unwrap();
    shutdown.advance(Phase::Draining);
    let (event, end) = reader.await.unwrap();
    assert_eq!((event.as_deref(), end), (Some("data: b\n\n"), None));
    assert_eq!(events.try_send(Event::data("c")), Err(SendError::Closed));
}

#[test]
fn a_response_says_what_it_is_and_that_it_is_not_kept() {
    let response = event_stream(());
    let fields: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    assert_eq!(response.status(), 200);
    assert_eq!(
        fields,
        [
            "content-type: text/event-stream",
            "cache-control: no-cache",
            "x-accel-buffering: no",
        ]
    );
}

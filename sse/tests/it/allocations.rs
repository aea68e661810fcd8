//! What a stream and an event cost in allocations.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use astatine_sse::proto::Parser;
use astatine_sse::{Config, Encoded, Event, EventBody};
use http_body::Body;

fn poll(body: &mut EventBody) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    !matches!(Pin::new(body).poll_frame(&mut cx), Poll::Pending)
}

#[tokio::test]
async fn an_idle_stream_holds_half_a_kib() {
    let event = Encoded::from(Event::data("a"));
    // The table of deadlines is the thread's.
    let (_first, mut body) = EventBody::new(&Config::default());
    assert!(!poll(&mut body));
    let mut stream = None;
    let held = measure(|| {
        let (events, mut body) = EventBody::new(&Config::default());
        events.try_send(event.clone()).unwrap();
        assert!(poll(&mut body) && !poll(&mut body));
        stream = Some((events, body));
    });
    let n_bytes = usize::try_from(held.bytes_current).unwrap() + size_of_val(&stream);
    assert!((256..=512).contains(&n_bytes), "{n_bytes}");
}

#[tokio::test]
async fn a_shared_event_on_its_way_allocates_nothing() {
    let event = Encoded::from(Event::data("a"));
    let (events, mut body) = EventBody::new(&Config::default());
    let mut send = || {
        for _ in 0..3 {
            events.try_send(event.clone()).unwrap();
        }
        while poll(&mut body) {}
    };
    send();
    let counted = measure(|| (0..100).for_each(|_| send()));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn an_event_that_is_parsed_is_one_allocation() {
    let mut parser = Parser::new(&Config::default());
    let stream = b"data: a line that is longer than a few characters\n\n".repeat(100);
    let counted = measure(|| {
        let mut input = &stream[..];
        while parser.receive(&mut input).unwrap().is_some() {}
    });
    assert_eq!(counted.count_total, 100);
}

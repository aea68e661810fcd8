//! The client and a server's bodies, joined in memory, in virtual time.

use std::pin::Pin;
use std::time::Duration;

use astatine_sse::proto::Phase;
use astatine_sse::{
    Config, Error, Event, EventBody, EventSource, Line, MessageEvent, Violation, event_stream,
};
use futures_core::Stream;
use http::{Request, Response};
use tokio::time::timeout;

use crate::pieces::{End, Pieces};
use crate::script::{Answer, Script};

type Source = Pin<Box<EventSource<Script, String, Pieces>>>;

fn source(script: &Script) -> Source {
    let request = Request::get("http://h/").body(String::new()).unwrap();
    let source = EventSource::new(script.clone(), request, &Config::default());
    Box::pin(source)
}

async fn next(source: &mut Source) -> Option<Result<MessageEvent, Error>> {
    std::future::poll_fn(|cx| source.as_mut().poll_next(cx)).await
}

/// Waits for the next event and returns its `type|data|id`.
async fn event(source: &mut Source) -> String {
    let event = next(source).await.unwrap().unwrap();
    let (data, id) = (event.data, event.last_event_id);
    format!("{}|{data}|{id}", event.event_type)
}

async fn error(source: &mut Source) -> Error {
    next(source).await.unwrap().unwrap_err()
}

fn scripted(bytes: &[u8], end: End) -> Answer {
    Answer::from(event_stream(Pieces::new([bytes], end)))
}

fn status(status: u16) -> Answer {
    let response = Response::builder().status(status);
    Answer::from(response.body(Pieces::new([], End::InOrder)).unwrap())
}

#[tokio::test(start_paused = true)]
async fn events_go_from_one_end_to_the_other() {
    let (events, body) = EventBody::new(&Config::default());
    let script = Script::new([Answer::from(event_stream(Pieces::Live(body)))]);
    let mut source = source(&script);
    assert_eq!(source.phase(), Phase::Asking);
    let reader = tokio::spawn(async move {
        let seen = (event(&mut source).await, event(&mut source).await);
        (seen, source)
    });
    let first = Event {
        id: Some(Line::from_static("7")),
        event: Some(Line::from_static("tick")),
        ..Event::data("two\nlines")
    };
    events.send(first).await.unwrap();
    events.send(Event::data("")).await.unwrap();
    let (seen, source) = reader.await.unwrap();
    assert_eq!(seen.0, "tick|two\nlines|7");
    assert_eq!(seen.1, "message||7");
    assert_eq!((source.phase(), source.last_event_id()), (Phase::Open, "7"));
    drop(source);
    events.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_the_same_in_whatever_pieces_it_comes() {
    let stream = b"\xef\xbb\xbfid:1\r\ndata:a\r\n\r\ndata:b\r\rdata:c\n\n";
    for len in 1..=stream.len() {
        let body = Pieces::new(stream.chunks(len), End::InOrder);
        let mut source = source(&Script::new([Answer::from(event_stream(body))]));
        for seen in ["message|a|1", "message|b|1", "message|c|1"] {
            assert_eq!(event(&mut source).await, seen);
        }
        assert!(matches!(error(&mut source).await, Error::Ended));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_or_breaks_is_followed_by_one_behind_the_last_event() {
    let script = Script::new([
        scripted(b"id:1\ndata:a\n\nid:2\ndata:lost", End::InOrder),
        scripted(b"retry:10000\nid:\xe2\x80\xa6\ndata:b\n\n", End::Broken),
        scripted(b"id\ndata:c\n\n", End::InOrder),
        scripted(b"data:d\n\n", End::Never),
    ]);
    let mut source = source(&script);
    assert_eq!(event(&mut source).await, "message|a|1");
    assert!(matches!(error(&mut source).await, Error::Ended));
    assert_eq!(source.phase(), Phase::Waiting);
    assert_eq!(event(&mut source).await, "message|b|\u{2026}");
    assert!(matches!(error(&mut source).await, Error::Body(_)));
    assert_eq!(event(&mut source).await, "message|c|");
    assert!(matches!(error(&mut source).await, Error::Ended));
    assert_eq!(event(&mut source).await, "message|d|");

    let asked = script.asked();
    let ids: Vec<Option<&[u8]>> = asked
        .iter()
        .map(|(_, request)| request.headers().get("last-event-id"))
        .map(|id| id.map(http::HeaderValue::as_bytes))
        .collect();
    assert_eq!(
        ids,
        [None, Some(&b"1"[..]), Some("\u{2026}".as_bytes()), None]
    );
    for (pair, millis) in asked.windows(2).zip([3000, 10_000, 10_000]) {
        let waited = pair[1].0 - pair[0].0;
        let least = Duration::from_millis(millis);
        assert!(
            waited >= least && waited <= least.mul_f64(1.26),
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_asked_less_and_less_often() {
    let refusals = std::iter::repeat_with(|| Answer::Refused).take(9);
    let script = Script::new(refusals.chain([scripted(b"data:a\n\n", End::Never)]));
    let mut source = source(&script);
    for _ in 0..9 {
        assert!(matches!(error(&mut source).await, Error::Request(_)));
    }
    assert_eq!(event(&mut source).await, "message|a|");
    let asked = script.asked();
    for (pair, secs) in asked.windows(2).zip([3, 6, 12, 24, 48, 60, 60, 60, 60]) {
        let waited = pair[1].0 - pair[0].0;
        let least = Duration::from_secs(secs);
        assert!(
            waited >= least && waited <= least.mul_f64(1.26),
            "{waited:?}"
        );
    }
    assert_eq!(asked.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_stream_is_the_last() {
    let html = Response::builder()
        .header("content-type", "text/html")
        .body(Pieces::new([&b"data:a\n\n"[..]], End::Never));
    for (answer, violation) in [
        (status(204), None),
        (status(404), Some(Violation::Status(404))),
        (status(503), Some(Violation::Status(503))),
        (status(200), Some(Violation::ContentType)),
        (Answer::from(html.unwrap()), Some(Violation::ContentType)),
    ] {
        let script = Script::new([answer, scripted(b"data:a\n\n", End::Never)]);
        let mut source = source(&script);
        if let Some(expected) = violation {
            let error = error(&mut source).await;
            assert!(error.is_final());
            assert!(matches!(error, Error::Violation(seen) if seen == expected));
        }
        assert!(next(&mut source).await.is_none());
        assert!(next(&mut source).await.is_none());
        assert_eq!(source.phase(), Phase::Closed);
        assert_eq!(script.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_no_request_any_more_ends_the_source() {
    let script = Script::new([scripted(b"", End::InOrder), Answer::Unready]);
    let mut source = source(&script);
    assert!(!error(&mut source).await.is_final());
    let error = error(&mut source).await;
    assert!(matches!(error, Error::Service(_)) && error.is_final());
    assert!(next(&mut source).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_long_ends_the_source() {
    let long = [b"data:", &[b'a'; 2 << 20][..]].concat();
    let script = Script::new([scripted(&long, End::Never), scripted(b"", End::Never)]);
    let mut source = source(&script);
    let error = error(&mut source).await;
    assert!(matches!(error, Error::Violation(Violation::LineTooLong)));
    assert!(next(&mut source).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_left_and_one_that_keeps_alive_is_not() {
    let mut config = Config::default();
    config.silence_timeout = Some(Duration::from_secs(60));
    let (events, body) = EventBody::new(&config);
    let script = Script::new([
        scripted(b"data:a\n\n", End::Never),
        Answer::from(event_stream(Pieces::Live(body))),
    ]);
    let request = Request::get("http://h/").body(String::new()).unwrap();
    let mut source = Box::pin(EventSource::new(script.clone(), request, &config));
    assert_eq!(event(&mut source).await, "message|a|");
    let begun = tokio::time::Instant::now();
    assert!(matches!(error(&mut source).await, Error::Silent));
    assert!(begun.elapsed() >= Duration::from_secs(60));
    assert!(begun.elapsed() <= Duration::from_secs(61));
    let hour = Duration::from_secs(3600);
    assert!(timeout(hour, next(&mut source)).await.is_err());
    assert_eq!(script.asked().len(), 2);
    events.try_send(Event::data("b")).unwrap();
    assert_eq!(event(&mut source).await, "message|b|");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_comes_late_is_given_what_came_in_time() {
    let mut config = Config::default();
    config.silence_timeout = Some(Duration::from_secs(60));
    let script = Script::new([scripted(b"data:a\n\ndata:b\n\n", End::Never)]);
    let request = Request::get("http://h/").body(String::new()).unwrap();
    let mut source = Box::pin(EventSource::new(script, request, &config));
    assert_eq!(event(&mut source).await, "message|a|");
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(event(&mut source).await, "message|b|");
}

#[tokio::test(start_paused = true)]
async fn each_request_is_the_first_one_again() {
    let script = Script::new([Answer::Refused, scripted(b"id\n\n", End::InOrder)]);
    let request = Request::post("http://h/ask")
        .header("accept", "application/json, text/event-stream")
        .header("authorization", "Bearer a")
        .header("last-event-id", "7")
        .body(String::from("question"))
        .unwrap();
    let source = EventSource::new(script.clone(), request, &Config::default());
    let mut source = Box::pin(source);
    assert_eq!(source.last_event_id(), "7");
    for _ in 0..3 {
        assert!(!error(&mut source).await.is_final());
    }
    let asked = script.asked();
    assert_eq!(asked.len(), 3);
    for ((_, request), id) in asked.iter().zip([Some("7"), Some("7"), None]) {
        let field = |name| {
            request
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(
            (request.method().as_str(), request.body().as_str()),
            ("POST", "question")
        );
        assert_eq!(field("accept"), Some("application/json, text/event-stream"));
        assert_eq!(field("authorization"), Some("Bearer a"));
        assert_eq!(field("cache-control"), Some("no-cache"));
        assert_eq!(field("last-event-id"), id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_asks_for_an_event_stream_and_an_id_with_control_characters_is_left_out() {
    let script = Script::new([scripted(b"id:\x1b\n\n", End::InOrder)]);
    let mut source = source(&script);
    for _ in 0..2 {
        assert!(!error(&mut source).await.is_final());
    }
    for (_, request) in script.asked() {
        assert_eq!(request.headers()["accept"], "text/event-stream");
        assert!(!request.headers().contains_key("last-event-id"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_closed_drops_its_stream_and_asks_no_more() {
    let (events, body) = EventBody::new(&Config::default());
    let script = Script::new([Answer::from(event_stream(Pieces::Live(body)))]);
    let mut source = source(&script);
    events.try_send(Event::data("a")).unwrap();
    events.try_send(Event::data("b")).unwrap();
    assert_eq!(event(&mut source).await, "message|a|");
    source.as_mut().close();
    assert!(events.is_closed());
    assert!(next(&mut source).await.is_none());
    assert_eq!(script.asked().len(), 1);
}

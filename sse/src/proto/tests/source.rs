//! How the connections of a source follow each other, in virtual time.

use std::time::{Duration, Instant};

use super::super::{Phase, Source};
use crate::config::Config;
use crate::error::Violation;

const TYPE: Option<&[u8]> = Some(b"text/event-stream");

/// Returns the test's one reading of the clock.
#[expect(clippy::disallowed_methods, reason = "the begin of virtual time")]
fn begin() -> Instant {
    Instant::now()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn source(now: Instant) -> Source {
    Source::new(&Config::default(), "", now, 0)
}

#[test]
fn only_200_of_the_right_type_opens() {
    for (status, content_type, outcome) in [
        (200, TYPE, Ok(Phase::Open)),
        (200, Some(&b"text/event-stream;"[..]), Ok(Phase::Open)),
        (
            200,
            Some(b"Text/Event-Stream ; charset=windows-1252"),
            Ok(Phase::Open),
        ),
        (
            200,
            Some(b"text/event-streams"),
            Err(Violation::ContentType),
        ),
        (
            200,
            Some(b"text/plain;text/event-stream"),
            Err(Violation::ContentType),
        ),
        (200, Some(b"x bogus"), Err(Violation::ContentType)),
        (200, Some(b""), Err(Violation::ContentType)),
        (200, None, Err(Violation::ContentType)),
        (204, None, Ok(Phase::Closed)),
        (204, TYPE, Ok(Phase::Closed)),
        (201, TYPE, Err(Violation::Status(201))),
        (301, TYPE, Err(Violation::Status(301))),
        (404, TYPE, Err(Violation::Status(404))),
        (503, TYPE, Err(Violation::Status(503))),
    ] {
        let now = begin();
        let mut source = source(now);
        assert_eq!(source.phase(), Phase::Asking);
        let seen = source.receive_head(status, content_type, now);
        assert_eq!(seen, outcome, "{status} {content_type:?}");
        assert_eq!(source.phase(), outcome.unwrap_or(Phase::Closed));
    }
}

#[test]
fn the_end_of_a_stream_leads_to_another_request_after_the_time_that_the_server_asks_for() {
    for (stream, wait) in [
        (&b""[..], 3000),
        (b"retry: 10000\n", 10_000),
        (b"retry: 0\n", 100),
        (b"retry: 99999999999999999999999\n", 24 * 60 * 60 * 1000),
        (b"retry: 10000\nretry: x\n", 10_000),
    ] {
        let now = begin();
        let mut source = source(now);
        source.receive_head(200, TYPE, now).unwrap();
        assert_eq!(source.poll_deadline(), None);
        assert_eq!(source.receive(&mut &*stream, now), Ok(None));
        source.receive_eof(now);
        assert_eq!(source.phase(), Phase::Waiting);
        assert_eq!(source.poll_deadline(), Some(now + ms(wait)));
        source.handle_timeout(now + ms(wait - 1));
        assert_eq!(source.phase(), Phase::Waiting);
        source.handle_timeout(now + ms(wait));
        assert_eq!(source.phase(), Phase::Asking);
        assert_eq!(source.poll_deadline(), None);
    }
}

#[test]
fn waiting_doubles_with_each_request_that_fails_until_one_succeeds() {
    let mut now = begin();
    let mut source = source(now);
    let mut wait = |source: &mut Source| {
        source.receive_eof(now);
        let deadline = source.poll_deadline().unwrap();
        let wait = deadline - now;
        now = deadline;
        source.handle_timeout(now);
        assert_eq!(source.phase(), Phase::Asking);
        wait.as_secs()
    };
    for seconds in [3, 6, 12, 24, 48, 60, 60] {
        assert_eq!(wait(&mut source), seconds);
    }
    for _ in 0..100 {
        assert_eq!(wait(&mut source), 60);
    }
    source.receive_head(200, TYPE, begin()).unwrap();
    for seconds in [3, 3, 6] {
        assert_eq!(wait(&mut source), seconds);
    }
}

#[test]
fn a_server_may_ask_for_more_than_waiting_grows_to() {
    let now = begin();
    let mut source = source(now);
    source.receive_head(200, TYPE, now).unwrap();
    source.receive(&mut &b"retry:300000\n"[..], now).unwrap();
    for _ in 0..5 {
        source.receive_eof(now);
        let deadline = source.poll_deadline().unwrap();
        assert_eq!(deadline, now + ms(300_000));
        source.handle_timeout(deadline);
    }
}

#[test]
fn a_seed_spreads_the_waits_over_another_quarter() {
    let now = begin();
    let waits: Vec<Duration> = (1..=100_u64)
        .map(|seed| {
            let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut source = Source::new(&Config::default(), "", now, seed);
            source.receive_eof(now);
            source.poll_deadline().unwrap() - now
        })
        .collect();
    assert!(
        waits
            .iter()
            .all(|wait| (3000..=3750).contains(&wait.as_millis()))
    );
    assert!(waits.iter().any(|wait| *wait < ms(3150)));
    assert!(waits.iter().any(|wait| *wait > ms(3600)));
}

#[test]
fn silence_is_an_end_and_any_byte_is_none() {
    let config = Config {
        silence_timeout: Some(ms(1000)),
        ..Config::default()
    };
    let now = begin();
    let mut source = Source::new(&config, "", now, 0);
    assert_eq!(source.poll_deadline(), Some(now + ms(1000)));
    source.receive_head(200, TYPE, now + ms(900)).unwrap();
    assert_eq!(source.poll_deadline(), Some(now + ms(1900)));
    source.receive(&mut &b":"[..], now + ms(1800)).unwrap();
    source.handle_timeout(now + ms(1900));
    assert_eq!(source.phase(), Phase::Open);
    source.handle_timeout(now + ms(2800));
    assert_eq!(source.phase(), Phase::Waiting);
    assert_eq!(source.poll_deadline(), Some(now + ms(5800)));
    source.handle_timeout(now + ms(5800));
    assert_eq!(source.phase(), Phase::Asking);
    source.handle_timeout(now + ms(6800));
    assert_eq!(source.phase(), Phase::Waiting);
}

#[test]
fn the_last_id_is_kept_from_stream_to_stream() {
    let now = begin();
    let mut source = Source::new(&Config::default(), "0", now, 0);
    assert_eq!(source.last_event_id(), "0");
    for (stream, id) in [
        (&b"data:a\n\n"[..], "0"),
        (b"id:1\ndata:a\n\nid:2\n", "1"),
        (b"\n\n", "1"),
        (b"id:3\n\n", "3"),
        (b"id\n\n", ""),
    ] {
        source.receive_head(200, TYPE, now).unwrap();
        let mut input = stream;
        while source.receive(&mut input, now).unwrap().is_some() {}
        assert_eq!(source.last_event_id(), id, "{}", stream.escape_ascii());
        source.receive_eof(now);
        source.handle_timeout(source.poll_deadline().unwrap());
    }
}

#[test]
fn a_limit_ends_it_for_good() {
    let config = Config {
        max_line_bytes: 8,
        ..Config::default()
    };
    let now = begin();
    let mut source = Source::new(&config, "", now, 0);
    source.receive_head(200, TYPE, now).unwrap();
    let outcome = source.receive(&mut &b"data: a\n\ndata: ab"[..], now);
    assert!(matches!(outcome, Ok(Some(_))));
    let outcome = source.receive(&mut &b"data: abc"[..], now);
    assert_eq!(outcome, Err(Violation::LineTooLong));
    assert_eq!(source.phase(), Phase::Closed);
}

#[test]
fn what_is_closed_stays_closed() {
    let now = begin();
    let mut source = source(now);
    source.receive_head(200, TYPE, now).unwrap();
    source.close();
    assert_eq!(source.receive(&mut &b"data:a\n\n"[..], now), Ok(None));
    source.receive_eof(now);
    source.handle_timeout(now + ms(1_000_000));
    assert_eq!(
        (source.phase(), source.poll_deadline()),
        (Phase::Closed, None)
    );
}

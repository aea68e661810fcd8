//! Streams and what a client sees of them, each whole, byte by byte and cut in two at each place.

use std::time::Duration;

use bytes::Buf;

use super::super::Parser;
use crate::config::Config;
use crate::error::Violation;

/// What a parser made of a stream: `type|data|id` for each event, then what it remembers.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<String>,
    last_event_id: String,
    retry: Option<Duration>,
    violation: Option<Violation>,
}

fn parse<'a>(config: &Config, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut parser = Parser::new(config);
    let mut seen = Seen::default();
    for mut piece in pieces {
        loop {
            match parser.receive(&mut piece) {
                Ok(Some(event)) => {
                    let (data, id) = (event.data, event.last_event_id);
                    seen.events
                        .push(format!("{}|{data}|{id}", event.event_type));
                }
                Ok(None) => break,
                Err(violation) => {
                    seen.violation = Some(violation);
                    return seen;
                }
            }
        }
        assert!(!piece.has_remaining(), "all that is not an event is taken");
    }
    seen.last_event_id = parser.last_event_id().to_owned();
    seen.retry = parser.retry();
    seen
}

/// Parses it in every way, and returns what was seen in all of them.
fn parse_every_way(config: &Config, stream: &[u8]) -> Seen {
    let whole = parse(config, [stream]);
    assert_eq!(parse(config, stream.chunks(1)), whole, "byte by byte");
    for cut in 0..=stream.len() {
        let (begin, end) = stream.split_at(cut);
        assert_eq!(parse(config, [begin, end]), whole, "cut at {cut}");
    }
    whole
}

fn check(cases: &[(&[u8], &[&str])]) {
    for (stream, events) in cases {
        let seen = parse_every_way(&Config::default(), stream);
        assert_eq!(seen.events, *events, "{}", stream.escape_ascii());
        assert_eq!(seen.violation, None, "{}", stream.escape_ascii());
    }
}

#[test]
fn a_line_ends_by_cr_by_lf_or_by_both() {
    check(&[
        (b"data:a\n\n", &["message|a|"]),
        (b"data:a\r\r", &["message|a|"]),
        (b"data:a\r\n\r\n", &["message|a|"]),
        (b"data:a\r\ndata:b\rdata:c\n\r", &["message|a\nb\nc|"]),
        (b"data:a\n\r\ndata:b\r\r\n", &["message|a|", "message|b|"]),
        (b"data:a\r\n\ndata:b\r\n\r", &["message|a|", "message|b|"]),
    ]);
}

#[test]
fn an_event_is_given_at_the_cr_of_its_empty_line() {
    let seen = parse(&Config::default(), [&b"data:a\r\n\r"[..]]);
    assert_eq!(seen.events, ["message|a|"]);
}

#[test]
fn one_byte_order_mark_is_passed_over_where_the_stream_begins() {
    check(&[
        (b"\xef\xbb\xbfdata:a\n\n", &["message|a|"]),
        (
            b"\xef\xbb\xbf\xef\xbb\xbfdata:a\n\ndata:b\n\n",
            &["message|b|"],
        ),
        (b"data:a\n\n\xef\xbb\xbfdata:b\n\n", &["message|a|"]),
        (b"\xef\xbb\ndata:a\n\n", &["message|a|"]),
        (b"\xefdata:a\ndata:b\n\n", &["message|b|"]),
        (b"\xef\xbb\xbf\n\ndata:a\n\n", &["message|a|"]),
    ]);
}

#[test]
fn one_space_behind_the_colon_is_none_of_the_value() {
    check(&[
        (b"data:a\n\n", &["message|a|"]),
        (b"data: a\n\n", &["message|a|"]),
        (b"data:  a\n\n", &["message| a|"]),
        (b"data:\ta \n\n", &["message|\ta |"]),
        (b"data: a: b:c\n\n", &["message|a: b:c|"]),
        (b"event: \ndata:a\n\n", &["message|a|"]),
    ]);
}

#[test]
fn a_name_that_is_not_exactly_known_is_passed_over() {
    check(&[
        (
            b"Data:1\n data:2\ndata :3\ndata\0:4\nda-ta:5\ndata:a\n\n",
            &["message|a|"],
        ),
        (b"text without a colon\ndata:a\n\n", &["message|a|"]),
        (b": comment\n:\ndata:a\n:data:b\n\n", &["message|a|"]),
        (b":\n\n: alive\n\n", &[]),
    ]);
}

#[test]
fn data_of_several_lines_is_joined_by_lf() {
    check(&[
        (b"data:a\ndata\ndata:\ndata:b\n\n", &["message|a\n\n\nb|"]),
        (b"data\n\n", &["message||"]),
        (b"data:\n\n", &["message||"]),
        (b"data\ndata\n\n", &["message|\n|"]),
        (b"data:a\0b\n\n", &["message|a\0b|"]),
    ]);
}

#[test]
fn an_event_without_data_is_none_and_its_type_is_forgotten() {
    check(&[
        (b"event:a\n\ndata:b\n\n", &["message|b|"]),
        (
            b"event:a\nevent:b\ndata:c\n\ndata:d\n\n",
            &["b|c|", "message|d|"],
        ),
        (b"\n\n\n", &[]),
    ]);
}

#[test]
fn an_event_whose_empty_line_did_not_come_is_not_given() {
    check(&[
        (b"data:a\n\ndata:b", &["message|a|"]),
        (b"data:a\n\ndata:b\n", &["message|a|"]),
    ]);
}

#[test]
fn what_is_no_utf_8_becomes_a_replacement_character() {
    check(&[
        ("data:\u{2026}\n\n".as_bytes(), &["message|\u{2026}|"]),
        (b"data:a\xffb\n\n", &["message|a\u{fffd}b|"]),
        (
            b"data:\xe2\x80\ndata:\xa6\n\n",
            &["message|\u{fffd}\n\u{fffd}|"],
        ),
        (b"event:\xff\ndata:a\n\n", &["\u{fffd}|a|"]),
        (b"id:\xff\ndata:a\n\n", &["message|a|\u{fffd}"]),
    ]);
}

#[test]
fn an_id_stays_until_another_comes() {
    check(&[
        (
            b"id:1\ndata:a\n\ndata:b\n\n",
            &["message|a|1", "message|b|1"],
        ),
        (
            b"id:1\ndata:a\n\nid\ndata:b\n\ndata:c\n\n",
            &["message|a|1", "message|b|", "message|c|"],
        ),
        (b"id:1\n\ndata:a\n\n", &["message|a|1"]),
        (b"id:1\nid: 2 3\ndata:a\n\n", &["message|a|2 3"]),
        (b"data:a\nid:1\n\n", &["message|a|1"]),
    ]);
}

#[test]
fn an_id_with_a_nul_is_passed_over() {
    check(&[(b"id:1\nid:\0\nid:2\0\ndata:a\n\n", &["message|a|1"])]);
}

#[test]
fn an_id_counts_from_the_empty_line_on() {
    for (stream, id) in [
        (&b"id:1\n\nid:2\ndata:b\n"[..], "1"),
        (b"id:1\n\nid:2\n\n", "2"),
        (b"id:1\n\nid\n\n", ""),
        (b"id:1", ""),
    ] {
        let seen = parse_every_way(&Config::default(), stream);
        assert_eq!(seen.last_event_id, id, "{}", stream.escape_ascii());
    }
}

#[test]
fn the_next_stream_goes_on_with_the_last_id_and_nothing_else() {
    let mut parser = Parser::new(&Config::default()).with_last_event_id("0");
    let mut streams = [
        &b"id:1\nretry:5\ndata:a\n\nid:2\nevent:b\ndata:c\r"[..],
        b"\xef\xbb\xbfdata:d\n\n",
    ];
    assert_eq!(parser.last_event_id(), "0");
    assert!(parser.receive(&mut streams[0]).unwrap().is_some());
    assert_eq!(parser.receive(&mut streams[0]), Ok(None));
    parser.restart();
    let event = parser.receive(&mut streams[1]).unwrap().unwrap();
    assert_eq!(event.event_type, "message");
    assert_eq!((&*event.data, &*event.last_event_id), ("d", "1"));
    assert_eq!(parser.retry(), Some(Duration::from_millis(5)));
}

#[test]
fn a_retry_time_is_digits_only() {
    for (stream, millis) in [
        (&b"retry:1000\n"[..], Some(1000)),
        (b"retry: 03000\n", Some(3000)),
        (b"retry:0\n", Some(0)),
        (b"retry:3000\nretry:1000x\n", Some(3000)),
        (b"retry:3000\nretry\n", Some(3000)),
        (b"retry:3000\nretry:\n", Some(3000)),
        (b"retry:1.5\n", None),
        (b"retry:-1\n", None),
        (b"retry:+1\n", None),
        (b"retry: 1 \n", None),
        (b"retry:1", None),
        (b"retry:99999999999999999999999\n", Some(u64::MAX)),
    ] {
        let seen = parse_every_way(&Config::default(), stream);
        let retry = millis.map(Duration::from_millis);
        assert_eq!(seen.retry, retry, "{}", stream.escape_ascii());
    }
}

#[test]
fn a_limit_is_reached_but_not_passed() {
    let config = Config {
        max_line_bytes: 8,
        max_event_bytes: 9,
        ..Config::default()
    };
    for (stream, violation) in [
        (&b"data:abc\n\n"[..], None),
        (b"data:abcd\n\n", Some(Violation::LineTooLong)),
        (b"data:abcd", Some(Violation::LineTooLong)),
        (b":comment\n", None),
        (b":comments\n", Some(Violation::LineTooLong)),
        (b"data:abc\ndata:abc\ndata\n\n", None),
        (
            b"data:abc\ndata:abc\ndata:a\n\n",
            Some(Violation::EventTooLong),
        ),
        (b"data:abc\ndata:abc\nid:a\n\n", None),
        (
            b"data:abc\ndata:abc\nid:ab\n\n",
            Some(Violation::EventTooLong),
        ),
        (b"data:abc\ndata:abc\nevent:a\n\n", None),
        (
            b"data:abc\ndata:abc\nevent:a\nid:a\n",
            Some(Violation::EventTooLong),
        ),
        // What is replaced does not count.
        (b"id:abcde\nid:abcde\ndata:abc\n\n", None),
        (b"event:ab\nevent:ab\ndata:abc\ndata:a\n\n", None),
        // What was given does not count for the next.
        (b"data:abc\ndata:abc\n\ndata:abc\ndata:abc\n\n", None),
    ] {
        let seen = parse_every_way(&config, stream);
        assert_eq!(seen.violation, violation, "{}", stream.escape_ascii());
    }
}

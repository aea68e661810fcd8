//! Events as bytes, and what a client sees of them.

use std::time::Duration;

use super::super::Parser;
use crate::config::Config;
use crate::error::Misuse;
use crate::proto::event::{Encoded, Event, Line};

fn encode(event: Event<'_>) -> String {
    let mut output = b"before".to_vec();
    event.encode(&mut output);
    let shared = Encoded::from(event);
    assert_eq!(output, [b"before", shared.as_bytes()].concat());
    String::from_utf8(shared.as_bytes().to_vec()).unwrap()
}

#[test]
fn what_is_set_is_written_and_nothing_else() {
    let everything = Event {
        id: Some(Line::new("7").unwrap()),
        event: Some(Line::from_static("tick")),
        data: Some("a"),
        retry: Some(Duration::from_micros(2500)),
        comment: Some("b"),
    };
    for (event, bytes) in [
        (everything, ": b\nid: 7\nevent: tick\nretry: 2\ndata: a\n\n"),
        (Event::data("a"), "data: a\n\n"),
        (Event::data(""), "data: \n\n"),
        (Event::default(), "\n"),
    ] {
        assert_eq!(encode(event), bytes);
    }
}

#[test]
fn each_line_of_data_and_comment_has_its_name() {
    for (text, lines) in [
        ("a\nb", &["a", "b"][..]),
        ("a\rb\r\nc\n\rd", &["a", "b", "c", "", "d"]),
        ("\n", &["", ""]),
        ("a\r\n", &["a", ""]),
    ] {
        let named =
            |name: &str| -> String { lines.iter().map(|line| format!("{name}{line}\n")).collect() };
        assert_eq!(encode(Event::data(text)), named("data: ") + "\n");
        let comment = Event {
            comment: Some(text),
            ..Event::default()
        };
        assert_eq!(encode(comment), named(": ") + "\n");
    }
}

#[test]
fn a_field_cannot_break_out_of_its_line() {
    for (text, misuse) in [
        ("a\nb", Misuse::LineBreak(1)),
        ("\r", Misuse::LineBreak(0)),
        ("ab\0", Misuse::Nul(2)),
        ("a\0\n", Misuse::Nul(1)),
    ] {
        assert_eq!(Line::new(text), Err(misuse), "{text:?}");
    }
    for text in ["", " a:b ", "\u{2028}\u{85}\u{b}\u{c}\u{feff}", "\u{1f}"] {
        assert_eq!(Line::new(text).map(Line::as_str), Ok(text));
    }
}

#[test]
fn a_client_sees_the_text_that_was_sent() {
    for (text, seen) in [
        ("", ""),
        (" a ", " a "),
        ("data:a\n\n: b", "data:a\n\n: b"),
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("\0\u{feff}\u{2026}", "\0\u{feff}\u{2026}"),
    ] {
        let mut output = Encoded::keep_alive().as_bytes().to_vec();
        let event = Event {
            id: Some(Line::new(" 7:").unwrap()),
            event: Some(Line::new(" tick").unwrap()),
            comment: Some(text),
            retry: Some(Duration::MAX),
            data: Some(text),
        };
        event.encode(&mut output);
        let (mut parser, mut input) = (Parser::new(&Config::default()), &output[..]);
        let event = parser.receive(&mut input).unwrap().unwrap();
        assert_eq!((&*event.event_type, &*event.data), (" tick", seen));
        assert_eq!(parser.last_event_id(), " 7:");
        assert_eq!(parser.receive(&mut input), Ok(None));
    }
}

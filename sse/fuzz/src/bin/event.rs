//! One event through the encoder: a client sees what was set, and no other event.
#![no_main]

use std::time::Duration;

use astatine_sse::{Encoded, Event, Line};
use astatine_sse_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Fields are told apart by a character that may stand in any of them but cannot end a line.
    let mut parts = text.split('\u{1f}');
    let mut line = || parts.next().and_then(|part| Line::new(part).ok());
    let (id, event_type) = (line(), line());
    let (retry, data, comment) = (parts.next(), parts.next(), parts.next());
    let event = Event {
        id,
        event: event_type,
        data,
        retry: retry.map(|text| Duration::from_millis(text.len() as u64)),
        comment,
    };
    let mut stream = Encoded::keep_alive().as_bytes().to_vec();
    event.encode(&mut stream);
    assert!(stream.ends_with(Encoded::from(event).as_bytes()));
    Event::data("next").encode(&mut stream);
    let seen = read(&stream);

    let id = id.map_or("", Line::as_str);
    let event_type = match event_type.map_or("", Line::as_str) {
        "" => "message",
        event_type => event_type,
    };
    let mut expected = Vec::new();
    if let Some(data) = data {
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        expected.push((event_type.to_owned(), data, id.to_owned()));
    }
    expected.push((String::from("message"), String::from("next"), id.to_owned()));
    assert_eq!(seen.events, expected);
    assert_eq!(seen.last_event_id, id);
    assert_eq!(seen.retry, retry.map(|text| text.len() as u64));
});

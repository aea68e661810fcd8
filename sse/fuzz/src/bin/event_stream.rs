//! One event stream, against another reader.
//!
//! It is read to the same events, however it was cut; where limits are small, it breaks them at
//! the same place, however it was cut.
#![no_main]

use astatine_sse::proto::Parser;
use astatine_sse::{Config, Violation};
use astatine_sse_fuzz::{Seen, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut config = Config::default();
    let (whole, violation) = parse_every_way(data, &config);
    assert_eq!(violation, None);
    assert_eq!(whole, read(data));
    config.max_line_bytes = 16;
    config.max_event_bytes = 24;
    let (limited, violation) = parse_every_way(data, &config);
    assert!(whole.events.starts_with(&limited.events));
    for (event_type, data, id) in &limited.events {
        // What is no UTF-8 grows threefold, and `message` and an id from before are not counted.
        assert!(data.len() <= 3 * 24 && event_type.len() <= 3 * 24 && id.len() <= 3 * 24);
    }
    if violation.is_none() {
        assert_eq!(limited, whole);
    }
});

fn parse_every_way(data: &[u8], config: &Config) -> (Seen, Option<Violation>) {
    let whole = parse([data], config);
    let middle = data.len() / 2;
    assert_eq!(whole, parse([&data[..middle], &data[middle..]], config));
    assert_eq!(whole, parse(data.chunks(1), config));
    whole
}

fn parse<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    config: &Config,
) -> (Seen, Option<Violation>) {
    let mut parser = Parser::new(config);
    let mut seen = Seen::default();
    let mut violation = None;
    'stream: for mut piece in pieces {
        loop {
            match parser.receive(&mut piece) {
                Ok(Some(event)) => seen.events.push((
                    event.event_type.into_owned(),
                    event.data,
                    event.last_event_id.to_string(),
                )),
                Ok(None) => break,
                Err(broken) => {
                    violation = Some(broken);
                    break 'stream;
                }
            }
        }
        assert!(piece.is_empty());
    }
    seen.last_event_id = parser.last_event_id().to_owned();
    let millis = parser.retry().map(|retry| retry.as_millis());
    seen.retry = millis.map(|millis| u64::try_from(millis).expect("it was read as one"));
    (seen, violation)
}

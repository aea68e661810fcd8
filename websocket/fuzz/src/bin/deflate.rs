//! Compressed messages: anything inflates or is refused within its limit, and what was compressed
//! comes back.
//!
//! The first byte picks the terms, the second cuts the input into messages.
#![no_main]

use astatine_websocket::proto::Kind;
use astatine_websocket::proto::deflate::{Context, Deflater, Direction, Inflater, WindowBits};
use astatine_websocket::{Config, Violation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [choice, len, rest @ ..] = data else {
        return;
    };
    let direction = Direction {
        context: match choice & 1 {
            0 => Context::PerMessage,
            _ => Context::Kept,
        },
        window_bits: WindowBits::new(9 + (choice >> 1) % 7).expect("it is from 9 to 15"),
    };
    let mut config = Config::default();
    config.deflate_min_bytes = 0;
    config.max_message_bytes = 1 << 14;
    let messages = || rest.chunks(usize::from(*len) * 4 + 1);
    inflate(messages(), direction, &config);
    come_back(messages(), direction, &config);
});

/// Takes the messages for compressed ones.
fn inflate<'a>(messages: impl Iterator<Item = &'a [u8]>, terms: Direction, config: &Config) {
    let mut inflater = Inflater::new(terms);
    for message in messages {
        let binary = inflater.inflate(Kind::Binary, message, config);
        match &binary {
            Ok(inflated) => assert!(inflated.len() <= config.max_message_bytes),
            Err(violation) => {
                let is_known = [Violation::Deflate, Violation::MessageTooLong].contains(violation);
                assert!(is_known, "{violation:?}");
            }
        }
        match terms.context {
            // Nothing is left of what came before.
            Context::PerMessage => {
                let alone = Inflater::new(terms).inflate(Kind::Binary, message, config);
                assert_eq!(binary, alone);
                let text = inflater.inflate(Kind::Text, message, config);
                let is_text = binary
                    .as_ref()
                    .is_ok_and(|b| std::str::from_utf8(b).is_ok());
                assert_eq!(text.is_ok(), is_text);
            }
            // A violation ends the connection.
            Context::Kept if binary.is_err() => return,
            Context::Kept => {}
        }
    }
}

fn come_back<'a>(messages: impl Iterator<Item = &'a [u8]>, terms: Direction, config: &Config) {
    let mut deflater = Deflater::new(terms, config);
    let mut inflater = Inflater::new(terms);
    let mut scratch = Vec::new();
    for message in messages {
        if let Some(deflated) = deflater.deflate(message, &mut scratch) {
            let inflated = inflater.inflate(Kind::Binary, deflated, config);
            assert_eq!(inflated.as_deref(), Ok(message));
        }
    }
}

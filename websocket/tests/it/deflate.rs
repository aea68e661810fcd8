//! Compressed messages (RFC 7692 §6, §7.2).

use astatine_websocket::proto::deflate::{
    Context, Deflater, Direction, Inflater, WindowBits, encode_deflated,
};
use astatine_websocket::proto::{
    Connection, Event, Extension, Kind, MaskKeys, Role, encode_binary,
};
use astatine_websocket::{Config, Violation};
use bytes::{Bytes, BytesMut};

use crate::dice::Dice;

fn direction(context: Context, bits: u8) -> Direction {
    Direction {
        context,
        window_bits: WindowBits::new(bits).unwrap(),
    }
}

/// A configuration that compresses whatever it may.
fn eager() -> Config {
    let mut config = Config::default();
    config.deflate_min_bytes = 0;
    config
}

fn inflater(context: Context) -> Inflater {
    Inflater::new(direction(context, 15))
}

fn inflate(payload: &[u8]) -> Result<Bytes, Violation> {
    inflater(Context::PerMessage).inflate(Kind::Binary, payload, &Config::default())
}

mod rfc7692_7_2_3 {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_inflated() {
        for payload in [
            // One block; a block without compression; a final block; two blocks.
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[
                0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
            ],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
            // A final block that nothing follows.
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            assert_eq!(
                inflate(payload).as_deref(),
                Ok(&b"Hello"[..]),
                "{payload:x?}"
            );
        }
        assert_eq!(inflate(&[0x00]).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn a_stream_that_ended_with_a_message_begins_anew_with_the_next() {
        let (mut inflater, config) = (inflater(Context::Kept), Config::default());
        for payload in [
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            let inflated = inflater.inflate(Kind::Text, payload, &config);
            assert_eq!(inflated.as_deref(), Ok(&b"Hello"[..]));
        }
    }

    #[test]
    fn a_message_refers_to_an_earlier_one_only_where_the_context_is_kept() {
        let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let config = Config::default();
        for (context, expected) in [
            (Context::Kept, Ok(Bytes::from_static(b"Hello"))),
            (Context::PerMessage, Err(Violation::Deflate)),
        ] {
            let mut inflater = inflater(context);
            inflater.inflate(Kind::Text, &first, &config).unwrap();
            assert_eq!(inflater.inflate(Kind::Text, &second, &config), expected);
        }
    }
}

#[test]
fn messages_come_back_as_they_went_by_all_terms() {
    let config = eager();
    for context in [Context::PerMessage, Context::Kept] {
        for bits in 9..=15 {
            let mut dice = Dice(u64::from(bits));
            let terms = direction(context, bits);
            let mut deflater = Deflater::new(terms, &config);
            let mut inflater = Inflater::new(terms);
            let mut scratch = Vec::new();
            for _ in 0..20 {
                let text = dice.text(2000);
                let Some(deflated) = deflater.deflate(text.as_bytes(), &mut scratch) else {
                    continue;
                };
                assert!(!deflated.ends_with(&[0x00, 0x00, 0xff, 0xff]));
                let inflated = inflater.inflate(Kind::Text, deflated, &config);
                assert_eq!(inflated.as_deref(), Ok(text.as_bytes()));
            }
            // What does not fit into the window, nor compresses.
            let noise = [dice.bytes(40_000), vec![7; 40_000]].concat();
            if let Some(deflated) = deflater.deflate(&noise, &mut scratch) {
                let inflated = inflater.inflate(Kind::Binary, deflated, &config);
                assert!(inflated.is_ok_and(|inflated| inflated == noise));
            }
        }
    }
}

#[test]
fn a_context_that_is_kept_makes_the_second_message_shorter() {
    let message = Dice(1).bytes(1000);
    let lens = |context| {
        let mut deflater = Deflater::new(direction(context, 15), &eager());
        let mut len = || {
            let mut scratch = Vec::new();
            deflater.deflate(&message, &mut scratch).map(<[u8]>::len)
        };
        (len(), len())
    };
    assert_eq!(
        lens(Context::PerMessage),
        (None, None),
        "noise is sent as it is"
    );
    let (first, second) = lens(Context::Kept);
    assert!(second.unwrap() < 100 && first.unwrap() >= message.len());
}

#[test]
fn short_messages_are_sent_as_they_are() {
    let config = Config::default();
    let mut deflater = Deflater::new(direction(Context::PerMessage, 15), &config);
    let mut scratch = Vec::new();
    for (len, is_deflated) in [(0, false), (255, false), (256, true)] {
        let payload = vec![b'x'; len];
        assert_eq!(
            deflater.deflate(&payload, &mut scratch).is_some(),
            is_deflated
        );
    }
}

#[test]
fn what_cannot_be_inflated_is_refused() {
    for payload in [
        // A reserved block type, a stored block whose lengths differ, a distance too far back.
        &[0x07][..],
        &[0x00, 0x05, 0x00, 0x00, 0x00],
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        &[0xff; 40],
    ] {
        assert_eq!(inflate(payload), Err(Violation::Deflate), "{payload:x?}");
    }
    let violation = Violation::Deflate;
    assert_eq!(violation.close_code().unwrap().value(), 1007);
}

#[test]
fn an_inflater_serves_others_behind_a_message_that_broke() {
    let mut inflater = inflater(Context::PerMessage);
    let config = Config::default();
    for broken in [&[0xf2, 0x48, 0xcd][..], &[0x07], &[0x00, 0xff]] {
        let ended = inflater.inflate(Kind::Binary, broken, &config);
        assert_ne!(ended.as_deref(), Ok(&b"Hello"[..]));
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let inflated = inflater.inflate(Kind::Text, &hello, &config);
        assert_eq!(inflated.as_deref(), Ok(&b"Hello"[..]));
    }
}

#[test]
fn nothing_is_inflated_beyond_the_limit_of_a_message() {
    let mut deflater = Deflater::new(direction(Context::PerMessage, 15), &eager());
    let mut scratch = Vec::new();
    let bomb = vec![0; 3 << 20];
    let deflated = deflater.deflate(&bomb, &mut scratch).unwrap();
    assert!(deflated.len() < 32 << 10);
    let mut config = Config::default();
    for (max, expected) in [
        (256 << 10, Err(Violation::MessageTooLong)),
        (bomb.len() - 1, Err(Violation::MessageTooLong)),
        (bomb.len(), Ok(bomb.len())),
        (usize::MAX, Ok(bomb.len())),
    ] {
        config.max_message_bytes = max;
        let mut inflater = inflater(Context::PerMessage);
        let inflated = inflater.inflate(Kind::Binary, deflated, &config);
        assert_eq!(inflated.map(|message| message.len()), expected);
    }
}

#[test]
fn a_text_is_checked_once_it_is_inflated() {
    let mut deflater = Deflater::new(direction(Context::PerMessage, 15), &eager());
    let mut scratch = Vec::new();
    let noise = [0xc0; 300];
    let deflated = deflater.deflate(&noise, &mut scratch).unwrap();
    let mut inflater = inflater(Context::PerMessage);
    let config = Config::default();
    let inflated = inflater.inflate(Kind::Text, deflated, &config);
    assert_eq!(inflated, Err(Violation::Text));
    assert!(inflater.inflate(Kind::Binary, deflated, &config).is_ok());
}

mod rfc7692_6 {
    use super::*;

    /// Feeds a client that has agreed on compression, byte by byte.
    fn receive(input: &[u8]) -> Result<Vec<Event>, Violation> {
        let keys = MaskKeys::new([7; 16]);
        let mut core = Connection::new(Role::Client(keys), Extension::Deflate);
        let (mut buffer, config) = (BytesMut::new(), Config::default());
        let mut events = Vec::new();
        for octet in input {
            buffer.extend_from_slice(&[*octet]);
            events.extend(core.receive(&mut buffer, &config, &mut Vec::new())?);
        }
        Ok(events)
    }

    #[test]
    fn the_first_frame_says_that_a_message_is_compressed() {
        let deflated = |kind| Event::Deflated {
            kind,
            payload: Bytes::from_static(b"ab"),
        };
        for (input, expected) in [
            (&[0xc1, 2, b'a', b'b'][..], deflated(Kind::Text)),
            (&[0xc2, 2, b'a', b'b'], deflated(Kind::Binary)),
            (&[0x41, 1, b'a', 0x80, 1, b'b'], deflated(Kind::Text)),
            (
                &[0x81, 2, b'a', b'b'],
                Event::Message {
                    kind: Kind::Text,
                    payload: Bytes::from_static(b"ab"),
                },
            ),
        ] {
            assert_eq!(receive(input), Ok(vec![expected]), "{input:x?}");
        }
    }

    #[test]
    fn other_frames_that_say_so_are_refused() {
        for input in [
            &[0x01, 1, b'a', 0xc0, 0][..],
            &[0x41, 1, b'a', 0xc0, 0],
            &[0xc9, 0],
            &[0xca, 0],
            &[0xc8, 0],
            &[0xe1, 0],
            &[0xd1, 0],
        ] {
            assert_eq!(receive(input), Err(Violation::ReservedBits), "{input:x?}");
        }
    }

    #[test]
    fn what_is_compressed_is_not_taken_for_text() {
        assert!(receive(&[0xc1, 1, 0xff]).is_ok());
    }

    #[test]
    fn a_compressed_message_is_limited_before_it_is_inflated() {
        let max = 256 << 10;
        for (len, is_taken) in [(max, true), (max + 1, true), (max * 2, false)] {
            let header = [&[0xc2, 127][..], &u64::to_be_bytes(len)].concat();
            let violation = receive(&header).err();
            assert_eq!(violation.is_none(), is_taken, "{len}: {violation:?}");
        }
    }
}

#[test]
fn a_shared_encoding_is_compressed_where_that_pays() {
    let mut deflater = Deflater::new(direction(Context::PerMessage, 15), &Config::default());
    let (mut scratch, mut output, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    encode_deflated(
        Kind::Binary,
        b"short",
        &mut deflater,
        &mut scratch,
        &mut output,
    );
    encode_binary(b"short", &mut plain);
    assert_eq!(output, plain);
    output.clear();
    encode_deflated(
        Kind::Text,
        &[b'x'; 1000],
        &mut deflater,
        &mut scratch,
        &mut output,
    );
    assert_eq!(
        (output[0], usize::from(output[1])),
        (0xc1, output.len() - 2)
    );
    let inflated = inflate(&output[2..]).unwrap();
    assert_eq!(inflated, &[b'x'; 1000][..]);
}

#[test]
fn a_message_that_does_not_inflate_ends_the_connection() {
    let mut core = Connection::new(Role::Server, Extension::Deflate);
    let mut output = Vec::new();
    core.fail(Violation::Deflate, &mut output);
    assert_eq!(output, [0x88, 2, 0x03, 0xef]);
    assert!(core.is_closed());
    core.fail(Violation::Deflate, &mut output);
    assert_eq!(output.len(), 4, "it is told once");
}

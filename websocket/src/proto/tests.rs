//! Cases by section of RFC 6455, each run whole, byte by byte, and cut in two at every point.

use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::*;
use crate::config::Config;
use crate::error::{Misuse, Violation};

/// What a connection made of its input.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<Event>,
    violation: Option<Violation>,
    /// The frames that it sent by itself: first byte and payload.
    output: Vec<(u8, Vec<u8>)>,
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn client() -> Role {
    Role::Client(MaskKeys::new([7; 16]))
}

/// Writes a frame as its sender would, with a minimal length.
fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let mut frame = match payload.len() {
        len @ 0..126 => vec![first, mask | len as u8],
        len @ 126..0x1_0000 => [&[first, mask | 126][..], &(len as u16).to_be_bytes()].concat(),
        len => [&[first, mask | 127][..], &(len as u64).to_be_bytes()].concat(),
    };
    frame.extend(key.into_iter().flatten());
    let masks = key.unwrap_or_default().into_iter().cycle();
    frame.extend(payload.iter().zip(masks).map(|(octet, mask)| octet ^ mask));
    frame
}

fn from_client(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, Some(KEY), payload)
}

/// Reads frames back, masked or not.
fn frames(mut octets: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = octets {
        let (len, rest) = match second & 0x7f {
            126 => (
                usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            127 => (
                u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize,
                &rest[8..],
            ),
            len => (usize::from(len), rest),
        };
        let (key, rest) = match second & 0x80 {
            0 => ([0; 4], rest),
            _ => (rest[..4].try_into().unwrap(), &rest[4..]),
        };
        let masks = key.iter().cycle();
        let payload = rest[..len]
            .iter()
            .zip(masks)
            .map(|(octet, mask)| octet ^ mask);
        frames.push((*first, payload.collect()));
        octets = &rest[len..];
    }
    frames
}

fn run<'a>(
    mut core: Connection,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    config: &Config,
) -> Seen {
    let (mut input, mut output) = (BytesMut::new(), Vec::new());
    let mut seen = Seen::default();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match core.receive(&mut input, config, &mut output) {
                Ok(Some(event)) => seen.events.push(event),
                Ok(None) => break,
                Err(violation) => {
                    assert_eq!(seen.violation, None, "nothing is read behind a violation");
                    seen.violation = Some(violation);
                }
            }
        }
    }
    seen.output = frames(&output);
    seen
}

/// Runs a case in one piece, byte by byte, and in two pieces; all must agree.
fn run_every_way(role: fn() -> Role, input: &[u8], config: &Config) -> Seen {
    let core = || Connection::new(role(), Extension::None);
    let whole = run(core(), [input], config);
    if input.len() < 1000 {
        let bytewise = run(core(), input.chunks(1), config);
        assert_eq!(whole, bytewise, "byte by byte: {}", input.escape_ascii());
    }
    let step = if input.len() < 1000 {
        1
    } else {
        input.len() / 8 + 1
    };
    for cut in (0..input.len()).step_by(step) {
        let (a, b) = input.split_at(cut);
        let halves = run(core(), [a, b], config);
        assert_eq!(whole, halves, "cut at {cut}: {}", input.escape_ascii());
    }
    whole
}

/// Runs a server's case.
fn serve(input: &[Vec<u8>]) -> Seen {
    run_every_way(|| Role::Server, &input.concat(), &Config::default())
}

fn text(payload: impl AsRef<[u8]>) -> Event {
    message(Kind::Text, payload)
}

fn binary(payload: impl AsRef<[u8]>) -> Event {
    message(Kind::Binary, payload)
}

fn message(kind: Kind, payload: impl AsRef<[u8]>) -> Event {
    let payload = bytes::Bytes::copy_from_slice(payload.as_ref());
    Event::Message { kind, payload }
}

fn ping(payload: &'static [u8]) -> Event {
    Event::Ping(bytes::Bytes::from_static(payload))
}

/// A case whose messages come in, and which is answered with nothing.
fn check(input: &[Vec<u8>], events: &[Event]) {
    let seen = serve(input);
    assert_eq!((seen.violation, &seen.events[..]), (None, events));
    assert_eq!(seen.output, []);
}

/// A case that is refused, with the code; the events before it still come in.
fn check_refused(input: &[Vec<u8>], events: &[Event], violation: Violation, code: u16) {
    // What is behind a violation is not looked at.
    let input = [input, &[from_client(TEXT, b"behind")]].concat();
    let seen = serve(&input);
    assert_eq!(
        (seen.violation, &seen.events[..]),
        (Some(violation), events)
    );
    assert_eq!(seen.output, [(CLOSE, code.to_be_bytes().to_vec())]);
}

const FIN: u8 = 0x80;
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const FIRST_TEXT: u8 = 0x01;
const FIRST_BINARY: u8 = 0x02;
const NEXT: u8 = 0x00;
const LAST: u8 = 0x80;

mod rfc6455_5_1 {
    use super::*;

    #[test]
    fn a_server_refuses_frames_without_mask() {
        for first in [TEXT, BINARY, PING, CLOSE] {
            let input = [frame(first, None, b"")];
            check_refused(&input, &[], Violation::UnmaskedFrame, 1002);
        }
    }

    #[test]
    fn a_client_refuses_frames_with_mask() {
        for first in [TEXT, BINARY, PING, CLOSE] {
            let seen = run_every_way(client, &from_client(first, b""), &Config::default());
            assert_eq!(seen.violation, Some(Violation::MaskedFrame));
            assert_eq!(seen.output, [(CLOSE, vec![0x03, 0xea])]);
        }
    }

    #[test]
    fn a_client_takes_what_a_server_sends() {
        let input = [frame(TEXT, None, b"a"), frame(PING, None, b"b")].concat();
        let seen = run_every_way(client, &input, &Config::default());
        assert_eq!(seen.events, [text("a"), ping(b"b")]);
        assert_eq!(seen.output, [(PONG, b"b".to_vec())]);
    }
}

mod rfc6455_5_2 {
    use super::*;

    #[test]
    fn payloads_of_every_form_of_length_come_in() {
        for len in [0, 1, 125, 126, 127, 128, 65_535, 65_536, 256 << 10] {
            let payload = vec![b'*'; len];
            check(&[from_client(TEXT, &payload)], &[text(&payload)]);
            let payload = vec![0xfe; len];
            check(&[from_client(BINARY, &payload)], &[binary(&payload)]);
        }
    }

    #[test]
    fn lengths_that_are_not_minimal_are_refused() {
        for length in [
            &[0x80 | 126, 0, 125][..],
            &[0x80 | 126, 0, 0],
            &[0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            &[0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            let input = [&[BINARY][..], length, &KEY].concat();
            check_refused(&[input], &[], Violation::PayloadLength, 1002);
        }
    }

    #[test]
    fn a_length_of_64_bits_is_refused() {
        let input = [&[BINARY, 0xff][..], &[0x80, 0, 0, 0, 0, 0, 0, 0]].concat();
        check_refused(&[input], &[], Violation::PayloadLength, 1002);
    }

    #[test]
    fn reserved_bits_without_extension_are_refused() {
        for bits in 1..8 {
            for first in [TEXT, BINARY, PING, PONG, CLOSE] {
                let input = [
                    from_client(TEXT, b"before"),
                    from_client(first | bits << 4, b""),
                ];
                check_refused(&input, &[text("before")], Violation::ReservedBits, 1002);
            }
        }
    }

    #[test]
    fn reserved_opcodes_are_refused() {
        for opcode in (3..8).chain(11..16) {
            for payload in [&b""[..], b"x"] {
                let input = [from_client(FIN | opcode, payload)];
                check_refused(&input, &[], Violation::ReservedOpcode(opcode), 1002);
            }
        }
    }

    #[test]
    fn whole_messages_lie_in_the_input() {
        let mut input = BytesMut::with_capacity(64);
        input.extend_from_slice(&from_client(BINARY, b"one"));
        input.extend_from_slice(&from_client(BINARY, b"two"));
        let block = input.as_ptr_range();
        let mut core = Connection::new(Role::Server, Extension::None);
        for expected in [b"one", b"two"] {
            let event = core.receive(&mut input, &Config::default(), &mut Vec::new());
            let Ok(Some(Event::Message { payload, .. })) = event else {
                panic!("a message, not {event:?}");
            };
            assert_eq!(payload, &expected[..]);
            assert!(block.contains(&payload.as_ptr()));
        }
    }

    #[test]
    fn what_is_missing_of_a_payload_is_told() {
        let mut core = Connection::new(Role::Server, Extension::None);
        let (mut input, config) = (BytesMut::new(), Config::default());
        let message = from_client(BINARY, &[7; 1000]);
        let mut n_arrived = 0;
        for (until, missing) in [(3, 0), (8, 1000), (500, 508), (1007, 1), (1008, 0)] {
            input.extend_from_slice(&message[n_arrived..until]);
            n_arrived = until;
            let event = core.receive(&mut input, &config, &mut Vec::new());
            assert_eq!(core.payload_missing(), missing);
            assert_eq!(event.unwrap().is_some(), until == message.len());
        }
    }
}

mod rfc6455_5_4 {
    use super::*;

    #[test]
    fn fragments_make_one_message() {
        check(
            &[
                from_client(FIRST_TEXT, b"frag"),
                from_client(NEXT, b""),
                from_client(NEXT, b"me"),
                from_client(LAST, b"nt"),
                from_client(FIRST_BINARY, b""),
                from_client(LAST, b""),
                from_client(TEXT, b"whole"),
            ],
            &[text("fragment"), binary(""), text("whole")],
        );
    }

    #[test]
    fn control_frames_come_between_fragments() {
        let seen = serve(&[
            from_client(FIRST_TEXT, b"a"),
            from_client(PING, b"1"),
            from_client(NEXT, b"b"),
            from_client(PING, b"2"),
            from_client(PONG, b"3"),
            from_client(LAST, b"c"),
        ]);
        let pong = Event::Pong(bytes::Bytes::from_static(b"3"));
        assert_eq!(seen.events, [ping(b"1"), ping(b"2"), pong, text("abc")]);
        assert_eq!(seen.output, [(PONG, b"1".to_vec()), (PONG, b"2".to_vec())]);
    }

    #[test]
    fn a_continuation_of_nothing_is_refused() {
        for first in [NEXT, LAST] {
            let violation = Violation::UnexpectedContinuation;
            check_refused(&[from_client(first, b"a")], &[], violation, 1002);
            let whole = [from_client(TEXT, b"whole"), from_client(first, b"a")];
            check_refused(&whole, &[text("whole")], violation, 1002);
            let ended = [
                from_client(FIRST_TEXT, b"frag"),
                from_client(LAST, b"ment"),
                from_client(first, b"a"),
            ];
            check_refused(&ended, &[text("fragment")], violation, 1002);
        }
    }

    #[test]
    fn a_message_inside_another_one_is_refused() {
        for first in [TEXT, BINARY, FIRST_TEXT, FIRST_BINARY] {
            let input = [from_client(FIRST_TEXT, b"a"), from_client(first, b"b")];
            check_refused(&input, &[], Violation::UnfinishedMessage, 1002);
        }
    }

    #[test]
    fn a_message_at_its_limits_comes_in_and_beyond_them_is_refused() {
        let mut config = Config::default();
        (config.max_message_bytes, config.max_frames) = (10, 3);
        let (first, next, last) = (FIRST_BINARY, NEXT, LAST);
        for (fragments, violation) in [
            (&[(BINARY, 10)][..], None),
            (&[(BINARY, 11)], Some(Violation::MessageTooLong)),
            (&[(first, 5), (last, 5)], None),
            (&[(first, 5), (last, 6)], Some(Violation::MessageTooLong)),
            (&[(first, 10), (next, 1)], Some(Violation::MessageTooLong)),
            (&[(first, 0), (next, 0), (last, 0)], None),
            (
                &[(first, 0), (next, 0), (next, 0), (last, 0)],
                Some(Violation::TooManyFrames),
            ),
            // The count begins anew with each message.
            (
                &[(first, 1), (last, 1), (first, 1), (next, 1), (last, 1)],
                None,
            ),
        ] {
            let input: Vec<u8> = fragments
                .iter()
                .flat_map(|(first, len)| from_client(*first, &vec![1; *len]))
                .collect();
            let seen = run_every_way(|| Role::Server, &input, &config);
            assert_eq!(seen.violation, violation, "{fragments:?}");
            assert_eq!(seen.events.is_empty(), violation.is_some());
            let code = match violation {
                Some(Violation::MessageTooLong) => Some((CLOSE, vec![0x03, 0xf1])),
                Some(_) => Some((CLOSE, vec![0x03, 0xf0])),
                None => None,
            };
            assert_eq!(seen.output, Vec::from_iter(code));
        }
    }

    #[test]
    fn a_message_too_long_is_refused_by_its_header() {
        for len in [(256_u64 << 10) + 1, 1 << 40, i64::MAX as u64] {
            let header = [&[BINARY, 0xff][..], &len.to_be_bytes(), &KEY].concat();
            let seen = serve(&[header]);
            assert_eq!(seen.violation, Some(Violation::MessageTooLong));
            assert_eq!(seen.output, [(CLOSE, vec![0x03, 0xf1])]);
        }
    }
}

mod rfc6455_5_5 {
    use super::*;

    #[test]
    fn pings_are_answered_with_what_they_carry() {
        for payload in [&b""[..], b"hello", &[0x00, 0xff, 0xfe], &[0xfe; 125]] {
            let seen = serve(&[from_client(PING, payload)]);
            assert_eq!(seen.output, [(PONG, payload.to_vec())]);
        }
        let seen = serve(&(0..10).map(|n| from_client(PING, &[n])).collect::<Vec<_>>());
        assert_eq!(
            seen.output,
            (0..10).map(|n| (PONG, vec![n])).collect::<Vec<_>>()
        );
    }

    #[test]
    fn pongs_that_nobody_asked_for_are_not_answered() {
        let pong = Event::Pong(bytes::Bytes::from_static(b"x"));
        check(&[from_client(PONG, b"x")], &[pong]);
    }

    #[test]
    fn control_frames_longer_than_125_bytes_are_refused() {
        for first in [PING, PONG, CLOSE] {
            let input = [from_client(first, &[b'x'; 126])];
            check_refused(&input, &[], Violation::ControlTooLong, 1002);
        }
    }

    #[test]
    fn fragmented_control_frames_are_refused() {
        for first in [PING, PONG, CLOSE] {
            let input = [from_client(first & !FIN, b""), from_client(LAST, b"")];
            check_refused(&input, &[], Violation::FragmentedControl, 1002);
        }
    }
}

mod rfc6455_5_5_1 {
    use super::*;

    fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
        from_client(CLOSE, &[&code.to_be_bytes(), reason].concat())
    }

    #[test]
    fn a_close_is_told_and_answered_with_its_code() {
        let empty = serve(&[from_client(CLOSE, b"")]);
        assert_eq!(empty.events, [Event::Close(None)]);
        assert_eq!(empty.output, [(CLOSE, vec![])]);
        let longest = "x".repeat(123);
        for reason in ["", "bye", &longest, "h\u{e9}"] {
            let seen = serve(&[close_body(1000, reason.as_bytes())]);
            let close = Close {
                code: CloseCode::NORMAL,
                reason: reason.to_owned(),
            };
            assert_eq!(seen.events, [Event::Close(Some(close))]);
            assert_eq!(seen.output, [(CLOSE, vec![0x03, 0xe8])]);
        }
    }

    #[test]
    fn one_byte_close_body_is_refused() {
        check_refused(
            &[from_client(CLOSE, &[3])],
            &[],
            Violation::CloseLength,
            1002,
        );
    }

    #[test]
    fn each_code_is_judged_by_its_registry() {
        let valid = (1000..=1003).chain(1007..=1014).chain(3000..=4999);
        let valid: std::collections::BTreeSet<u16> = valid.collect();
        for code in 0..=u16::MAX {
            assert_eq!(CloseCode::new(code).is_some(), valid.contains(&code));
        }
        for code in [1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            let seen = serve(&[close_body(code, b"")]);
            assert_eq!((seen.violation, seen.events.len()), (None, 1));
            assert_eq!(seen.output, [(CLOSE, code.to_be_bytes().to_vec())]);
        }
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            let input = [close_body(code, b"")];
            check_refused(&input, &[], Violation::CloseCode(code), 1002);
        }
    }

    #[test]
    fn a_reason_that_is_no_utf8_is_refused() {
        let reason = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
        check_refused(
            &[close_body(1000, reason)],
            &[],
            Violation::CloseReason,
            1007,
        );
    }

    #[test]
    fn nothing_is_read_behind_a_close() {
        for behind in [TEXT, PING, CLOSE, 0xff] {
            let seen = serve(&[from_client(CLOSE, b""), from_client(behind, b"x")]);
            assert_eq!(seen.events, [Event::Close(None)]);
            assert_eq!(seen.output, [(CLOSE, vec![])]);
        }
    }

    #[test]
    fn nothing_is_told_nor_sent_behind_our_own_close_but_the_answer() {
        let mut core = Connection::new(Role::Server, Extension::None);
        let mut output = Vec::new();
        core.close(CloseCode::GOING_AWAY, "later", &mut output)
            .unwrap();
        assert_eq!(frames(&output), [(CLOSE, b"\x03\xe9later".to_vec())]);
        assert!(!core.is_open() && !core.is_closed());
        let misuse = Err(Misuse::Closing);
        assert_eq!(core.send(Kind::Text, b"x", &mut output), misuse);
        assert_eq!(core.ping(b"", &mut output), misuse);
        assert_eq!(core.close(CloseCode::NORMAL, "", &mut output), misuse);
        let input = [
            from_client(TEXT, b"late"),
            from_client(PING, b"late"),
            from_client(CLOSE, &[0x03, 0xe9]),
        ];
        output.clear();
        let mut input = BytesMut::from(&input.concat()[..]);
        let event = core.receive(&mut input, &Config::default(), &mut output);
        assert!(
            matches!(event, Ok(Some(Event::Close(Some(_))))),
            "{event:?}"
        );
        assert!(core.is_closed() && output.is_empty());
    }

    #[test]
    fn what_breaks_a_rule_behind_our_own_close_gets_no_second_one() {
        let mut core = Connection::new(Role::Server, Extension::None);
        core.close(CloseCode::NORMAL, "", &mut Vec::new()).unwrap();
        let (mut input, mut output) = (BytesMut::from(&[0xff, 0xff][..]), Vec::new());
        let received = core.receive(&mut input, &Config::default(), &mut output);
        assert_eq!(received, Err(Violation::ReservedOpcode(0xf)));
        assert!(core.is_closed() && output.is_empty());
    }

    #[test]
    fn reasons_and_pings_that_are_too_long_are_not_sent() {
        let mut core = Connection::new(Role::Server, Extension::None);
        let mut output = Vec::new();
        let reason = "x".repeat(124);
        let closed = core.close(CloseCode::NORMAL, &reason, &mut output);
        assert_eq!(closed, Err(Misuse::ReasonTooLong));
        assert_eq!(
            core.ping(&[0; 126], &mut output),
            Err(Misuse::ControlTooLong)
        );
        assert_eq!(
            core.send_deflated(Kind::Text, b"", &mut output),
            Err(Misuse::NotAgreed)
        );
        assert!(core.is_open() && output.is_empty());
    }
}

mod rfc6455_7_1 {
    use super::*;

    #[test]
    fn a_stream_that_ends_without_a_close_is_told() {
        for begun in [&b""[..], &[TEXT], &from_client(FIRST_TEXT, b"x")] {
            let mut core = Connection::new(Role::Server, Extension::None);
            let mut input = BytesMut::from(begun);
            let config = Config::default();
            assert_eq!(core.receive(&mut input, &config, &mut Vec::new()), Ok(None));
            assert_eq!(core.receive_eof(), Err(Violation::UnexpectedEof));
            assert!(core.is_closed());
            assert_eq!(core.receive_eof(), Ok(()));
        }
    }

    #[test]
    fn a_stream_that_ends_behind_a_close_is_in_order() {
        let mut core = Connection::new(Role::Server, Extension::None);
        let mut input = BytesMut::from(&from_client(CLOSE, b"")[..]);
        let event = core.receive(&mut input, &Config::default(), &mut Vec::new());
        assert_eq!(event, Ok(Some(Event::Close(None))));
        assert_eq!(core.receive_eof(), Ok(()));
    }
}

mod rfc6455_8_1 {
    use super::super::utf8::Utf8;
    use super::*;

    #[test]
    fn texts_are_checked_over_fragments() {
        let payload = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}\u{10ffff}".as_bytes();
        for len in 1..payload.len() {
            let mut input: Vec<_> = payload.chunks(len).map(|c| from_client(NEXT, c)).collect();
            input[0][0] = FIRST_TEXT;
            input.push(from_client(LAST, b""));
            check(&input, &[text(payload)]);
        }
    }

    #[test]
    fn what_is_no_text_is_refused_before_its_frame_is_whole() {
        for begin in [
            &b"\xf4\x90"[..],
            b"ok\xc0",
            b"\xed\xa0",
            b"\xe0\x80",
            b"\xff",
            b"a\x80",
        ] {
            let whole = from_client(TEXT, &[begin, &[b'x'; 100]].concat());
            let mut core = Connection::new(Role::Server, Extension::None);
            let mut output = Vec::new();
            let mut input = BytesMut::from(&whole[..6 + begin.len()]);
            let received = core.receive(&mut input, &Config::default(), &mut output);
            assert_eq!(received, Err(Violation::Text));
            assert_eq!(frames(&output), [(CLOSE, vec![0x03, 0xef])]);
        }
    }

    #[test]
    fn an_octet_that_is_no_text_is_refused_wherever_it_stands() {
        for len in [1, 7, 8, 9, 26] {
            for place in 0..len {
                let mut payload = vec![b'x'; len];
                payload[place] = b'\xff';
                check_refused(&[from_client(TEXT, &payload)], &[], Violation::Text, 1007);
            }
        }
    }

    #[test]
    fn octets_that_are_text_only_as_long_as_they_are_masked_are_refused() {
        let payload: Vec<u8> = b"xxxx".iter().zip(KEY).map(|(x, mask)| x ^ mask).collect();
        check_refused(&[from_client(TEXT, &payload)], &[], Violation::Text, 1007);
    }

    #[test]
    fn a_text_that_ends_inside_a_code_point_is_refused() {
        for end in [&b"\xce"[..], b"\xe1\xbd", b"\xf4\x8f\xbf"] {
            check_refused(&[from_client(TEXT, end)], &[], Violation::Text, 1007);
            let fragments = [from_client(FIRST_TEXT, end), from_client(LAST, b"")];
            check_refused(&fragments, &[], Violation::Text, 1007);
        }
    }

    #[test]
    fn what_is_binary_need_not_be_text() {
        check(&[from_client(BINARY, b"\xff\xc0")], &[binary(b"\xff\xc0")]);
    }

    /// What the standard library says, with any cut.
    fn compare(text: &[u8]) {
        let expected = std::str::from_utf8(text);
        for cut in 0..=text.len() {
            for second in cut..=text.len() {
                let mut utf8 = Utf8::default();
                let is_valid = [&text[..cut], &text[cut..second], &text[second..]]
                    .iter()
                    .all(|piece| utf8.check(piece).is_ok());
                let is_prefix = expected.map_or_else(|e| e.error_len().is_none(), |_| true);
                assert_eq!(is_valid, is_prefix, "{text:x?} cut at {cut}, {second}");
                let is_complete = is_valid && utf8.is_complete();
                assert_eq!(
                    is_complete,
                    expected.is_ok(),
                    "{text:x?} cut at {cut}, {second}"
                );
            }
        }
    }

    #[test]
    fn the_standard_library_agrees_wherever_a_text_is_cut() {
        // The octets at which one rule ends and another begins; each pair is tried whole.
        const BORDERS: [u8; 26] = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
            0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff,
        ];
        for a in 0..=u8::MAX {
            compare(&[a]);
            for b in 0..=u8::MAX {
                compare(&[a, b]);
            }
        }
        for a in BORDERS {
            for b in BORDERS {
                for c in BORDERS {
                    compare(&[a, b, c]);
                }
            }
        }
        for a in 0xee..=0xf5 {
            for b in BORDERS {
                for c in BORDERS {
                    for d in BORDERS {
                        compare(&[a, b, c, d]);
                    }
                }
            }
        }
    }
}

mod rfc6455_5_3 {
    use super::super::mask;
    use super::*;

    #[test]
    fn each_octet_is_masked_by_its_place() {
        for len in (0..200).chain([1000]) {
            for offset in [0, 1, 2, 3, 4, 63, 65] {
                let mut payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
                mask::apply(&mut payload, KEY, offset);
                for (at, octet) in payload.iter().enumerate() {
                    assert_eq!(*octet, at as u8 ^ KEY[(offset + at) % 4]);
                }
            }
        }
    }

    #[test]
    fn keys_differ_from_each_other_and_between_connections() {
        let mut one = MaskKeys::new([1; 16]);
        let mut other = MaskKeys::new([2; 16]);
        let keys: std::collections::BTreeSet<_> =
            (0..8).flat_map(|_| [one.draw(), other.draw()]).collect();
        assert!(keys.len() == 16 && !keys.contains(&[0; 4]));
    }
}

mod without_a_connection {
    use super::*;

    #[test]
    fn a_shared_encoding_is_what_a_server_sends() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let encoders = [
                (Kind::Text, encode_text as fn(&[u8], &mut Vec<u8>)),
                (Kind::Binary, encode_binary),
            ];
            for (kind, encode) in encoders {
                let (mut shared, mut sent) = (Vec::new(), Vec::new());
                encode(&payload, &mut shared);
                let mut core = Connection::new(Role::Server, Extension::None);
                core.send(kind, &payload, &mut sent).unwrap();
                assert!(shared == sent);
                let seen = run_every_way(client, &shared, &Config::default());
                assert_eq!(seen.events, [message(kind, &payload)]);
            }
        }
    }
}

mod waits {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A case: steps of time in seconds, and what is over then.
    fn check(timeouts: &mut Timeouts, begin: Instant, steps: &[(u32, Option<Expired>)]) {
        let config = Config::default();
        for (at, expired) in steps {
            let now = begin + SECOND * *at;
            let deadline = timeouts.poll_deadline(&config);
            assert_eq!(
                deadline.is_some_and(|deadline| deadline <= now),
                expired.is_some(),
                "{deadline:?} at {at}"
            );
            assert_eq!(timeouts.handle_timeout(now, &config), *expired, "at {at}");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn begin() -> (Instant, Timeouts) {
        let now = Instant::now();
        (now, Timeouts::new(now))
    }

    #[test]
    fn a_silent_peer_is_asked_and_then_given_up() {
        let (begin, mut timeouts) = begin();
        let steps = [
            (39, None),
            (40, Some(Expired::Ping)),
            (79, None),
            (80, Some(Expired::Pong)),
        ];
        check(&mut timeouts, begin, &steps);
    }

    #[test]
    fn a_ping_that_is_late_costs_the_peer_at_most_half_of_its_time() {
        let (start, mut timeouts) = begin();
        let steps = [(45, Some(Expired::Ping)), (80, Some(Expired::Pong))];
        check(&mut timeouts, start, &steps);
        let (start, mut timeouts) = begin();
        let steps = [
            (400, Some(Expired::Ping)),
            (419, None),
            (420, Some(Expired::Pong)),
        ];
        check(&mut timeouts, start, &steps);
    }

    #[test]
    fn any_byte_shows_that_the_peer_lives() {
        let (begin, mut timeouts) = begin();
        check(&mut timeouts, begin, &[(40, Some(Expired::Ping))]);
        timeouts.received(begin + SECOND * 79);
        let steps = [(80, None), (118, None), (119, Some(Expired::Ping))];
        check(&mut timeouts, begin, &steps);
    }

    #[test]
    fn the_wait_stands_still_while_nobody_reads() {
        let (begin, mut timeouts) = begin();
        check(&mut timeouts, begin, &[(40, Some(Expired::Ping))]);
        timeouts.pause(begin + SECOND * 50);
        timeouts.pause(begin + SECOND * 60);
        check(&mut timeouts, begin, &[(500, None)]);
        timeouts.resume(begin + SECOND * 500);
        check(
            &mut timeouts,
            begin,
            &[(529, None), (530, Some(Expired::Pong))],
        );
    }

    #[test]
    fn what_comes_in_while_it_stands_still_counts() {
        let (begin, mut timeouts) = begin();
        timeouts.pause(begin + SECOND * 10);
        timeouts.received(begin + SECOND * 20);
        timeouts.resume(begin + SECOND * 25);
        check(
            &mut timeouts,
            begin,
            &[(64, None), (65, Some(Expired::Ping))],
        );
    }

    #[test]
    fn a_close_that_is_not_answered_ends_whatever_comes_in() {
        let (begin, mut timeouts) = begin();
        timeouts.pause(begin);
        timeouts.closing(begin + SECOND);
        timeouts.received(begin + SECOND * 5);
        timeouts.closing(begin + SECOND * 5);
        check(
            &mut timeouts,
            begin,
            &[(5, None), (6, Some(Expired::Close))],
        );
    }

    #[test]
    fn a_wait_too_long_to_be_told_is_never_over() {
        let (_, timeouts) = begin();
        let config = Config {
            ping_interval: Duration::MAX,
            ..Config::default()
        };
        assert_eq!(timeouts.poll_deadline(&config), None);
    }
}

#[test]
fn an_idle_server_side_is_small() {
    assert!(
        size_of::<Connection>() <= 144,
        "{}",
        size_of::<Connection>()
    );
}

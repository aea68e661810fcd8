//! What messages and contexts cost in allocations.

use allocation_counter::measure;
use astatine_websocket::Config;
use astatine_websocket::proto::deflate::{Context, Deflater, Direction, Inflater, WindowBits};
use astatine_websocket::proto::{Connection, Event, Extension, Kind, Role};
use bytes::BytesMut;

const DIRECTION: Direction = Direction {
    context: Context::Kept,
    window_bits: WindowBits::MAX,
};

/// Echoes whatever is in the input.
fn echo(core: &mut Connection, input: &mut BytesMut, output: &mut Vec<u8>) {
    let config = Config::default();
    output.clear();
    while let Some(event) = core.receive(input, &config, output).unwrap() {
        if let Event::Message { kind, payload } = event {
            core.send(kind, &payload, output).unwrap();
        }
    }
}

/// A message of 125 bytes, under a mask of zeros.
fn message(first: u8) -> Vec<u8> {
    [&[first, 0x80 | 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat()
}

#[test]
fn messages_of_one_frame_allocate_nothing() {
    let read = [message(0x81), message(0x89), message(0x82)]
        .concat()
        .repeat(16);
    let mut core = Connection::new(Role::Server, Extension::None);
    let (mut input, mut output) = (BytesMut::new(), Vec::new());
    let mut turn = || {
        input.reserve(read.len());
        input.extend_from_slice(&read);
        echo(&mut core, &mut input, &mut output);
    };
    turn();
    turn();
    let counted = measure(|| (0..100).for_each(|_| turn()));
    assert_eq!(counted.count_total, 0);
    assert_eq!(output.len(), 48 * 127);
}

#[test]
fn nothing_is_held_between_messages() {
    let read = [message(0x01), message(0x00), message(0x80)].concat();
    let mut core = Connection::new(Role::Server, Extension::None);
    let held = measure(|| {
        let (mut input, mut output) = (BytesMut::from(&read[..]), Vec::new());
        echo(&mut core, &mut input, &mut output);
        assert_eq!(output.len(), 4 + 3 * 125);
    });
    assert_eq!(held.bytes_current, 0);
}

#[test]
fn a_message_in_fragments_grows_like_a_vector() {
    let read = [message(0x01), message(0x00).repeat(1000), message(0x80)].concat();
    let mut core = Connection::new(Role::Server, Extension::None);
    let counted = measure(|| {
        let (mut input, mut output) = (BytesMut::from(&read[..]), Vec::new());
        echo(&mut core, &mut input, &mut output);
    });
    assert!(counted.count_total < 20, "{}", counted.count_total);
}

#[test]
fn contexts_hold_what_the_documentation_says() {
    let config = Config::default();
    let mut kept = None;
    let held = measure(|| kept = Some(Deflater::new(DIRECTION, &config)));
    assert!(
        (340 << 10..=375 << 10).contains(&held.bytes_current),
        "{}",
        held.bytes_current
    );
    let mut kept = None;
    let held = measure(|| {
        let mut inflater = Inflater::new(DIRECTION);
        inflater
            .inflate(Kind::Text, b"\xf2\x48\xcd\xc9\xc9\x07\x00", &config)
            .unwrap();
        kept = Some(inflater);
    });
    assert!(
        (32 << 10..=48 << 10).contains(&held.bytes_current),
        "{}",
        held.bytes_current
    );
}

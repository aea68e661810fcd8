//! One end of a connection that is fed a stream in pieces.

use astatine_websocket::proto::{Connection, Event, Extension, MaskKeys, Role};
use astatine_websocket::{Config, Violation};
use bytes::BytesMut;

/// What an end made of a stream.
#[derive(Debug, PartialEq)]
pub struct Received {
    pub events: Vec<Event>,
    pub violation: Option<Violation>,
    /// What it sent by itself, in the masks of the same keys.
    pub output: Vec<u8>,
    /// Whether it ended with a close.
    pub is_closed: bool,
}

/// Feeds the pieces to a client, or to a server.
pub fn receive<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    is_client: bool,
    extension: Extension,
    config: &Config,
) -> Received {
    let role = if is_client {
        Role::Client(MaskKeys::new([5; 16]))
    } else {
        Role::Server
    };
    let mut core = Connection::new(role, extension);
    let (mut input, mut output) = (BytesMut::new(), Vec::new());
    let (mut events, mut violation) = (Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match core.receive(&mut input, config, &mut output) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(other) => {
                    assert_eq!(violation, None, "a second violation: {other:?}");
                    assert!(core.is_closed() && !core.is_open());
                    violation = Some(other);
                }
            }
        }
        assert!(core.payload_missing() <= config.max_message_bytes * 9 / 8 + 64);
        // Nothing is kept but a frame that is not whole.
        assert!(input.len() <= config.max_message_bytes * 9 / 8 + 64 + 14);
    }
    Received {
        events,
        violation,
        output,
        is_closed: core.is_closed(),
    }
}

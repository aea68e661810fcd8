//! A codec of `tokio_util` over the core, for `Framed` and its relatives.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::config::Config;
use crate::error::Error;
use crate::proto::{CloseCode, Connection, Event, Extension, Kind, Role};

/// Decodes [`Event`]s and encodes [`Command`]s, behind the handshake.
///
/// A decoder cannot write. What the protocol owes the peer, a pong or the answer to its Close
/// frame, leaves with the next command: send [`Command::Answer`] behind [`Event::Ping`],
/// [`Event::Close`] and an error. Pings and timeouts are the caller's.
#[derive(Debug)]
pub struct Codec {
    connection: Connection,
    config: Config,
    owed: Vec<u8>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// A message; a text must be UTF-8.
    Message {
        /// Text or binary.
        kind: Kind,
        /// All of it.
        payload: Bytes,
    },
    /// A message that `deflate::Deflater` has compressed.
    Deflated {
        /// What it is once it is inflated.
        kind: Kind,
        /// All of it.
        payload: Bytes,
    },
    /// A ping, with at most 125 bytes.
    Ping(Bytes),
    /// The beginning of a close, with a reason of at most 123 bytes.
    Close(CloseCode, String),
    /// What is owed, and nothing else.
    Answer,
}

impl Codec {
    /// Begins a connection whose handshake is done.
    pub fn new(role: Role, extension: Extension, config: Config) -> Self {
        Self {
            connection: Connection::new(role, extension),
            config,
            owed: Vec::new(),
        }
    }

    /// Returns the machine, to see how far the connection has come.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Decoder for Codec {
    type Item = Event;
    type Error = Error;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let received = self
            .connection
            .receive(input, &self.config, &mut self.owed)?;
        // A peer that announces much and sends little must not make us set it aside.
        input.reserve(self.connection.payload_missing().min(MAX_ROOM_BYTES));
        Ok(received)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        let event = self.decode(input)?;
        if event.is_none() {
            input.clear();
            self.connection.receive_eof()?;
        }
        Ok(event)
    }
}

impl Encoder<Command> for Codec {
    type Error = Error;

    fn encode(&mut self, command: Command, output: &mut BytesMut) -> Result<(), Error> {
        let (connection, owed) = (&mut self.connection, &mut self.owed);
        let sent = match command {
            Command::Message { kind, payload } => connection.send(kind, &payload, owed),
            Command::Deflated { kind, payload } => connection.send_deflated(kind, &payload, owed),
            Command::Ping(payload) => connection.ping(&payload, owed),
            Command::Close(code, reason) => connection.close(code, &reason, owed),
            Command::Answer => Ok(()),
        };
        output.extend_from_slice(owed);
        owed.clear();
        Ok(sent?)
    }
}

/// The most room that is made for a payload at a time.
const MAX_ROOM_BYTES: usize = 64 << 10;

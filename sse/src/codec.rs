//! A codec of `tokio_util` over the core, for `Framed` and its relatives.

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use crate::config::Config;
use crate::error::Error;
use crate::proto::Parser;
use crate::proto::event::{Encoded, Event};
use crate::proto::parser::MessageEvent;

/// Decodes [`MessageEvent`]s and encodes [`Event`]s, on a stream that has nothing else.
#[derive(Debug)]
pub struct Codec {
    parser: Parser,
}

impl Codec {
    /// Begins a stream, in either direction.
    pub fn new(config: &Config) -> Self {
        Self {
            parser: Parser::new(config),
        }
    }

    /// Returns the parser, which knows the last id and the retry time.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }
}

impl Decoder for Codec {
    type Item = MessageEvent;
    type Error = Error;

    /// Takes all of the input but what lies behind an event: a line that is not whole is kept by
    /// the parser, and dropped with it where the stream ends there.
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<MessageEvent>, Error> {
        Ok(self.parser.receive(input)?)
    }
}

impl Encoder<Event<'_>> for Codec {
    type Error = Error;

    fn encode(&mut self, event: Event<'_>, output: &mut BytesMut) -> Result<(), Error> {
        self.encode(Encoded::from(event), output)
    }
}

impl Encoder<Encoded> for Codec {
    type Error = Error;

    fn encode(&mut self, event: Encoded, output: &mut BytesMut) -> Result<(), Error> {
        output.extend_from_slice(event.as_bytes());
        Ok(())
    }
}

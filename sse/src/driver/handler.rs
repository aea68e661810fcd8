//! An event stream that a handler of the reactor serves: nothing comes in, and what its peers write
//! leaves as events.

use astatine_reactor::Handover;
use astatine_reactor::handler::{
    Answer, Encoding, Event as Received, Form, Handler, HandlerConfig, Message, Protocol, drive,
};
use bytes::BytesMut;
use http::Response;

use super::response::event_stream;
use crate::config::Config;
use crate::proto::event::{Encoded, Event, Line};

/// Makes a response of an event stream, and the [`Handover`] by which the server gives its connection
/// to the handler. The connection ends with the stream.
///
/// A [`Message`] that a peer writes becomes an event, with its id and its event's name; a payload
/// that is no UTF-8 has U+FFFD where it is none, since event streams are text. The handler's
/// `message` is never called.
///
/// # Spec
///
/// WHATWG HTML §9.2.5.
pub fn handled_event_stream(handler: impl Handler, config: &Config) -> Response<()> {
    let mut pace = HandlerConfig::default();
    pace.timeout = config.keep_alive;
    pace.outbox_bytes = config.max_queue_bytes as usize;
    let handover = Handover::new(move |connection, unread| {
        drive(connection, unread, Events, Box::new(handler), pace)
    });
    let mut response = event_stream(());
    response.extensions_mut().insert(handover);
    response
}

/// Events one way, and nothing the other.
struct Events;

impl Protocol for Events {
    fn encoding(&self) -> Encoding {
        Encoding::Shared {
            form: |_| Form::Event,
            encode,
            head: None,
        }
    }

    fn receive(&mut self, input: &mut BytesMut, _output: &mut Vec<u8>) -> Option<Received> {
        // A client has no say behind its request.
        input.clear();
        None
    }

    fn ping(&mut self, output: &mut Vec<u8>) -> Answer {
        output.extend_from_slice(Encoded::keep_alive().as_bytes());
        Answer::NotAwaited
    }

    fn close(&mut self, _code: Option<u16>, _text: &str, _output: &mut Vec<u8>) -> bool {
        false
    }

    fn encode(&mut self, message: &Message, output: &mut Vec<u8>) {
        encode(message, output);
    }
}

fn encode(message: &Message, output: &mut Vec<u8>) {
    let data = String::from_utf8_lossy(message.payload());
    let line = |text| Line::new(text).ok();
    let mut event = Event::data(&data);
    event.id = message.id().and_then(line);
    event.event = message.event().and_then(line);
    event.encode(output);
}

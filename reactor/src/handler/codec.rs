//! A codec of `tokio_util` as the protocol of connections with handlers.

use std::error::Error;

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::{Answer, CodecError, Encoding, Event, Message, Protocol, Reason};

/// The protocol that a codec makes: handlers are given what it decodes, and what peers write is
/// encoded by it.
///
/// An item becomes a [`Message`], since that is what handlers of any protocol are given, what one
/// handler leaves to the next in [`Peer::set_handler`](super::Peer::set_handler), and what peers
/// write from any thread. A decoder whose items are structures of its own reads better in a
/// `Framed` over [`Connection::io`](crate::Connection::io), which needs no handler.
///
/// A failure of the codec closes the connection, with [`Reason::Codec`]. To answer to what it
/// cannot decode, let the codec make an item of it. How much waits for the end of an item is the
/// codec's to limit.
///
/// ```
/// use astatine_reactor::handler::{Coded, Handler, Message, Peer, Raw, Turn};
/// use tokio_util::codec::LinesCodec;
///
/// struct Greeter;
///
/// impl Handler for Greeter {
///     fn message(&mut self, peer: &Peer, line: Message) -> Turn<'_> {
///         let name = line.as_text().unwrap_or("whoever you are");
///         if peer.write(format!("Hello, {name}")).is_err() {
///             peer.close();
///         }
///         Turn::Next
///     }
/// }
///
/// // A service for `Server::listen`.
/// let greeters = Raw::new(|_peer| Greeter)
///     .protocol(|| Coded::new(LinesCodec::new_with_max_length(1024), Message::into_text));
/// # drop(greeters);
/// ```
#[derive(Debug)]
pub struct Coded<C, F> {
    codec: C,
    to_item: F,
    failure: Option<Reason>,
}

impl<C, F, I> Coded<C, F>
where
    C: Decoder + Encoder<I>,
    F: Fn(Message) -> I,
{
    /// Takes the codec, and what makes an item for it of a message: [`Message::into_text`],
    /// [`Message::into_payload`], or a function of your own.
    pub fn new(codec: C, to_item: F) -> Self {
        Self {
            codec,
            to_item,
            failure: None,
        }
    }
}

/// Makes an event of what a decoder has found.
fn event<I, E>(decoded: Result<Option<I>, E>) -> Option<Event>
where
    I: Into<Message>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    match decoded {
        Ok(item) => item.map(|item| Event::Message(item.into())),
        Err(error) => Some(Event::Closed(Reason::Codec(CodecError::new(error)))),
    }
}

impl<C, F, I> Protocol for Coded<C, F>
where
    C: Decoder + Encoder<I> + Send + 'static,
    C::Item: Into<Message>,
    <C as Decoder>::Error: Into<Box<dyn Error + Send + Sync>>,
    <C as Encoder<I>>::Error: Into<Box<dyn Error + Send + Sync>>,
    F: Fn(Message) -> I + Send + 'static,
{
    fn encoding(&self) -> Encoding {
        Encoding::Alone
    }

    fn receive(&mut self, input: &mut BytesMut, _output: &mut Vec<u8>) -> Option<Event> {
        event(self.codec.decode(input))
    }

    fn receive_last(&mut self, input: &mut BytesMut) -> Option<Event> {
        event(self.codec.decode_eof(input))
    }

    fn keeps_events(&self) -> bool {
        // A decoder is asked until it has nothing more, as `Framed` does.
        true
    }

    fn ping(&mut self, _output: &mut Vec<u8>) -> Answer {
        Answer::NoPing
    }

    fn close(&mut self, _code: Option<u16>, _text: &str, _output: &mut Vec<u8>) -> bool {
        false
    }

    fn encode(&mut self, message: &Message, output: &mut Vec<u8>) {
        if self.failure.is_some() {
            return;
        }
        let mut encoded = BytesMut::new();
        let item = (self.to_item)(message.clone());
        match self.codec.encode(item, &mut encoded) {
            Ok(()) => output.extend_from_slice(&encoded),
            Err(error) => self.failure = Some(Reason::Codec(CodecError::new(error))),
        }
    }

    fn take_failure(&mut self) -> Option<Reason> {
        self.failure.clone()
    }
}
